/** The three files of a container that its networks decide: hostname, hosts, resolv.conf. */
import type { NetworkContext } from './context.ts';
import { addressOf } from './gateway.ts';
import type { Placed } from './gateway.ts';
import { hostsFile, hostsFileOfHost, linkEntry, ownEntries, parseExtraHost } from './hosts-file.ts';
import type { HostsEntry } from './hosts-file.ts';
import { needsResolver, wayOut } from './names.ts';
import { isInternal } from './records.ts';
import type { SandboxRecord } from './records.ts';
import { containerResolvConf, hostResolvConf } from './resolv-conf.ts';
import type { Reach } from './resolv-conf.ts';

export interface FilePaths {
  hostnamePath: string;
  hostsPath: string;
  resolvConfPath: string;
}

export const pathsIn = (directory: string): FilePaths => ({
  hostnamePath: `${directory}/hostname`,
  hostsPath: `${directory}/hosts`,
  resolvConfPath: `${directory}/resolv.conf`,
});

const pick = (wanted: readonly string[], otherwise: readonly string[]): readonly string[] =>
  wanted.length > 0 ? wanted : otherwise;

export function writeFiles(context: NetworkContext, sandbox: SandboxRecord, endpoints: readonly Placed[]): void {
  const { files } = context.deps;
  files.write(sandbox.hostnamePath, `${sandbox.request.hostname}\n`);
  files.write(sandbox.hostsPath, hostsTextOf(context, sandbox, endpoints));
  files.write(sandbox.resolvConfPath, resolvConfTextOf(context, sandbox, endpoints));
}

/** A network that the container is or was on; of one that was there before this daemon the endpoint is not known. */
type Shown = Pick<Placed, 'network'> & Partial<Placed>;

/** After a connect or disconnect. What the container's user has changed in resolv.conf stays. */
export function refreshFiles(
  context: NetworkContext,
  sandbox: SandboxRecord,
  before: readonly Shown[],
  after: readonly Placed[],
): void {
  const { files } = context.deps;
  files.write(sandbox.hostsPath, hostsTextOf(context, sandbox, after));
  const [old, wanted] = [before, after].map((endpoints) => resolvConfTextOf(context, sandbox, endpoints));
  if (wanted !== undefined && wanted !== old && files.read(sandbox.resolvConfPath) === old) {
    files.write(sandbox.resolvConfPath, wanted);
  }
}

export function hostsTextOf(context: NetworkContext, sandbox: SandboxRecord, endpoints: readonly Placed[]): string {
  const { request } = sandbox;
  const extra = request.extraHosts.flatMap((text) => parseExtraHost(text, context.hostGateways()));
  if (sandbox.kind === 'host') return hostsFileOfHost(context.deps.files.read('/etc/hosts') ?? '', extra);
  const own = endpoints.flatMap(({ endpoint }) => ownEntries(endpoint.addresses, request.hostname, request.domainname));
  return hostsFile(extra, [...linkEntries(context, sandbox), ...own]);
}

/** Containers that run and are on the default bridge, too. */
function linkEntries({ state }: NetworkContext, { request }: SandboxRecord): HostsEntry[] {
  return request.links.flatMap(({ containerId, name, alias }) => {
    const other = state.sandbox(containerId);
    const endpoint = other?.endpoints.find(({ networkId }) => state.network(networkId)?.name === 'bridge');
    if (!other || !endpoint) return [];
    return ([4, 6] as const).flatMap((family) => {
      const address = addressOf(endpoint, family);
      return address === '' ? [] : [linkEntry(address, alias, other.sandbox.request.hostname, name)];
    });
  });
}

function resolvConfTextOf(context: NetworkContext, { request }: SandboxRecord, endpoints: readonly Shown[]): string {
  const { files, settings } = context.deps;
  const lan = wayOut(endpoints.flatMap(({ network, endpoint }) => (endpoint ? [{ network, endpoint }] : [])));
  const overrides = {
    nameservers: pick(pick(request.dns, settings.dns), lan?.nameservers ?? []),
    search: pick(pick(request.dnsSearch, settings.dnsSearch), lan && lan.domain !== '' ? [lan.domain] : []),
    options: pick(request.dnsOptions, settings.dnsOptions),
  };
  const host = hostResolvConf((path) => files.read(path));
  return containerResolvConf(host, overrides, reachOf(endpoints));
}

function reachOf(endpoints: readonly Pick<Placed, 'network'>[]): Reach {
  if (needsResolver(endpoints)) {
    return endpoints.every(({ network }) => isInternal(network)) ? 'resolver-only' : 'resolver';
  }
  const drivers = endpoints.map(({ network }) => network.driver);
  if (drivers.includes('host')) return 'host';
  if (!drivers.includes('bridge')) return 'none';
  return endpoints.some(({ network }) => network.ipv6) ? 'own-ipv6' : 'own';
}

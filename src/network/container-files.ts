/** The three files of a container that its network decides: hostname, hosts, resolv.conf. */
import type { NetworkContext } from './context.ts';
import { hostsFile, hostsFileOfHost, ownEntries, parseExtraHost } from './hosts-file.ts';
import type { SandboxRequest } from './port.ts';
import type { NetworkRecord } from './records.ts';
import { containerResolvConf, hostResolvConf } from './resolv-conf.ts';

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

export function writeFiles(
  context: NetworkContext,
  request: SandboxRequest,
  network: NetworkRecord,
  addresses: readonly string[],
): FilePaths {
  const { files, settings } = context.deps;
  const paths = pathsIn(request.filesDir);
  const extra = request.extraHosts.flatMap((text) => parseExtraHost(text, context.hostGateways()));
  files.write(paths.hostnamePath, `${request.hostname}\n`);
  files.write(
    paths.hostsPath,
    network.driver === 'host'
      ? hostsFileOfHost(files.read('/etc/hosts') ?? '', extra)
      : hostsFile(extra, ownEntries(addresses, request.hostname, request.domainname)),
  );
  const overrides = {
    nameservers: pick(request.dns, settings.dns),
    search: pick(request.dnsSearch, settings.dnsSearch),
    options: pick(request.dnsOptions, settings.dnsOptions),
  };
  const host = hostResolvConf((path) => files.read(path));
  files.write(paths.resolvConfPath, containerResolvConf(host, overrides, reachOf(network)));
  return paths;
}

function reachOf({ driver, ipv6 }: NetworkRecord): 'own' | 'own-ipv6' | 'host' | 'none' {
  if (driver === 'host') return 'host';
  if (driver === 'null') return 'none';
  return ipv6 ? 'own-ipv6' : 'own';
}

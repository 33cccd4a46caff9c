/** What the resolver learns of a sandbox. Pure. */
import type { SandboxNames } from './attendant.ts';
import { byPriority } from './gateway.ts';
import type { Placed } from './gateway.ts';
import { isPredefined } from './predefined.ts';
import { isInternal } from './records.ts';
import type { EndpointRecord, SandboxRecord } from './records.ts';
import type { NetworkSettings } from './settings.ts';

/** Containers find each other by name on user-defined networks only. */
export const needsResolver = (endpoints: readonly Pick<Placed, 'network'>[]): boolean =>
  endpoints.some(({ network }) => !isPredefined(network.name));

/** Of whom names are made. */
export type NamedContainer = Pick<SandboxRecord, 'containerId' | 'containerName'> & {
  request: Pick<SandboxRecord['request'], 'hostname'>;
};

/**
 * Container name, aliases, short ID, host name, each once: by these others find it, and PTR answers with the first. dockerd
 * shows the same list as DNSNames.
 */
export function dnsNames(
  { containerName, containerId, request }: NamedContainer,
  endpoint: Pick<EndpointRecord, 'settings'>,
): string[] {
  const names = [containerName, ...(endpoint.settings.Aliases ?? []), containerId.slice(0, 12), request.hostname];
  return [...new Set(names.filter((name) => name !== ''))];
}

export function sandboxNames(
  sandbox: SandboxRecord,
  endpoints: readonly Placed[],
  settings: Pick<NetworkSettings, 'dns'>,
): SandboxNames {
  const { request } = sandbox;
  return {
    sandboxId: sandbox.id,
    namespacePath: sandbox.namespacePath,
    nameservers: request.dns.length > 0 ? request.dns : settings.dns,
    forward: endpoints.some(({ network }) => !isInternal(network)),
    endpoints: byPriority(endpoints)
      .filter(({ network }) => !isPredefined(network.name))
      .map(({ endpoint, network }) => ({
        networkId: network.id,
        networkName: network.name,
        addresses: endpoint.addresses.map((address) => address.replace(/\/.*$/, '')),
        names: dnsNames(sandbox, endpoint),
        links: Object.fromEntries((endpoint.settings.Links ?? []).map(splitLink)),
      })),
  };
}

/** 'container:alias' or 'container' → [alias, container]. */
function splitLink(link: string): [alias: string, name: string] {
  const [name = '', alias = name] = link.split(':');
  return [alias, name];
}

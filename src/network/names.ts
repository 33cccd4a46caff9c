/** What the resolver learns of a sandbox. Pure. */
import type { SandboxNames } from './attendant.ts';
import { byPriority, gatewayEndpoint } from './gateway.ts';
import type { Placed } from './gateway.ts';
import type { Lease } from './leases.ts';
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
    nameservers:
      [request.dns, settings.dns, wayOut(endpoints)?.nameservers ?? []].find((list) => list.length > 0) ?? [],
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

/** Of the LAN by which the container leaves, if it is one that lends addresses: its servers know the LAN's names. */
export const wayOut = (endpoints: readonly Placed[]): Lease | undefined =>
  gatewayEndpoint(endpoints, 4)?.endpoint.lease;

/** 'container:alias' or 'container' → [alias, container]. */
function splitLink(link: string): [alias: string, name: string] {
  const [name = '', alias = name] = link.split(':');
  return [alias, name];
}

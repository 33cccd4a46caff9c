/** By which endpoint a sandbox leaves, for each family. Pure. */
import type { DefaultRoute } from '../drivers/plan.ts';
import { gatewayOf, isInternal } from './records.ts';
import type { EndpointRecord, NetworkRecord } from './records.ts';

export interface Placed {
  endpoint: EndpointRecord;
  network: NetworkRecord;
}

/**
 * The order in which endpoints count: highest gw-priority first, then by the network's name, as dockerd sorts them. The resolver
 * searches networks in this order, too.
 */
export function byPriority(endpoints: readonly Placed[]): Placed[] {
  return endpoints.toSorted(
    (a, b) =>
      b.endpoint.settings.GwPriority - a.endpoint.settings.GwPriority ||
      Number(isInternal(a.network)) - Number(isInternal(b.network)) ||
      (a.network.name < b.network.name ? -1 : 1),
  );
}

/** The endpoint that leads out; undefined when none does (internal networks, IPAM driver null). */
export function gatewayEndpoint(endpoints: readonly Placed[], family: 4 | 6): Placed | undefined {
  return byPriority(endpoints).find((one) => gatewayFor(one, family) !== '');
}

/** Where the endpoint sends what leaves its network, as gatewayOf(); '' for nowhere. */
export function gatewayFor({ endpoint, network }: Placed, family: 4 | 6): string {
  const address = addressOf(endpoint, family);
  if (address === '') return '';
  if (endpoint.lease && family === 4) return isInternal(network) ? '' : endpoint.lease.gateway;
  return gatewayOf(network, family, address);
}

export function defaultRoutes(endpoints: readonly Placed[]): DefaultRoute[] {
  return ([4, 6] as const).flatMap((family) => {
    const placed = gatewayEndpoint(endpoints, family);
    return placed ? [{ via: gatewayFor(placed, family), interface: placed.endpoint.interfaceName }] : [];
  });
}

/** With prefix; '' when it has none of that family. */
export const addressOf = ({ addresses }: EndpointRecord, family: 4 | 6): string =>
  addresses.find((address) => address.includes(':') === (family === 6)) ?? '';

export const bareAddressOf = (endpoint: EndpointRecord, family: 4 | 6): string =>
  addressOf(endpoint, family).replace(/\/.*$/, '');

/** Networks in the API's shapes (Docker Engine API 1.41 to 1.52), field by field as dockerd 29 sends them. Pure. */
import type { Json } from '../model/json.ts';
import type { ClusterHost, PlacedEndpoint } from './cluster.ts';
import { addressOf } from './gateway.ts';
import type { EndpointRecord, NetworkRecord, SandboxRecord } from './records.ts';
import type { NetworkState } from './state.ts';

export { sandboxView } from './sandbox-view.ts';

/** Networks that span hosts are seen by all of them. */
export const scopeOf = ({ driver }: NetworkRecord): 'local' | 'global' => (driver === 'overlay' ? 'global' : 'local');

/** As in a list. */
export function networkView(network: NetworkRecord): Json {
  return {
    Name: network.name,
    Id: network.id,
    Created: network.created,
    Scope: scopeOf(network),
    Driver: network.driver,
    EnableIPv4: network.ipv4,
    EnableIPv6: network.ipv6,
    IPAM: {
      Driver: network.ipam.driver,
      Options: network.ipam.options,
      Config: network.subnets.length > 0 ? network.subnets.map(subnetView) : null,
    },
    Internal: network.internal,
    Attachable: network.attachable,
    Ingress: false,
    ConfigFrom: { Network: network.configFrom },
    ConfigOnly: network.configOnly,
    Containers: {},
    Options: network.options,
    Labels: network.labels,
  };
}

function subnetView({ subnet, range, gateway, auxiliary }: NetworkRecord['subnets'][number]): Json {
  return {
    Subnet: subnet,
    ...(range === '' ? {} : { IPRange: range }),
    ...(gateway === '' ? {} : { Gateway: gateway }),
    ...(Object.keys(auxiliary).length === 0 ? {} : { AuxiliaryAddresses: auxiliary }),
  };
}

export function networkInspectView(network: NetworkRecord, state: NetworkState): Json {
  const view: Json = {
    ...networkView(network),
    Containers: Object.fromEntries(
      state
        .endpointsOf(network.id)
        .map(({ sandbox, endpoint }) => [sandbox.containerId, endpointResource(sandbox, endpoint)]),
    ),
  };
  if (network.subnets.length > 0 && !network.configOnly) view['Status'] = { IPAM: { Subnets: usage(network, state) } };
  return view;
}

function endpointResource({ containerName }: SandboxRecord, endpoint: EndpointRecord): Json {
  return {
    Name: containerName,
    EndpointID: endpoint.id,
    MacAddress: endpoint.mac,
    IPv4Address: addressOf(endpoint, 4),
    IPv6Address: addressOf(endpoint, 6),
  };
}

/**
 * What `inspect` shows of a network that spans hosts: everybody who is on it, and the hosts that they are on (dockerd's Peers).
 */
export function clusterView(endpoints: readonly PlacedEndpoint[], hosts: readonly ClusterHost[]): Json {
  const names = new Set(endpoints.map(({ host }) => host.name));
  const known = new Map([...endpoints.map(({ host }) => host), ...hosts].map((host) => [host.name, host]));
  return {
    Containers: Object.fromEntries(
      endpoints.map(({ id, containerId, containerName, mac, addresses, host }) => [
        containerId,
        {
          Name: containerName,
          EndpointID: id,
          MacAddress: mac,
          IPv4Address: addresses.find((address) => !address.includes(':')) ?? '',
          IPv6Address: addresses.find((address) => address.includes(':')) ?? '',
          Host: host.name,
        },
      ]),
    ),
    Peers: [...known.values()]
      .filter(({ name }) => names.has(name))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .map(({ name, address }) => ({ Name: name, IP: address })),
  };
}

function usage(network: NetworkRecord, state: NetworkState): Json {
  return Object.fromEntries(
    state.pools(network.id).map((pool, index) => {
      const { used, free } = pool.usage();
      return [network.subnets[index]?.subnet ?? '', { IPsInUse: used, DynamicIPsAvailable: unsigned64(free) }];
    }),
  );
}

const MOST = 0xffff_ffff_ffff_ffffn;

/** Node has it since 21; what it returns is sent as it is written. */
const { rawJSON } = JSON as unknown as { rawJSON: (text: string) => unknown };

/**
 * dockerd saturates at 2^64 - 1. An IPv6 subnet has more addresses than a double counts, and rounded up they would not fit the
 * client's uint64.
 */
function unsigned64(value: bigint): unknown {
  if (value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value);
  return rawJSON(String(value > MOST ? MOST : value));
}

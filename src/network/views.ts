/** Networks and sandboxes in the API's shapes (Docker Engine API 1.41 to 1.52). Pure. */
import type { Json } from '../model/json.ts';
import type { EndpointView, SandboxView } from './port.ts';
import { isPredefined } from './predefined.ts';
import type { EndpointRecord, NetworkRecord, SandboxRecord } from './records.ts';
import type { NetworkState, SandboxState } from './state.ts';

export function networkView(network: NetworkRecord): Json {
  return {
    Name: network.name,
    Id: network.id,
    Created: network.created,
    Scope: 'local',
    Driver: network.driver,
    EnableIPv4: network.ipv4,
    EnableIPv6: network.ipv6,
    IPAM: {
      Driver: 'default',
      Options: null,
      Config:
        network.driver === 'bridge'
          ? network.subnets.map(({ subnet, range, gateway }) => ({
              Subnet: subnet,
              ...(range === '' ? {} : { IPRange: range }),
              Gateway: gateway,
            }))
          : null,
    },
    Internal: false,
    Attachable: false,
    Ingress: false,
    ConfigFrom: { Network: '' },
    ConfigOnly: false,
    Containers: {},
    Options: network.options,
    Labels: network.labels,
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
  if (network.subnets.length > 0) view['Status'] = { IPAM: { Subnets: usage(network, state) } };
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

function usage(network: NetworkRecord, state: NetworkState): Json {
  return Object.fromEntries(
    state.pools(network.id).map((pool, index) => {
      const { used, free } = pool.usage();
      // An IPv6 subnet has more addresses than a JSON number can count; dockerd saturates at 2^64 - 1.
      const available = Number(free > 0xffff_ffff_ffff_ffffn ? 0xffff_ffff_ffff_ffffn : free);
      return [network.subnets[index]?.subnet ?? '', { IPsInUse: used, DynamicIPsAvailable: available }];
    }),
  );
}

/** With prefix; '' when it has none of that family. */
const addressOf = ({ addresses }: EndpointRecord, family: 4 | 6): string =>
  addresses.find((address) => address.includes(':') === (family === 6)) ?? '';

export function sandboxView({ sandbox, endpoints }: SandboxState, state: NetworkState, hostKey: string): SandboxView {
  // dockerd shows nothing of the network that a container borrows.
  if (sandbox.kind === 'joined') return { SandboxID: '', SandboxKey: '', Ports: {}, Networks: {} };
  return {
    SandboxID: sandbox.id,
    SandboxKey: sandbox.kind === 'host' ? hostKey : sandbox.namespacePath,
    Ports: {},
    Networks: Object.fromEntries(
      endpoints.flatMap((endpoint) => {
        const network = state.network(endpoint.networkId);
        return network ? [[network.name, endpointView(network, endpoint)]] : [];
      }),
    ),
  };
}

function endpointView(network: NetworkRecord, endpoint: EndpointRecord): EndpointView {
  const { settings } = endpoint;
  const [ipv4 = '', length4 = '0'] = addressOf(endpoint, 4).split('/');
  const [ipv6 = '', length6 = '0'] = addressOf(endpoint, 6).split('/');
  const gateway = (family: 4 | 6): string =>
    network.subnets.find(({ subnet }) => subnet.includes(':') === (family === 6))?.routeVia ?? '';
  return {
    IPAMConfig: settings.IPAMConfig,
    Links: settings.Links,
    Aliases: settings.Aliases,
    DriverOpts: settings.DriverOpts,
    GwPriority: settings.GwPriority,
    NetworkID: network.id,
    EndpointID: endpoint.id,
    Gateway: ipv4 === '' ? '' : gateway(4),
    IPAddress: ipv4,
    MacAddress: endpoint.mac,
    IPPrefixLen: Number(length4),
    IPv6Gateway: ipv6 === '' ? '' : gateway(6),
    GlobalIPv6Address: ipv6,
    GlobalIPv6PrefixLen: Number(length6),
    // The predefined networks have no names to resolve.
    DNSNames: isPredefined(network.name) ? null : [],
  };
}

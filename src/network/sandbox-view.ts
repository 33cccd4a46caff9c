/** What `inspect` and `ps` show of a container's network (NetworkSettings), as dockerd 29 sends it. Pure. */
import { portMap } from '../ports/rules.ts';
import { addressOf, gatewayFor } from './gateway.ts';
import type { Placed } from './gateway.ts';
import { dnsNames } from './names.ts';
import type { EndpointView, SandboxView } from './port.ts';
import { isPredefined } from './predefined.ts';
import type { EndpointRecord, NetworkRecord, SandboxRecord } from './records.ts';
import type { NetworkState, SandboxState } from './state.ts';

export function sandboxView({ sandbox, endpoints }: SandboxState, state: NetworkState, hostKey: string): SandboxView {
  // dockerd shows nothing of the network that a container borrows.
  if (sandbox.kind === 'joined') return { SandboxID: '', SandboxKey: '', Ports: {}, Networks: {} };
  return {
    SandboxID: sandbox.id,
    SandboxKey: sandbox.kind === 'host' ? hostKey : sandbox.namespacePath,
    Ports: portMap(sandbox.ports, sandbox.kind === 'own' ? sandbox.request.exposed : []),
    Networks: Object.fromEntries(
      endpoints.flatMap((endpoint) => {
        const network = state.network(endpoint.networkId);
        return network ? [[network.name, endpointView(network, endpoint, sandbox)]] : [];
      }),
    ),
  };
}

function endpointView(network: NetworkRecord, endpoint: EndpointRecord, sandbox: SandboxRecord): EndpointView {
  const { settings } = endpoint;
  const [ipv4 = '', length4 = '0'] = addressOf(endpoint, 4).split('/');
  const [ipv6 = '', length6 = '0'] = addressOf(endpoint, 6).split('/');
  return {
    IPAMConfig: settings.IPAMConfig,
    Links: settings.Links,
    Aliases: settings.Aliases,
    DriverOpts: settings.DriverOpts,
    GwPriority: settings.GwPriority,
    NetworkID: network.id,
    EndpointID: endpoint.id,
    Gateway: routerOf({ endpoint, network }, 4),
    IPAddress: ipv4,
    MacAddress: endpoint.mac,
    IPPrefixLen: Number(length4),
    IPv6Gateway: routerOf({ endpoint, network }, 6),
    GlobalIPv6Address: ipv6,
    GlobalIPv6PrefixLen: Number(length6),
    // The predefined networks have no names to resolve.
    DNSNames: isPredefined(network.name) ? null : dnsNames(sandbox, endpoint),
  };
}

/** '' also where the link itself leads out. */
function routerOf(endpoint: Placed, family: 4 | 6): string {
  const gateway = gatewayFor(endpoint, family);
  return gateway === '0.0.0.0' || gateway === '::' ? '' : gateway;
}

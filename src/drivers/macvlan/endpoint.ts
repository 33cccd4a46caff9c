/** One container on a macvlan network. */
import type { EndpointConfig, NetworkConfig } from '../driver.ts';
import { commonOf } from '../interface-common.ts';
import { ipv6Settings, mtuOf, parentOf } from '../parent-link.ts';
import type { MacvlanPlan } from '../plan.ts';
import { modeOf } from './options.ts';

export function planEndpoint(network: NetworkConfig, endpoint: EndpointConfig): MacvlanPlan {
  return {
    kind: 'macvlan',
    ...commonOf(network.options, endpoint, ipv6Settings(network, endpoint.interfaceName)),
    mac: endpoint.mac,
    mtu: mtuOf(network.options),
    parent: parentOf('macvlan', network),
    mode: modeOf(network.options),
  };
}

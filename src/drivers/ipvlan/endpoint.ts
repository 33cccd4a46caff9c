/** One container on an ipvlan network. */
import type { EndpointConfig, NetworkConfig } from '../driver.ts';
import { commonOf } from '../interface-common.ts';
import { ipv6Settings, mtuOf, parentOf } from '../parent-link.ts';
import type { IpvlanPlan } from '../plan.ts';
import { flagOf, modeOf } from './options.ts';

export function planEndpoint(network: NetworkConfig, endpoint: EndpointConfig): IpvlanPlan {
  const common = commonOf(network.options, endpoint, ipv6Settings(network, endpoint.interfaceName));
  const mode = modeOf(network.options);
  return {
    kind: 'ipvlan',
    ...common,
    mac: '',
    mtu: mtuOf(network.options),
    parent: parentOf('ipvlan', network),
    mode,
    flag: flagOf(network.options),
    // In the two routed modes nobody asks for MACs, and the links do neither ARP nor ND.
    announce: mode === 'l2' ? common.announce : { ...common.announce, count: 0 },
  };
}

/** One container on a network that is a bridge on the host: a veth pair. */
import type { BridgedOptions } from './bridged-network.ts';
import type { EndpointConfig, NetworkConfig } from './driver.ts';
import { commonOf } from './interface-common.ts';
import type { VethPlan } from './plan.ts';

export function planVeth(
  network: NetworkConfig,
  endpoint: EndpointConfig,
  { mtu, interContainer }: Pick<BridgedOptions, 'mtu' | 'interContainer'>,
): VethPlan {
  return {
    kind: 'veth',
    ...commonOf(network.options, endpoint),
    mac: endpoint.mac,
    mtu,
    hostName: endpoint.hostName,
    bridge: network.bridge,
    isolated: !interContainer,
    ...(network.hairpin === true && { hairpin: true }),
  };
}

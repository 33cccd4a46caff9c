/**
 * A container that asks for a published port of its own network, by the host's address. Pure.
 *
 * Normally the packet goes up to the host, is translated, its source hidden, and goes down again. Where br_netfilter is on
 * (BridgeFilter), the kernel sees that the new destination lies behind the same bridge and hands the packet from port to port
 * (br_nf_pre_routing_finish in net/bridge/br_netfilter_hooks.c). From port to port a bridge passes nothing back to where it
 * came from, and nothing between isolated ports. So there a container's own ports, and those of a network whose
 * containers may not speak to each other, are not translated for them: the proxy behind the host's port carries them.
 * Ports in hairpin mode do pass back what they sent (--userland-proxy=false).
 */
import type { NetworkRules, PortRule } from '../drivers/plan.ts';
import type { BridgeFilter } from '../linux/bridge-filter.ts';
import { familyOf } from './state.ts';

/** Who is left to the proxy: everybody on the port's bridge, the container alone, or nobody. */
export function leftToProxy(
  { hostPort, hostAddress, address }: PortRule,
  network: NetworkRules | undefined,
  bridged: BridgeFilter,
): 'bridge' | 'container' | 'nobody' {
  const family = familyOf(address);
  // A container does not reach the host's loopback.
  if (!bridged[family] || hostPort === 0 || hostAddress.startsWith('127.') || hostAddress === '::1') return 'nobody';
  if (network?.interContainer === false) return 'bridge';
  return network?.hairpin === true ? 'nobody' : 'container';
}

/** Which rules go into the tables that `iptables` lists. Pure. */
import type { NetworkRules } from '../drivers/plan.ts';
import type { ListedRule } from '../linux/nft-expressions.ts';
import { ACCEPTED } from './names.ts';

/** Whether the firewall hides the network's containers behind an address of the host. */
export const hidesSource = ({ mode, internal, masquerade }: NetworkRules): boolean =>
  masquerade && !internal && (mode === 'nat' || mode === 'nat-unprotected');

/** One for each subnet. */
export function listedRules(network: NetworkRules): ListedRule[] {
  if (!hidesSource(network)) return [];
  const { subnets, bridge, sourceAddress } = network;
  return subnets.map((subnet) => ({ kind: 'source', subnet, bridge, to: sourceAddress }));
}

/** `-A FORWARD -m mark --mark 0x1000/0x1000 -j ACCEPT`: another firewall's policy DROP does not bind what Berth let through. */
export const forwardRule = (family: 4 | 6): ListedRule => ({ kind: 'accept-mark', family, bit: ACCEPTED });

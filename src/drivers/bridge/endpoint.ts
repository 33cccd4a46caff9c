/** One container on a bridge. */
import { planVeth } from '../bridged-endpoint.ts';
import type { EndpointConfig, NetworkConfig } from '../driver.ts';
import type { VethPlan } from '../plan.ts';
import { bridgeOptions } from './options.ts';

export const planEndpoint = (network: NetworkConfig, endpoint: EndpointConfig): VethPlan =>
  planVeth(network, endpoint, bridgeOptions(network.options));

/** The host end's name: veth and 7 hex digits, as docker's. */
export const hostLinkName = (hex: string): string => `veth${hex.slice(0, 7)}`;

export const isHostLinkName = (name: string): boolean => /^veth[0-9a-f]{7}$/.test(name);

/** 02:42 (locally administered) and the four bytes of the IPv4 address. */
export function macOf(ipv4Bytes: Uint8Array): string {
  return [0x02, 0x42, ...ipv4Bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
}

/** The bridge driver's options, under the names that Docker gave them, and their defaults. */
import type { BridgedOptions } from '../bridged-network.ts';
import { announceOf, containerPrefixOf, DRIVER_MTU, parseBool } from '../network-options.ts';
import type { GatewayMode } from '../plan.ts';

export { ADVERTISE_COUNT, ADVERTISE_INTERVAL, CONTAINER_PREFIX, DRIVER_MTU, parseBool } from '../network-options.ts';

export const DEFAULT_BRIDGE = 'com.docker.network.bridge.default_bridge';
export const ENABLE_ICC = 'com.docker.network.bridge.enable_icc';
export const ENABLE_MASQUERADE = 'com.docker.network.bridge.enable_ip_masquerade';
export const HOST_BINDING = 'com.docker.network.bridge.host_binding_ipv4';
export const INHIBIT_IPV4 = 'com.docker.network.bridge.inhibit_ipv4';
export const BRIDGE_NAME = 'com.docker.network.bridge.name';
export const GATEWAY_MODE_4 = 'com.docker.network.bridge.gateway_mode_ipv4';
export const GATEWAY_MODE_6 = 'com.docker.network.bridge.gateway_mode_ipv6';
export const TRUSTED_INTERFACES = 'com.docker.network.bridge.trusted_host_interfaces';
export const HOST_IPV4 = 'com.docker.network.host_ipv4';
export const HOST_IPV6 = 'com.docker.network.host_ipv6';
export const DEFAULT_MTU = 1500;

export const GATEWAY_MODES: readonly GatewayMode[] = ['nat', 'nat-unprotected', 'routed', 'isolated'];

export interface BridgeOptions extends BridgedOptions {
  /** '' for one that is made up from the network's ID. */
  name: string;
  /** Host address of published ports that name none; '' for the daemon's. */
  hostBinding: string;
  /** Names of interfaces in containers: this and a number. */
  containerPrefix: string;
  /** Milliseconds between announcements of a new address. */
  announce: { count: number; interval: number };
}

/** Missing ones have Docker's defaults: everything allowed, nat, 1500 bytes, three announcements a second apart. */
export function bridgeOptions(options: Readonly<Record<string, string>>): BridgeOptions {
  const text = (name: string): string => options[name] ?? '';
  const mode = (name: string): GatewayMode => GATEWAY_MODES.find((one) => one === options[name]) ?? 'nat';
  return {
    name: text(BRIDGE_NAME),
    interContainer: parseBool(text(ENABLE_ICC)) ?? true,
    masquerade: parseBool(text(ENABLE_MASQUERADE)) ?? true,
    mtu: Number(text(DRIVER_MTU)) || DEFAULT_MTU,
    gatewayMode4: mode(GATEWAY_MODE_4),
    gatewayMode6: mode(GATEWAY_MODE_6),
    hostBinding: text(HOST_BINDING),
    inhibitIpv4: parseBool(text(INHIBIT_IPV4)) ?? false,
    // Separated by colons, which no interface's name contains.
    trustedInterfaces: text(TRUSTED_INTERFACES).split(':').filter(Boolean),
    containerPrefix: containerPrefixOf(options),
    hostIpv4: text(HOST_IPV4),
    hostIpv6: text(HOST_IPV6),
    announce: announceOf(options),
  };
}

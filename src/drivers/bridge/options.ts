/** The bridge driver's options, under the names that Docker gave them. */
import type { NetworkConfig } from '../driver.ts';

export const DEFAULT_BRIDGE = 'com.docker.network.bridge.default_bridge';
export const ENABLE_ICC = 'com.docker.network.bridge.enable_icc';
export const ENABLE_MASQUERADE = 'com.docker.network.bridge.enable_ip_masquerade';
export const HOST_BINDING = 'com.docker.network.bridge.host_binding_ipv4';
export const BRIDGE_NAME = 'com.docker.network.bridge.name';
export const DRIVER_MTU = 'com.docker.network.driver.mtu';
export const DEFAULT_MTU = 1500;

export interface BridgeOptions {
  name: string;
  interContainer: boolean;
  masquerade: boolean;
  /** Bytes. */
  mtu: number;
}

/** Missing ones have Docker's defaults: everything allowed, 1500 bytes. */
export function bridgeOptions({ options }: NetworkConfig): BridgeOptions {
  return {
    name: options[BRIDGE_NAME] ?? '',
    interContainer: options[ENABLE_ICC] !== 'false',
    masquerade: options[ENABLE_MASQUERADE] !== 'false',
    mtu: Number(options[DRIVER_MTU] ?? DEFAULT_MTU),
  };
}

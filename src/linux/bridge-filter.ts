/**
 * Whether packets between ports of one bridge pass the hooks of IP (net.bridge.bridge-nf-call-iptables, kernel
 * Documentation/networking/ip-sysctl). The switch belongs to a network namespace; without br_netfilter there is none.
 */
import { readFileSync } from 'node:fs';

export interface BridgeFilter {
  4: boolean;
  6: boolean;
}

export function bridgeFilter(): BridgeFilter {
  return { 4: isOn('bridge-nf-call-iptables'), 6: isOn('bridge-nf-call-ip6tables') };
}

function isOn(name: string): boolean {
  try {
    return readFileSync(`/proc/sys/net/bridge/${name}`, 'utf8').trim() !== '0';
  } catch {
    return false;
  }
}

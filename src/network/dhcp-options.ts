/** Networks with `--ipam-driver dhcp`, and their option. Pure. */
import type { NetworkRecord } from './records.ts';

/** `--ipam-opt`: seconds that a container's start waits for a DHCP server. */
export const DHCP_TIMEOUT = 'com.berth.dhcp_timeout';
const DEFAULT_TIMEOUT = 10;
const LONGEST_TIMEOUT = 300;

export const isLeased = ({ ipam }: Pick<NetworkRecord, 'ipam'>): boolean => ipam.driver === 'dhcp';

export function parseTimeout(text: string): number | undefined {
  const seconds = /^[1-9]\d{0,2}$/.test(text) ? Number(text) : 0;
  return seconds >= 1 && seconds <= LONGEST_TIMEOUT ? seconds : undefined;
}

export const timeoutOf = ({ ipam }: Pick<NetworkRecord, 'ipam'>): number =>
  parseTimeout(ipam.options?.[DHCP_TIMEOUT] ?? '') ?? DEFAULT_TIMEOUT;

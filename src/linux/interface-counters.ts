/** What went through the interfaces of a network namespace (proc(5): /proc/net/dev). */
import { readFile } from 'node:fs/promises';

export interface InterfaceCounters {
  rxBytes: number;
  rxPackets: number;
  rxErrors: number;
  rxDropped: number;
  txBytes: number;
  txPackets: number;
  txErrors: number;
  txDropped: number;
}

/**
 * The kernel puts these into every new namespace: lo, and one of each kind of tunnel whose module is loaded (net/ipv4, net/ipv6:
 * the fallback devices).
 */
const KERNELS_OWN = /^(?:lo|tunl0|gre0|gretap0|erspan0|ip_vti0|ip6_vti0|sit0|ip6tnl0|ip6gre0|ip6gretap0|ip6erspan0)$/;

/** Columns: rx bytes, packets, errs, drop, fifo, frame, compressed, multicast, then the same eight for tx. Pure. */
export function parseNetDev(text: string): Map<string, InterfaceCounters> {
  const found = new Map<string, InterfaceCounters>();
  // The name may touch its first number; it has no colon but one before the label of an alias, which is not listed.
  for (const [, name = '', numbers = ''] of text.matchAll(/^\s*(\S+?):\s*([\d ]+)$/gm)) {
    if (KERNELS_OWN.test(name)) continue;
    const column = numbers.trim().split(/\s+/).map(Number);
    const at = (index: number): number => column[index] ?? 0;
    found.set(name, {
      rxBytes: at(0),
      rxPackets: at(1),
      rxErrors: at(2),
      rxDropped: at(3),
      txBytes: at(8),
      txPackets: at(9),
      txErrors: at(10),
      txDropped: at(11),
    });
  }
  return found;
}

/** Of the namespace that process `pid` is in. Throws ENOENT or EINVAL when it has ended. */
export const readInterfaceCounters = async (pid: number): Promise<Map<string, InterfaceCounters>> =>
  parseNetDev(await readFile(`/proc/${pid}/net/dev`, 'utf8'));

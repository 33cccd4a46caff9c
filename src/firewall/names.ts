/** What is put into the text of rules, checked: names of links and packet marks. Pure. */
import { invalidParameter } from '../errors.ts';

/**
 * The kernel takes nearly everything as the name of a link (dev_valid_name: no '/', ':' or space, at most 15 bytes). What would
 * be more than a name in a rule is refused: quotes and backslash, nft's wildcard '*', iptables' wildcard '+', '!', and a
 * '-' at the head.
 */
export function linkName(name: string): string {
  if (!/^(?!-)[^\s\p{Cc}"'`\\*+!/:;{}#$]{1,15}$/u.test(name) || new TextEncoder().encode(name).length > 15) {
    throw invalidParameter(`invalid interface name ${JSON.stringify(name)}: the firewall cannot carry it`);
  }
  return name;
}

export interface Mark {
  value: number;
  mask: number;
}

/** --bridge-accept-fwmark: 'MARK' or 'MARK/MASK', decimal or 0x…; undefined for ''. Throws InvalidParameter. */
export function parseMark(text: string): Mark | undefined {
  if (text === '') return undefined;
  const match = /^(0x[0-9a-f]{1,8}|[0-9]{1,10})(?:\/(0x[0-9a-f]{1,8}|[0-9]{1,10}))?$/i.exec(text);
  const value = Number(match?.[1]);
  const mask = Number(match?.[2] ?? 0xffff_ffff);
  if (!match || value > 0xffff_ffff || mask > 0xffff_ffff)
    throw invalidParameter(`invalid firewall mark ${JSON.stringify(text)}`);
  return { value, mask };
}

export const hex = (value: number): string => `0x${(value >>> 0).toString(16)}`;

/**
 * The bit of the packet mark by which the one rule in `filter FORWARD` knows what Berth let through. It is set between two chains
 * of the forward hook and cleared before anything in postrouting looks at marks. Taken by none of Kubernetes (0x4000, 0x8000),
 * CNI's portmap and netavark (0x2000), Cilium (0xf00), Tailscale (0xff0000), Calico (0xffff0000), wg-quick (0xca6c).
 */
export const ACCEPTED = 0x1000;

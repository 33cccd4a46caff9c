/**
 * The expressions of a rule, as iptables-nft writes them (linux/netfilter/nf_tables.h, enum nft_*_attributes). Integers are in
 * network byte order; xtables' own structures inside `target` and `match` in the host's.
 */
import { addressBytes, parseAddress, parsePrefix } from '../ipam/address.ts';
import { nest, raw, text, u32be } from './netlink/message.ts';
import type { Attribute } from './netlink/message.ts';

export const NF_ACCEPT = 1;

/** nf_tables wants bit 15 on what contains attributes. */
export const nested = (type: number, value: readonly Attribute[]): Attribute => ({
  ...nest(type, value),
  nestedFlag: true,
});

/** A rule in the tables of iptables, in a form that `iptables` lists as its own. */
export type ListedRule =
  /** nat POSTROUTING: `-s subnet ! -o bridge -j MASQUERADE`, or `-j SNAT --to-source to` unless `to` is ''. */
  | { kind: 'source'; subnet: string; bridge: string; to: string }
  /** filter FORWARD: `-m mark --mark bit/bit -j ACCEPT`. */
  | { kind: 'accept-mark'; family: 4 | 6; bit: number };

export function expressions(rule: ListedRule): Attribute[] {
  if (rule.kind === 'accept-mark') return [...matchMark(rule.bit), counter(), accept()];
  return [
    ...matchSource(rule.subnet),
    ...matchOutput(rule.bridge),
    counter(),
    rule.to === '' ? masquerade(rule.subnet) : sourceAddress(rule.to),
  ];
}

const expression = (name: string, data: readonly Attribute[]): Attribute => nested(1, [text(1, name), nested(2, data)]);

/** NFT_CMP_EQ = 0, NFT_CMP_NEQ = 1; register 1. */
const compare = (equal: boolean, value: Buffer): Attribute =>
  expression('cmp', [u32be(1, 1), u32be(2, equal ? 0 : 1), nested(3, [raw(1, value)])]);

/** Register 1 & mask: source register, destination register, length, mask, xor. */
const masked = (mask: Buffer): Attribute =>
  expression('bitwise', [
    u32be(1, 1),
    u32be(2, 1),
    u32be(3, mask.length),
    nested(4, [raw(1, mask)]),
    nested(5, [raw(1, Buffer.alloc(mask.length))]),
  ]);

/** Only whole bytes are loaded, so a prefix that ends inside one is masked (expression bitwise), as iptables does. */
function matchSource(subnet: string): Attribute[] {
  const prefix = parsePrefix(subnet);
  if (!prefix) throw new Error(`no subnet: ${subnet}`);
  const bytes = Buffer.from(addressBytes({ family: prefix.family, value: prefix.base }));
  // Offset of the source address in the IP header, and its length.
  const offset = prefix.family === 4 ? 12 : 8;
  const whole = prefix.length % 8 === 0;
  const length = whole ? prefix.length / 8 : bytes.length;
  if (length === 0) return [];
  // destination register 1, base NFT_PAYLOAD_NETWORK_HEADER = 1
  const load = expression('payload', [u32be(1, 1), u32be(2, 1), u32be(3, offset), u32be(4, length)]);
  if (whole) return [load, compare(true, bytes.subarray(0, length))];
  const mask = Buffer.alloc(bytes.length, 0);
  for (let bit = 0; bit < prefix.length; bit++) mask[bit >> 3] = (mask[bit >> 3] ?? 0) | (0x80 >> (bit & 7));
  return [load, masked(mask), compare(true, bytes)];
}

/** `! -o name`. NFT_META_OIFNAME = 7; the name with its zero: an exact match. */
function matchOutput(name: string): Attribute[] {
  return [expression('meta', [u32be(2, 7), u32be(1, 1)]), compare(false, Buffer.from(`${name}\0`))];
}

/** NFT_META_MARK = 3. In the register a mark has the host's byte order. */
function matchMark(bit: number): Attribute[] {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(bit);
  return [expression('meta', [u32be(2, 3), u32be(1, 1)]), masked(bytes), compare(true, bytes)];
}

const counter = (): Attribute => expression('counter', [raw(1, Buffer.alloc(8)), raw(2, Buffer.alloc(8))]);

/** Verdict register 0. */
const accept = (): Attribute => expression('immediate', [u32be(1, 0), nested(2, [nested(2, [u32be(1, NF_ACCEPT)])])]);

/**
 * Revision 0 of MASQUERADE. IPv4: struct nf_nat_ipv4_multi_range_compat, u32 rangesize = 1 and a zeroed range, 24 bytes
 * aligned; IPv6: struct nf_nat_range, 40 bytes of zero.
 */
function masquerade(subnet: string): Attribute {
  const info = Buffer.alloc(subnet.includes(':') ? 40 : 24);
  if (!subnet.includes(':')) info.writeUInt32LE(1, 0);
  return expression('target', [text(1, 'MASQUERADE'), u32be(2, 0), raw(3, info)]);
}

/**
 * SNAT, the structures as above with NF_NAT_RANGE_MAP_IPS = 1 and the address as both ends of the range. IPv4, revision 0:
 * 0 u32 rangesize, 4 u32 flags, 8 min, 12 max; IPv6, revision 1: 0 u32 flags, 4 min, 20 max.
 */
function sourceAddress(to: string): Attribute {
  const address = parseAddress(to);
  if (!address) throw new Error(`no address: ${to}`);
  const bytes = Buffer.from(addressBytes(address));
  const info = Buffer.alloc(address.family === 4 ? 24 : 40);
  info.writeUInt32LE(1, 0);
  if (address.family === 4) info.writeUInt32LE(1, 4);
  const min = address.family === 4 ? 8 : 4;
  bytes.copy(info, min);
  bytes.copy(info, min + bytes.length);
  return expression('target', [text(1, 'SNAT'), u32be(2, address.family === 4 ? 0 : 1), raw(3, info)]);
}

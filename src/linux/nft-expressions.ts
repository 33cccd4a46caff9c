/**
 * The expressions of a rule, as iptables-nft writes them (linux/netfilter/nf_tables.h, enum nft_*_attributes). Integers are in
 * network byte order; xtables' own structures inside `target` and `match` in the host's.
 */
import type { CompatRule } from '../firewall/firewall.ts';
import { addressBytes, parsePrefix } from '../ipam/address.ts';
import { nest, raw, text, u32be } from './netlink/message.ts';
import type { Attribute } from './netlink/message.ts';

export const NF_ACCEPT = 1;

/** nf_tables wants bit 15 on what contains attributes. */
export const nested = (type: number, value: readonly Attribute[]): Attribute => ({
  ...nest(type, value),
  nestedFlag: true,
});

export function expressions(rule: CompatRule): Attribute[] {
  switch (rule.kind) {
    case 'masquerade':
      return [
        ...matchSource(rule.subnet),
        ...matchLink('output', rule.bridge, false),
        counter(),
        masquerade(rule.subnet),
      ];
    case 'forward-out':
      return [...matchLink('input', rule.bridge, true), counter(), accept()];
    case 'forward-in':
      return [...matchLink('output', rule.bridge, true), counter(), accept()];
    case 'forward-answers':
      return [...matchLink('output', rule.bridge, true), establishedMatch(), counter(), accept()];
  }
}

const expression = (name: string, data: readonly Attribute[]): Attribute => nested(1, [text(1, name), nested(2, data)]);

/** NFT_CMP_EQ = 0, NFT_CMP_NEQ = 1; register 1. */
const compare = (equal: boolean, value: Buffer): Attribute =>
  expression('cmp', [u32be(1, 1), u32be(2, equal ? 0 : 1), nested(3, [raw(1, value)])]);

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
  return [
    load,
    // source register, destination register, length, mask, xor
    expression('bitwise', [
      u32be(1, 1),
      u32be(2, 1),
      u32be(3, bytes.length),
      nested(4, [raw(1, mask)]),
      nested(5, [raw(1, Buffer.alloc(bytes.length))]),
    ]),
    compare(true, bytes),
  ];
}

/** NFT_META_IIFNAME = 6, NFT_META_OIFNAME = 7; the name with its zero: an exact match. */
function matchLink(direction: 'input' | 'output', name: string, equal: boolean): Attribute[] {
  return [
    expression('meta', [u32be(2, direction === 'input' ? 6 : 7), u32be(1, 1)]),
    compare(equal, Buffer.from(`${name}\0`)),
  ];
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
 * Revision 3 of conntrack: struct xt_conntrack_mtinfo3, 164 bytes, aligned to 168. u16 match_flags at 146
 * (XT_CONNTRACK_STATE = 1), u16 state_mask at 150 (ESTABLISHED = 2, RELATED = 4).
 */
function establishedMatch(): Attribute {
  const info = Buffer.alloc(168);
  info.writeUInt16LE(1, 146);
  info.writeUInt16LE(6, 150);
  return expression('match', [text(1, 'conntrack'), u32be(2, 3), raw(3, info)]);
}

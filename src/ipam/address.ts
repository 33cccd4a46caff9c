/**
 * IPv4 and IPv6 addresses and prefixes as numbers. Pure. Text forms: RFC 5952 for IPv6, dotted quads without leading
 * zeros for IPv4 (inet_pton(3)).
 */
export interface Address {
  family: 4 | 6;
  value: bigint;
}

export interface Prefix {
  family: 4 | 6;
  /** The network address: all bits beyond `length` are zero. */
  base: bigint;
  length: number;
}

export const bitsOf = (family: 4 | 6): number => (family === 4 ? 32 : 128);

export function parseAddress(text: string): Address | undefined {
  if (text.includes(':')) {
    const value = parse6(text);
    return value === undefined ? undefined : { family: 6, value };
  }
  const value = parse4(text);
  return value === undefined ? undefined : { family: 4, value };
}

function parse4(text: string): bigint | undefined {
  if (!/^(0|[1-9]\d{0,2})(\.(0|[1-9]\d{0,2})){3}$/.test(text)) return undefined;
  let value = 0n;
  for (const part of text.split('.')) {
    if (Number(part) > 255) return undefined;
    value = (value << 8n) | BigInt(part);
  }
  return value;
}

function parse6(text: string): bigint | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map(groups);
  if (!head || (halves.length === 2 && !tail)) return undefined;
  const missing = 8 - head.length - (tail?.length ?? 0);
  // '::' stands for at least one group.
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const all = [...head, ...Array.from({ length: missing }, () => 0), ...(tail ?? [])];
  return all.reduce((value, group) => (value << 16n) | BigInt(group), 0n);
}

function groups(text: string): number[] | undefined {
  if (text === '') return [];
  const parts = text.split(':');
  const result: number[] = [];
  for (const [index, part] of parts.entries()) {
    if (part.includes('.') && index === parts.length - 1) {
      const value = parse4(part);
      if (value === undefined) return undefined;
      result.push(Number(value >> 16n), Number(value & 0xffffn));
    } else if (/^[0-9a-f]{1,4}$/i.test(part)) result.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return result;
}

export function formatAddress({ family, value }: Address): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => Number((value >> shift) & 0xffn)).join('.');
  const parts = Array.from({ length: 8 }, (_, i) => Number((value >> BigInt(112 - 16 * i)) & 0xffffn));
  const { start, length } = longestZeroRun(parts);
  const hex = (list: number[]): string => list.map((part) => part.toString(16)).join(':');
  return length < 2 ? hex(parts) : `${hex(parts.slice(0, start))}::${hex(parts.slice(start + length))}`;
}

function longestZeroRun(parts: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < parts.length; start++) {
    let length = 0;
    while (parts[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  return best;
}

/** Network order, 4 or 16 bytes. */
export function addressBytes({ family, value }: Address): Uint8Array {
  const size = bitsOf(family) / 8;
  return Uint8Array.from({ length: size }, (_, i) => Number((value >> BigInt(8 * (size - 1 - i))) & 0xffn));
}

export function addressFromBytes(bytes: Uint8Array): Address | undefined {
  if (bytes.length !== 4 && bytes.length !== 16) return undefined;
  return {
    family: bytes.length === 4 ? 4 : 6,
    value: bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n),
  };
}

/** '172.17.0.1/16' → the address and the prefix it lies in. */
export function parseInterface(text: string): { address: Address; prefix: Prefix } | undefined {
  const [, host = '', digits = ''] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? [];
  const address = parseAddress(host);
  if (!address || digits === '' || Number(digits) > bitsOf(address.family)) return undefined;
  return { address, prefix: prefixOf(address, Number(digits)) };
}

/** Host bits are dropped: '172.17.5.1/16' is 172.17.0.0/16. */
export const parsePrefix = (text: string): Prefix | undefined => parseInterface(text)?.prefix;

export function prefixOf({ family, value }: Address, length: number): Prefix {
  const host = BigInt(bitsOf(family) - length);
  return { family, base: (value >> host) << host, length };
}

export const formatPrefix = ({ family, base, length }: Prefix): string =>
  `${formatAddress({ family, value: base })}/${length}`;

/** Number of addresses. */
export const sizeOf = ({ family, length }: Prefix): bigint => 1n << BigInt(bitsOf(family) - length);

export const lastOf = (prefix: Prefix): bigint => prefix.base + sizeOf(prefix) - 1n;

export const contains = (prefix: Prefix, { family, value }: Address): boolean =>
  prefix.family === family && value >= prefix.base && value <= lastOf(prefix);

export const overlaps = (a: Prefix, b: Prefix): boolean =>
  a.family === b.family && a.base <= lastOf(b) && b.base <= lastOf(a);

/**
 * Reading what other hosts wrote: one of them may be of another version, or wrong. Whatever is not as it should be throws BadRecord,
 * which says what; nothing else is thrown. Fields that are not known are left out.
 */
import { formatAddress, parseAddress } from '../ipam/address.ts';

export class BadRecord extends Error {}

export type Fields = Readonly<Record<string, unknown>>;

export const HEX_ID = /^[0-9a-f]{64}$/;
/**
 * Of one interface: no group's (IEEE 802: the lowest bit of the first byte), and not all zeros. In a tunnel's table both are what goes to
 * several hosts (drivers/net/vxlan: all_zeros_mac).
 */
export const MAC = /^(?!00(?::00){5})[0-9a-f][02468ace](?::[0-9a-f]{2}){5}$/;
/** Of containers, networks and hosts: not empty, and nothing that is no text. */
export const NAME = /^[^\p{Cc}]{1,255}$/u;
/** What a resolver is asked for. */
export const DNS_NAME = /^[^\p{Cc}\s]{1,255}$/u;
const SHORT_TEXT = /^[^\p{Cc}]{0,255}$/u;

const BYTE = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const ADDRESS4 = new RegExp(`^(?:${BYTE}\\.){3}${BYTE}$`);

/**
 * Of an address that is written as formatAddress() does, since addresses are compared as text; else undefined. Ten thousand may have
 * to be read at once: most are seen to be right by their text.
 */
export function familyOf(text: string): 4 | 6 | undefined {
  if (ADDRESS4.test(text)) return 4;
  const address = parseAddress(text);
  return address?.family === 6 && formatAddress(address) === text ? 6 : undefined;
}

/**
 * That of a host on an underlay: neither this one's own loopback, nor a group's, nor none (RFC 6890, RFC 4291 section 2.4). It becomes part of
 * the kernel's tables and of the firewall's.
 */
export function isHostAddress(text: string): boolean {
  const family = familyOf(text);
  if (family === 4) return !/^(?:0|127|22[4-9]|2[345]\d)\./.test(text);
  return family === 6 && text !== '::' && text !== '::1' && !text.startsWith('ff') && !text.startsWith('::ffff:');
}

export function fieldsOf(bytes: Buffer, limit: number): Fields {
  if (bytes.length > limit) throw new BadRecord(`${bytes.length} bytes are more than ${limit}`);
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch {
    throw new BadRecord('not JSON');
  }
  return asFields(value, 'record');
}

function asFields(value: unknown, name: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new BadRecord(`${name}: no object`);
  return value as Fields;
}

export const fields = (of: Fields, name: string): Fields => asFields(of[name], name);

export function text(of: Fields, name: string, pattern: RegExp = SHORT_TEXT): string {
  const value = of[name];
  if (typeof value !== 'string' || !pattern.test(value)) throw new BadRecord(`${name}: not as it should be`);
  return value;
}

export function flag(of: Fields, name: string): boolean {
  const value = of[name];
  if (typeof value !== 'boolean') throw new BadRecord(`${name}: neither true nor false`);
  return value;
}

export function integer(of: Fields, name: string, least: number, most: number): number {
  const value = of[name];
  if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most) {
    throw new BadRecord(`${name}: no number from ${least} to ${most}`);
  }
  return value;
}

export function list(of: Fields, name: string, least: number, most: number): readonly unknown[] {
  const value = of[name];
  if (!Array.isArray(value) || value.length < least || value.length > most) {
    throw new BadRecord(`${name}: no list of ${least} to ${most}`);
  }
  return value;
}

export function texts(of: Fields, name: string, least: number, most: number, pattern: RegExp): string[] {
  return list(of, name, least, most).map((value) => {
    if (typeof value !== 'string' || !pattern.test(value)) throw new BadRecord(`${name}: not as they should be`);
    return value;
  });
}

/** Name → text, as options and labels are. */
export function textMap(of: Fields, name: string): Record<string, string> {
  const entries = Object.entries(fields(of, name));
  if (entries.length > 256) throw new BadRecord(`${name}: more than 256`);
  return Object.fromEntries(
    entries.map(([key, value]) => {
      if (typeof value !== 'string') throw new BadRecord(`${name}: ${JSON.stringify(key.slice(0, 64))} is no text`);
      return [key, value];
    }),
  );
}

export const objects = (of: Fields, name: string, least: number, most: number): Fields[] =>
  list(of, name, least, most).map((value) => asFields(value, name));

/**
 * Elements of nftables' sets and maps as nf_tables takes them (linux/netfilter/nf_tables.h). libnftables takes 4 ms to read 600 of
 * them as text; written directly they take 0.5.
 *
 *     NFT_MSG_NEWSETELEM, DELSETELEM: 1 table, 2 set, 3 elements, a list of
 *       1 NFTA_LIST_ELEM
 *            1 NFTA_SET_ELEM_KEY   1 NFTA_DATA_VALUE: the fields one after the other
 *            2 NFTA_SET_ELEM_DATA  1 NFTA_DATA_VALUE, or 2 NFTA_DATA_VERDICT (1 code, 2 chain)
 *
 * Each field of a key or value is padded to 4 bytes (nft concatenates so):
 *     nf_proto, inet_proto  u8      inet_service  u16be      ipv4_addr  4      ipv6_addr  16      ifname  16, zeroes behind
 */
import { addressBytes, parseAddress } from '../ipam/address.ts';
import { nfHeader, NFPROTO, nftMessage } from './nfnetlink.ts';
import { encodeAttributes, raw, text } from './netlink/message.ts';
import type { Request } from './netlink/socket.ts';

const NFT_MSG_NEWSETELEM = 12;
const NFT_MSG_DELSETELEM = 14;
const NLM_F_CREATE = 0x400;
const NESTED = 0x8000;
/** Bytes of an element: at most 16 + 40 of key, 12 + 40 of value. */
const LONGEST = 128;
/** An attribute's length is a u16. */
const PER_MESSAGE = 500;

export interface SetElement {
  set: string;
  /** As nft writes it: 'ipv4 . "br0"'. */
  key: string;
  /** Of a map; '' in a set. */
  value: string;
}

/** The fields of a set's key and of a map's value, as nft names them. */
export interface SetTypes {
  key: readonly string[];
  value: readonly string[];
}

/** In the order of the sets' first mention. An element that is not of its set's type is the caller's mistake. */
export function elementRequests(
  table: string,
  operation: 'add' | 'delete',
  elements: readonly SetElement[],
  typesOf: (set: string) => SetTypes,
): Request[] {
  const bySet = Map.groupBy(elements, ({ set }) => set);
  return [...bySet].flatMap(([set, ofSet]) => {
    const types = typesOf(set);
    const requests: Request[] = [];
    for (let start = 0; start < ofSet.length; start += PER_MESSAGE) {
      const value = encodeElements(ofSet.slice(start, start + PER_MESSAGE), types, operation === 'add');
      requests.push({
        what: `${operation} elements of ${set}`,
        type: nftMessage(operation === 'add' ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM),
        flags: operation === 'add' ? NLM_F_CREATE : 0,
        header: nfHeader(NFPROTO.inet),
        attributes: [text(1, table), text(2, set), { type: 3, value, nestedFlag: true }],
      });
    }
    return requests;
  });
}

/** Into one buffer: a buffer for each attribute takes four times as long. */
function encodeElements(elements: readonly SetElement[], types: SetTypes, withValues: boolean): Buffer {
  const bytes = Buffer.alloc(elements.length * LONGEST);
  let end = 0;
  /** Begins an attribute; close() writes its length. */
  const open = (type: number): number => {
    bytes.writeUInt16LE(type, end + 2);
    end += 4;
    return end - 4;
  };
  const close = (start: number): void => void bytes.writeUInt16LE(end - start, start);
  const addresses = new Map<string, Uint8Array>();
  const fields = (value: string, names: readonly string[]): void => {
    const data = open(1);
    end = writeFields(bytes, end, value, names, addresses);
    close(data);
  };
  const hasValue = withValues && types.value.length > 0;
  for (const { key, value } of elements) {
    const element = open(1 | NESTED);
    const keyStart = open(1 | NESTED);
    fields(key, types.key);
    close(keyStart);
    if (hasValue) {
      const data = open(2 | NESTED);
      if (types.value[0] === 'verdict') end += encodeVerdict(value).copy(bytes, end);
      else fields(value, types.value);
      close(data);
    }
    close(element);
  }
  return bytes.subarray(0, end);
}

const WIDTH: Readonly<Record<string, number>> = {
  nf_proto: 4,
  inet_proto: 4,
  inet_service: 4,
  ipv4_addr: 4,
  ipv6_addr: 16,
  ifname: 16,
};
const PROTOCOLS: Readonly<Record<string, number>> = { tcp: 6, udp: 17, sctp: 132 };

/** Returns the end. Throws when the text has not these fields. */
function writeFields(
  bytes: Buffer,
  start: number,
  value: string,
  types: readonly string[],
  addresses: Map<string, Uint8Array>,
): number {
  const fields = value.split(' . ');
  if (fields.length !== types.length) throw new Error(`${fields.length} fields for ${types.join(' . ')}: ${value}`);
  let offset = start;
  for (const [index, type] of types.entries()) {
    const field = fields[index] ?? '';
    if (type === 'ipv4_addr' || type === 'ipv6_addr') bytes.set(parsedAddress(field, type, addresses), offset);
    else writeField(bytes, offset, type, field);
    offset += known(WIDTH[type], type);
  }
  return offset;
}

function writeField(bytes: Buffer, offset: number, type: string, field: string): void {
  switch (type) {
    case 'nf_proto':
      bytes[offset] = NFPROTO[field === 'ipv4' ? 4 : 6];
      return;
    case 'inet_proto':
      bytes[offset] = known(PROTOCOLS[field], field);
      return;
    case 'inet_service':
      bytes.writeUInt16BE(Number(field), offset);
      return;
    case 'ifname':
      bytes.write(field.slice(1, -1), offset);
      return;
    default:
      throw new Error(`no type of a field: ${type}`);
  }
}

/** The ports of a container all have its address: it is read once. */
function parsedAddress(field: string, type: string, addresses: Map<string, Uint8Array>): Uint8Array {
  const before = addresses.get(field);
  if (before !== undefined) return before;
  const address = known(parseAddress(field), field);
  if (address.family !== (type === 'ipv4_addr' ? 4 : 6)) throw new Error(`not of its set's type: ${field}`);
  const bytes = addressBytes(address);
  addresses.set(field, bytes);
  return bytes;
}

/** The attribute NFTA_DATA_VERDICT. NF_DROP = 0, NF_ACCEPT = 1, NFT_GOTO = -4. */
function encodeVerdict(verdict: string): Buffer {
  const chain = /^goto (\S+)$/.exec(verdict)?.[1];
  const code = Buffer.alloc(4);
  code.writeInt32BE(chain === undefined ? known({ drop: 0, accept: 1 }[verdict], verdict) : -4);
  const attributes = [raw(1, code), ...(chain === undefined ? [] : [text(2, chain)])];
  return encodeAttributes([{ type: 2, value: attributes, nestedFlag: true }]);
}

function known<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new Error(`not of its set's type: ${name}`);
  return value;
}

/**
 * DHCP messages (RFC 2131 section 2, figure 1). Pure. Integers are in network byte order.
 *
 *       0  u8 op: 1 to a server, 2 to a client      1  u8 hardware: 1 (Ethernet)    2  u8 its address's length: 6
 *       3  u8 hops                                  4  u32 xid
 *       8  u16 secs                                10  u16 flags: 0x8000 answer by broadcast
 *      12  ciaddr: the client's own address        16  yiaddr: the one that it is given
 *      20  siaddr: the next server                 24  giaddr: the relay
 *      28  chaddr, 16 bytes                        44  sname, 64 bytes              108  file, 128 bytes
 *     236  u32 magic 0x63825363                   240  options (options.ts)
 *
 * Addresses are text ('192.0.2.7', '0.0.0.0' for none), MACs 'aa:bb:cc:dd:ee:ff'.
 */
import { addressBytes, addressFromBytes, formatAddress, parseAddress } from '../ipam/address.ts';
import { decodeOptions, encodeOptions, OPTION } from './options.ts';
import type { Options } from './options.ts';

export const NO_ADDRESS = '0.0.0.0';
const FIXED = 240;
const MAGIC = 0x6382_5363;
const BROADCAST = 0x8000;
/** RFC 951 section 3: relays may drop what is shorter. */
const LEAST = 300;
/** What an Ethernet frame carries; nobody has reason to send more options. */
const MOST = 1500;
const SNAME = [44, 108] as const;
const FILE = [108, 236] as const;

export interface Message {
  op: 'request' | 'reply';
  xid: number;
  /** Since the client began. */
  seconds: number;
  /** The client cannot take what is sent to an address that it does not have yet. */
  broadcast: boolean;
  ciaddr: string;
  yiaddr: string;
  siaddr: string;
  giaddr: string;
  chaddr: string;
  options: Options;
}

/** Bytes that are no DHCP message of an Ethernet client. */
export class DhcpFormatError extends Error {
  constructor(text: string) {
    super(text);
    this.name = 'DhcpFormatError';
  }
}

export function encodeMessage(message: Message): Buffer {
  const options = encodeOptions(message.options);
  const bytes = Buffer.alloc(Math.max(LEAST, FIXED + options.length));
  bytes.writeUInt8(message.op === 'request' ? 1 : 2, 0);
  bytes.writeUInt8(1, 1);
  bytes.writeUInt8(6, 2);
  bytes.writeUInt32BE(message.xid, 4);
  bytes.writeUInt16BE(message.seconds, 8);
  bytes.writeUInt16BE(message.broadcast ? BROADCAST : 0, 10);
  for (const [at, address] of [
    [12, message.ciaddr],
    [16, message.yiaddr],
    [20, message.siaddr],
    [24, message.giaddr],
  ] as const) {
    bytes.set(ipv4Bytes(address), at);
  }
  bytes.set(macBytes(message.chaddr), 28);
  bytes.writeUInt32BE(MAGIC, 236);
  options.copy(bytes, FIXED);
  return bytes;
}

export function decodeMessage(bytes: Buffer): Message {
  if (bytes.length < FIXED || bytes.length > MOST) throw new DhcpFormatError(`a message of ${bytes.length} bytes`);
  const op = bytes.readUInt8(0);
  if (op !== 1 && op !== 2) throw new DhcpFormatError(`operation ${op}`);
  if (bytes.readUInt8(1) !== 1 || bytes.readUInt8(2) !== 6) throw new DhcpFormatError('not of an Ethernet client');
  if (bytes.readUInt32BE(236) !== MAGIC) throw new DhcpFormatError('BOOTP without DHCP');
  return {
    op: op === 1 ? 'request' : 'reply',
    xid: bytes.readUInt32BE(4),
    seconds: bytes.readUInt16BE(8),
    broadcast: (bytes.readUInt16BE(10) & BROADCAST) !== 0,
    ciaddr: ipv4Text(bytes, 12),
    yiaddr: ipv4Text(bytes, 16),
    siaddr: ipv4Text(bytes, 20),
    giaddr: ipv4Text(bytes, 24),
    chaddr: macText(bytes, 28),
    options: allOptions(bytes),
  };
}

/** RFC 2132 section 9.3: option 52 is 1 for `file`, 2 for `sname`, 3 for both; they are read in this order. */
function allOptions(bytes: Buffer): Options {
  const options = new Map<number, Buffer>();
  decodeOptions(bytes.subarray(FIXED), options);
  const overload = options.get(OPTION.overload)?.[0] ?? 0;
  if (overload & 1) decodeOptions(bytes.subarray(...FILE), options);
  if (overload & 2) decodeOptions(bytes.subarray(...SNAME), options);
  return options;
}

/** Four bytes in network order. A text that is none is a mistake of the caller's. */
export function ipv4Bytes(text: string): Uint8Array {
  const address = parseAddress(text);
  if (address?.family !== 4) throw new DhcpFormatError(`no IPv4 address: ${text}`);
  return addressBytes(address);
}

export function ipv4Text(bytes: Buffer, at: number): string {
  const address = addressFromBytes(bytes.subarray(at, at + 4));
  if (!address) throw new DhcpFormatError('an address that is cut off');
  return formatAddress(address);
}

export const macBytes = (mac: string): Buffer => Buffer.from(mac.replaceAll(':', ''), 'hex');

export const macText = (bytes: Buffer, at: number): string =>
  bytes
    .subarray(at, at + 6)
    .toString('hex')
    .replace(/(..)(?!$)/g, '$1:');

/**
 * Addresses of interfaces over rtnetlink (rtnetlink(7), linux/if_addr.h).
 *
 *     struct ifaddrmsg
 *      0  u8 family    1  u8 prefix length    2  u8 flags    3  u8 scope    4  u32 ifindex
 *     then attributes IFA_…
 */
import { AF_INET, AF_INET6 } from '../libc.ts';
import { decodeAttributes, encodeAttributes, NetlinkFormatError, NLM_F_CREATE, NLM_F_EXCL, raw } from './message.ts';
import { dump } from './socket.ts';
import type { Request } from './socket.ts';

export const RTM_NEWADDR = 20;
export const RTM_DELADDR = 21;
const RTM_GETADDR = 22;
const IFADDRMSG = 8;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_BROADCAST = 4;
/** No duplicate address detection: Berth hands out each address once, and a tentative one cannot be used for a second. */
const IFA_F_NODAD = 2;

export interface AddressInfo {
  /** 4 or 16 bytes in network order. */
  bytes: Buffer;
  prefixLength: number;
  /** ifindex. */
  link: number;
}

const familyOf = (bytes: Buffer): number => (bytes.length === 4 ? AF_INET : AF_INET6);

export function encodeAddress({ bytes, prefixLength, link }: AddressInfo, flags = 0): Buffer {
  const header = Buffer.alloc(IFADDRMSG);
  header[0] = familyOf(bytes);
  header[1] = prefixLength;
  header[2] = flags;
  header.writeUInt32LE(link, 4);
  const attributes = [raw(IFA_LOCAL, bytes), raw(IFA_ADDRESS, bytes)];
  if (bytes.length === 4 && prefixLength < 31) attributes.push(raw(IFA_BROADCAST, broadcast(bytes, prefixLength)));
  return Buffer.concat([header, encodeAttributes(attributes)]);
}

export function decodeAddress(payload: Buffer): AddressInfo {
  if (payload.length < IFADDRMSG) throw new NetlinkFormatError(`an ifaddrmsg of ${payload.length} bytes`);
  const attributes = decodeAttributes(payload.subarray(IFADDRMSG));
  // On a point-to-point link IFA_ADDRESS is the other side; IFA_LOCAL is absent for IPv6.
  const bytes = attributes.get(IFA_LOCAL) ?? attributes.get(IFA_ADDRESS);
  if (bytes?.length !== 4 && bytes?.length !== 16) throw new NetlinkFormatError('an address without its bytes');
  return { bytes, prefixLength: payload.readUInt8(1), link: payload.readUInt32LE(4) };
}

/** Of one link, or of all; a kernel before 4.20 gives all anyway. */
export function listAddresses(link = 0): Request {
  const header = Buffer.alloc(IFADDRMSG);
  header.writeUInt32LE(link, 4);
  return dump('list addresses', RTM_GETADDR, header);
}

export const addAddress = (address: AddressInfo, what: string): Request => ({
  what: `add address ${what}`,
  type: RTM_NEWADDR,
  flags: NLM_F_CREATE | NLM_F_EXCL,
  header: encodeAddress(address, address.bytes.length === 16 ? IFA_F_NODAD : 0),
});

export const deleteAddress = (address: AddressInfo, what: string): Request => ({
  what: `remove address ${what}`,
  type: RTM_DELADDR,
  header: encodeAddress(address),
});

function broadcast(bytes: Buffer, prefixLength: number): Buffer {
  const result = Buffer.alloc(4);
  result.writeUInt32BE((bytes.readUInt32BE(0) | (0xffff_ffff >>> prefixLength)) >>> 0);
  return result;
}

/**
 * Neighbours over rtnetlink (rtnetlink(7), linux/neighbour.h).
 *
 *     struct ndmsg
 *      0  u8 family    1  pad    4  i32 ifindex    8  u16 state (NUD_…)    10  u8 flags    11  u8 type        = 12
 *     then attributes NDA_…
 */
import { AF_INET, AF_INET6 } from '../libc.ts';
import { macBytes } from './link.ts';
import { decodeAttributes, NetlinkFormatError, NLM_F_CREATE, NLM_F_REPLACE, raw, u32 } from './message.ts';
import { dump } from './socket.ts';
import type { Request } from './socket.ts';

export const RTM_NEWNEIGH = 28;
export const RTM_DELNEIGH = 29;
export const RTM_GETNEIGH = 30;
export const NDMSG = 12;
export const NDA_DST = 1;
export const NDA_LLADDR = 2;
export const NDA_IFINDEX = 8;
export const NUD_REACHABLE = 0x02;
/** Used at once, and asked whether it is right soon after it is used. */
const NUD_STALE = 0x04;
export const NUD_NOARP = 0x40;
export const NUD_PERMANENT = 0x80;

export interface NeighbourInfo {
  /** 4 or 16 bytes in network order. */
  address: Buffer;
  /** undefined while it is asked for. */
  mac: Buffer | undefined;
  /** ifindex. */
  link: number;
  /** Set by someone, and never asked for. */
  permanent: boolean;
}

function header(address: Buffer, link: number, state: number): Buffer {
  const bytes = Buffer.alloc(NDMSG);
  bytes[0] = address.length === 4 ? AF_INET : AF_INET6;
  bytes.writeInt32LE(link, 4);
  bytes.writeUInt16LE(state, 8);
  return bytes;
}

const set = (address: Buffer, mac: Buffer, link: number, state: number): Request => ({
  what: `set neighbour ${mac.toString('hex')}`,
  type: RTM_NEWNEIGH,
  flags: NLM_F_CREATE | NLM_F_REPLACE,
  header: header(address, link, state),
  attributes: [raw(NDA_DST, address), raw(NDA_LLADDR, mac)],
});

/** `address`: 4 or 16 bytes in network order. What waited for the answer of a neighbour goes out. */
export const setNeighbour = (address: Buffer, mac: string, link: number): Request =>
  set(address, macBytes(mac), link, NUD_STALE);

/** Permanent ones do not count for the limits of the kernel's tables (gc_thresh3; neigh_alloc in net/core/neighbour.c). */
export const setPermanentNeighbour = (address: Buffer, mac: Buffer, link: number): Request =>
  set(address, mac, link, NUD_PERMANENT);

export const deleteNeighbour = (address: Buffer, link: number): Request => ({
  what: `delete neighbour ${address.toString('hex')}`,
  type: RTM_DELNEIGH,
  header: header(address, link, 0),
  attributes: [raw(NDA_DST, address)],
  tolerated: ['ENOENT'],
});

/** Of one link. */
export function listNeighbours(family: 4 | 6, link: number): Request {
  const bytes = Buffer.alloc(NDMSG);
  bytes[0] = family === 4 ? AF_INET : AF_INET6;
  return dump('list neighbours', RTM_GETNEIGH, bytes, [u32(NDA_IFINDEX, link)]);
}

export function decodeNeighbour(payload: Buffer): NeighbourInfo {
  if (payload.length < NDMSG) throw new NetlinkFormatError(`an ndmsg of ${payload.length} bytes`);
  const attributes = decodeAttributes(payload.subarray(NDMSG));
  const address = attributes.get(NDA_DST);
  if (address?.length !== 4 && address?.length !== 16) throw new NetlinkFormatError('a neighbour without its address');
  return {
    address,
    mac: attributes.get(NDA_LLADDR),
    link: payload.readInt32LE(4),
    permanent: (payload.readUInt16LE(8) & NUD_PERMANENT) !== 0,
  };
}

/**
 * Numbers that one network namespace has for others (linux/net_namespace.h); events of a namespace are heard only under one.
 *
 *     struct rtgenmsg:  0  u8 family, padded to 4; then attributes NETNSA_…
 *     NETNSA_NSID = 1  i32, -1 for none or any    NETNSA_FD = 3  u32
 */
import { decodeAttributes, encodeAttributes, NetlinkFormatError, u32 } from './message.ts';
import { SysError } from '../libc.ts';
import type { NetlinkSocket } from './socket.ts';

export const RTM_NEWNSID = 88;
const RTM_GETNSID = 90;
const RTGENMSG = 4;
const NETNSA_NSID = 1;
const NETNSA_FD = 3;
const ANY = -1;

export function encodeNsid(nsid: number): Buffer {
  return Buffer.concat([Buffer.alloc(RTGENMSG), encodeAttributes([u32(NETNSA_NSID, nsid)])]);
}

/** undefined when the other namespace has no number. */
export function decodeNsid(payload: Buffer): number | undefined {
  if (payload.length < RTGENMSG) throw new NetlinkFormatError(`an rtgenmsg of ${payload.length} bytes`);
  const value = decodeAttributes(payload.subarray(RTGENMSG)).get(NETNSA_NSID);
  if (value === undefined) return undefined;
  if (value.length < 4) throw new NetlinkFormatError(`${value.length} bytes for an nsid`);
  const nsid = value.readInt32LE(0);
  return nsid < 0 ? undefined : nsid;
}

/** The number of the namespace that `fd` stands for, in the namespace of the socket. */
export function getNsid(socket: NetlinkSocket, fd: number): number | undefined {
  const [answer] = socket.transact([
    {
      what: 'ask for an nsid',
      type: RTM_GETNSID,
      header: Buffer.alloc(RTGENMSG),
      attributes: [u32(NETNSA_FD, fd)],
    },
  ]);
  return answer && decodeNsid(answer.payload);
}

/** Gives it a number unless it has one. It holds nothing: it goes with either namespace. */
export function ensureNsid(socket: NetlinkSocket, fd: number): number | undefined {
  try {
    socket.transact([
      {
        what: 'give a namespace a number',
        type: RTM_NEWNSID,
        header: Buffer.alloc(RTGENMSG),
        attributes: [u32(NETNSA_NSID, ANY), u32(NETNSA_FD, fd)],
      },
    ]);
  } catch (error) {
    if (!(error instanceof SysError) || error.code !== 'EEXIST') throw error;
  }
  return getNsid(socket, fd);
}

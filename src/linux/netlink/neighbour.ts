/**
 * Neighbours over rtnetlink (rtnetlink(7), linux/neighbour.h).
 *
 *     struct ndmsg
 *      0  u8 family    1  pad    4  i32 ifindex    8  u16 state (NUD_…)    10  u8 flags    11  u8 type        = 12
 *     then attributes NDA_…
 */
import { AF_INET, AF_INET6 } from '../libc.ts';
import { macBytes } from './link.ts';
import { NLM_F_CREATE, NLM_F_REPLACE, raw } from './message.ts';
import type { Request } from './socket.ts';

const RTM_NEWNEIGH = 28;
const NDMSG = 12;
const NDA_DST = 1;
const NDA_LLADDR = 2;
/** Used at once, and asked whether it is right soon after it is used. */
const NUD_STALE = 4;

/** `address`: 4 or 16 bytes in network order. What waited for the answer of a neighbour goes out. */
export function setNeighbour(address: Buffer, mac: string, link: number): Request {
  const header = Buffer.alloc(NDMSG);
  header[0] = address.length === 4 ? AF_INET : AF_INET6;
  header.writeInt32LE(link, 4);
  header.writeUInt16LE(NUD_STALE, 8);
  return {
    what: `set neighbour ${mac}`,
    type: RTM_NEWNEIGH,
    flags: NLM_F_CREATE | NLM_F_REPLACE,
    header,
    attributes: [raw(NDA_DST, address), raw(NDA_LLADDR, macBytes(mac))],
  };
}

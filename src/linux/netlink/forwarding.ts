/**
 * Forwarding entries, of a bridge for one of its ports and of a VXLAN device, over rtnetlink (rtnetlink(7), linux/neighbour.h).
 *
 *     struct ndmsg
 *      0  u8 family (AF_BRIDGE)    1  pad    4  i32 ifindex of the device    8  u16 state (NUD_…)    10  u8 flags    11  u8 type
 *     then NDA_LLADDR: MAC; NDA_DST: of a VXLAN device, underlay address of the host behind which the MAC is; NDA_IFINDEX: u32, by which
 *     link it is reached (without, a link-local address is looked for on any)
 *
 * NTF_MASTER says the device's bridge, NTF_SELF the device itself; a request with both is carried out for both (rtnl_fdb_add in
 * net/core/rtnetlink.c), the bridge first. The MAC of zeros is where a VXLAN device sends what is for nobody it knows: to all its hosts.
 */
import { AF_BRIDGE } from './link.ts';
import {
  decodeAttributes,
  NetlinkFormatError,
  NLM_F_APPEND,
  NLM_F_CREATE,
  NLM_F_REPLACE,
  raw,
  readU32,
  u32,
} from './message.ts';
import type { Attribute } from './message.ts';
import { NDMSG, NDA_DST, NDA_IFINDEX, NDA_LLADDR, NUD_NOARP, NUD_PERMANENT, NUD_REACHABLE } from './neighbour.ts';
import { RTM_DELNEIGH, RTM_GETNEIGH, RTM_NEWNEIGH } from './neighbour.ts';
import { dump } from './socket.ts';
import type { Request } from './socket.ts';

const NTF_SELF = 0x02;
const NTF_MASTER = 0x04;
const NTF_STICKY = 0x40;
export const NO_MAC = Buffer.alloc(6);

export interface ForwardingInfo {
  mac: Buffer;
  /** ifindex of the device. */
  link: number;
  /** An entry of the device's bridge, not of the device. */
  ofBridge: boolean;
  /** Neither learned, nor the device's own MAC. */
  fixed: boolean;
  /** 4 or 16 bytes in network order; of a VXLAN device. */
  host: Buffer | undefined;
  /** ifindex of the link by which the host is reached; 0 for whichever leads there. */
  via: number;
}

function header(link: number, state: number, flags: number): Buffer {
  const bytes = Buffer.alloc(NDMSG);
  bytes[0] = AF_BRIDGE;
  bytes.writeInt32LE(link, 4);
  bytes.writeUInt16LE(state, 8);
  bytes[10] = flags;
  return bytes;
}

/** `via`: ifindex, 0 for whichever link leads there. */
const remote = (host: Buffer, via: number): Attribute[] => [
  raw(NDA_DST, host),
  ...(via === 0 ? [] : [u32(NDA_IFINDEX, via)]),
];

/**
 * Frames for `mac` go to the VXLAN device `link`, and from there to `host`. 'Reachable' is what the device wants to hear and
 * 'no ARP' makes both entries static; sticky: a container that says it had that MAC does not get its frames.
 */
export const setForwarding = (mac: Buffer, link: number, host: Buffer, via: number): Request => ({
  what: `forward ${mac.toString('hex')}`,
  type: RTM_NEWNEIGH,
  flags: NLM_F_CREATE | NLM_F_REPLACE,
  header: header(link, NUD_NOARP | NUD_REACHABLE, NTF_SELF | NTF_MASTER | NTF_STICKY),
  attributes: [raw(NDA_LLADDR, mac), ...remote(host, via)],
});

/** One host more that gets what is for all. Succeeds when it does already. */
export const addFlooded = (link: number, host: Buffer, via: number): Request => ({
  what: `send to ${host.toString('hex')} what is for all`,
  type: RTM_NEWNEIGH,
  flags: NLM_F_CREATE | NLM_F_APPEND,
  header: header(link, NUD_PERMANENT, NTF_SELF),
  attributes: [raw(NDA_LLADDR, NO_MAC), ...remote(host, via)],
});

export const deleteFlooded = (link: number, host: Buffer, via: number): Request => ({
  what: `send to ${host.toString('hex')} no more what is for all`,
  type: RTM_DELNEIGH,
  header: header(link, NUD_PERMANENT, NTF_SELF),
  attributes: [raw(NDA_LLADDR, NO_MAC), ...remote(host, via)],
  tolerated: ['ENOENT'],
});

/** The bridge first: what it does not know it does not send to the tunnel. */
export const deleteForwarding = (mac: Buffer, link: number): Request[] => [
  { ...deletion(mac, link, NTF_MASTER), tolerated: ['ENOENT', 'EOPNOTSUPP'] },
  { ...deletion(mac, link, NTF_SELF), tolerated: ['ENOENT'] },
];

const deletion = (mac: Buffer, link: number, flags: number): Request => ({
  what: `forward ${mac.toString('hex')} no more`,
  type: RTM_DELNEIGH,
  header: header(link, 0, flags),
  attributes: [raw(NDA_LLADDR, mac)],
});

/** Of the device and of its bridge for it. */
export const listForwarding = (link: number): Request =>
  dump('list forwarding entries', RTM_GETNEIGH, header(link, 0, 0));

export function decodeForwarding(payload: Buffer): ForwardingInfo {
  if (payload.length < NDMSG) throw new NetlinkFormatError(`an ndmsg of ${payload.length} bytes`);
  const attributes = decodeAttributes(payload.subarray(NDMSG));
  const mac = attributes.get(NDA_LLADDR);
  if (mac?.length !== 6) throw new NetlinkFormatError('a forwarding entry without its MAC');
  return {
    mac,
    link: payload.readInt32LE(4),
    // A bridge names itself in NDA_MASTER and sets no flag (fdb_fill_info in net/bridge/br_fdb.c); a device says NTF_SELF.
    ofBridge: (payload.readUInt8(10) & NTF_SELF) === 0,
    fixed: (payload.readUInt16LE(8) & NUD_NOARP) !== 0,
    host: attributes.get(NDA_DST),
    via: readU32(attributes.get(NDA_IFINDEX)) ?? 0,
  };
}

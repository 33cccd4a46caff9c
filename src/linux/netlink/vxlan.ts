/**
 * VXLAN devices (RFC 7348) over rtnetlink (linux/if_link.h): ifinfomsg with IFLA_LINKINFO { IFLA_INFO_KIND 'vxlan', IFLA_INFO_DATA }:
 *
 *      1  IFLA_VXLAN_ID        u32  VNI, 24 bits
 *      3  IFLA_VXLAN_LINK      u32  ifindex: with a link-local address as its own, the device takes frames from this link only
 *      4  IFLA_VXLAN_LOCAL     4 bytes, network order: the underlay address that frames are sent from
 *      7  IFLA_VXLAN_LEARNING  u8   where a frame came from is where its sender is
 *     11  IFLA_VXLAN_PROXY     u8   questions of ARP and ND are answered from the device's neighbours, and go no further
 *     15  IFLA_VXLAN_PORT      u16, network order
 *     17  IFLA_VXLAN_LOCAL6    16 bytes
 */
import { decodeLinkData, IFLA_IFNAME, IFLA_MTU, linkInfo, linkRequest, RTM_NEWLINK } from './link.ts';
import { NetlinkFormatError, NLM_F_CREATE, NLM_F_EXCL, nest, raw, readU32, text, u32, u8 } from './message.ts';
import type { Attribute } from './message.ts';
import type { Request } from './socket.ts';
import { AF_INET6 } from '../libc.ts';

const IFLA_VXLAN_ID = 1;
const IFLA_VXLAN_LINK = 3;
const IFLA_VXLAN_LOCAL = 4;
const IFLA_VXLAN_LEARNING = 7;
const IFLA_VXLAN_PROXY = 11;
const IFLA_VXLAN_PORT = 15;
const IFLA_VXLAN_LOCAL6 = 17;
const IFLA_AF_SPEC = 26;
const IFLA_INET6_ADDR_GEN_MODE = 8;
const IN6_ADDR_GEN_MODE_NONE = 1;

/** What makes a device another one when it differs. */
export interface VxlanInfo {
  vni: number;
  /** 4 or 16 bytes in network order; undefined for any. */
  local: Buffer | undefined;
  /** ifindex of the link that it sends and receives by; 0 for whichever leads there. */
  link: number;
  /** UDP. */
  port: number;
  learning: boolean;
  proxy: boolean;
}

export function encodeVxlan({ vni, local, link, port, learning, proxy }: VxlanInfo): Attribute[] {
  const portBytes = Buffer.alloc(2);
  portBytes.writeUInt16BE(port);
  return [
    u8(IFLA_VXLAN_PROXY, proxy ? 1 : 0),
    u32(IFLA_VXLAN_ID, vni),
    ...(link === 0 ? [] : [u32(IFLA_VXLAN_LINK, link)]),
    ...(local ? [raw(local.length === 4 ? IFLA_VXLAN_LOCAL : IFLA_VXLAN_LOCAL6, local)] : []),
    u8(IFLA_VXLAN_LEARNING, learning ? 1 : 0),
    raw(IFLA_VXLAN_PORT, portBytes),
  ];
}

/** Of a link's message; undefined when it tells of another kind of link. */
export function decodeVxlan(payload: Buffer): VxlanInfo | undefined {
  const data = decodeLinkData(payload, 'vxlan');
  if (!data) return undefined;
  const port = data.get(IFLA_VXLAN_PORT);
  if (port?.length !== 2) throw new NetlinkFormatError('a VXLAN device without its port');
  return {
    vni: readU32(data.get(IFLA_VXLAN_ID)) ?? 0,
    local: data.get(IFLA_VXLAN_LOCAL) ?? data.get(IFLA_VXLAN_LOCAL6),
    link: readU32(data.get(IFLA_VXLAN_LINK)) ?? 0,
    port: port.readUInt16BE(),
    learning: data.get(IFLA_VXLAN_LEARNING)?.[0] === 1,
    proxy: data.get(IFLA_VXLAN_PROXY)?.[0] === 1,
  };
}

export const createVxlan = (name: string, mtu: number, info: VxlanInfo): Request => ({
  ...linkRequest(`create vxlan ${name}`, RTM_NEWLINK, 0, [
    u32(IFLA_MTU, mtu),
    text(IFLA_IFNAME, name),
    linkInfo('vxlan', encodeVxlan(info)),
  ]),
  flags: NLM_F_CREATE | NLM_F_EXCL,
});

/** The device speaks no IPv6 itself: no address, and so nothing that it tells its neighbours of. A kernel or a link without IPv6 says so. */
export const withoutLinkLocal = (name: string): Request => ({
  ...linkRequest(`take the link-local address from ${name}`, RTM_NEWLINK, 0, [
    text(IFLA_IFNAME, name),
    nest(IFLA_AF_SPEC, [nest(AF_INET6, [u8(IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE)])]),
  ]),
  tolerated: ['EAFNOSUPPORT'],
});

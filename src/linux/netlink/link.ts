/**
 * Interfaces over rtnetlink (rtnetlink(7), linux/if_link.h).
 *
 *     struct ifinfomsg
 *      0  u8 family    2  u16 type (ARPHRD_…)    4  i32 index    8  u32 flags    12  u32 mask of flags to change
 *     then attributes IFLA_…
 */
import { decodeAttributes, encodeAttributes, nest, NetlinkFormatError, NLM_F_CREATE, NLM_F_EXCL } from './message.ts';
import { raw, readText, readU32, text, u32, u8 } from './message.ts';
import type { Attribute } from './message.ts';
import { dump } from './socket.ts';
import type { Request } from './socket.ts';

export const RTM_NEWLINK = 16;
export const RTM_DELLINK = 17;
export const RTM_GETLINK = 18;
const IFINFOMSG = 16;
const IFF_UP = 1;
export const IFLA_ADDRESS = 1;
export const IFLA_IFNAME = 3;
export const IFLA_MTU = 4;
export const IFLA_LINK = 5;
const IFLA_MASTER = 10;
const IFLA_LINKINFO = 18;
const IFLA_IFALIAS = 20;
const IFLA_GROUP = 27;
export const IFLA_NET_NS_FD = 28;
const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
const IFLA_INFO_SLAVE_KIND = 4;
const IFLA_INFO_SLAVE_DATA = 5;
const IFLA_BRPORT_MODE = 4;
const IFLA_BRPORT_LEARNING = 8;
const IFLA_BRPORT_UNICAST_FLOOD = 9;
const IFLA_BRPORT_NEIGH_SUPPRESS = 32;
const IFLA_BRPORT_ISOLATED = 33;
const IFLA_BRPORT_LOCKED = 39;
export const VETH_INFO_PEER = 1;
/** Family of messages that tell of a link as a port of its bridge (linux/socket.h); all others have AF_UNSPEC. */
export const AF_BRIDGE = 7;
/** ifi_change of a link that is new, and not changed (rtnl_configure_link in the kernel). */
const ALL_FLAGS = 0xffff_ffff;

export interface LinkHeader {
  index: number;
  flags: number;
  /** Which bits of `flags` to change. */
  change: number;
}

export interface LinkInfo {
  index: number;
  name: string;
  up: boolean;
  mtu: number;
  /** 'bridge', 'veth'…, '' for hardware. */
  kind: string;
  /** 'aa:bb:cc:dd:ee:ff', '' where there is none. */
  mac: string;
  /** ifindex of the bridge it is a port of; 0 for none. */
  master: number;
  /** ifindex of the other end of a veth pair, or of the link below, in its own namespace; 0 for none. */
  peer: number;
  alias: string;
}

/** What a notification says beside the link itself. */
export interface LinkChange {
  /** It tells of a bridge port: a 'deleted' one left its bridge and is still there. */
  bridgePort: boolean;
  /** It was up and is down. */
  wentDown: boolean;
}

export function encodeLinkHeader({ index, flags, change }: LinkHeader): Buffer {
  const header = Buffer.alloc(IFINFOMSG);
  header.writeInt32LE(index, 4);
  header.writeUInt32LE(flags, 8);
  header.writeUInt32LE(change, 12);
  return header;
}

/** The attributes that decodeLink reads. */
export function encodeLink(link: LinkInfo): Buffer {
  const attributes: Attribute[] = [text(IFLA_IFNAME, link.name), u32(IFLA_MTU, link.mtu)];
  if (link.mac !== '') attributes.push(raw(IFLA_ADDRESS, macBytes(link.mac)));
  if (link.master !== 0) attributes.push(u32(IFLA_MASTER, link.master));
  if (link.peer !== 0) attributes.push(u32(IFLA_LINK, link.peer));
  if (link.alias !== '') attributes.push(text(IFLA_IFALIAS, link.alias));
  if (link.kind !== '') attributes.push(nest(IFLA_LINKINFO, [text(IFLA_INFO_KIND, link.kind)]));
  return Buffer.concat([
    encodeLinkHeader({ index: link.index, flags: link.up ? IFF_UP : 0, change: 0 }),
    encodeAttributes(attributes),
  ]);
}

export function decodeLink(payload: Buffer): LinkInfo {
  if (payload.length < IFINFOMSG) throw new NetlinkFormatError(`an ifinfomsg of ${payload.length} bytes`);
  const attributes = decodeAttributes(payload.subarray(IFINFOMSG));
  const info = attributes.get(IFLA_LINKINFO);
  return {
    index: payload.readInt32LE(4),
    name: readText(attributes.get(IFLA_IFNAME)),
    up: (payload.readUInt32LE(8) & IFF_UP) !== 0,
    mtu: readU32(attributes.get(IFLA_MTU)) ?? 0,
    kind: info ? readText(decodeAttributes(info).get(IFLA_INFO_KIND)) : '',
    mac: macText(attributes.get(IFLA_ADDRESS)),
    master: readU32(attributes.get(IFLA_MASTER)) ?? 0,
    peer: readU32(attributes.get(IFLA_LINK)) ?? 0,
    alias: readText(attributes.get(IFLA_IFALIAS)),
  };
}

/** IFLA_INFO_DATA of a link of this kind; undefined of another's. */
export function decodeLinkData(payload: Buffer, kind: string): Map<number, Buffer> | undefined {
  if (payload.length < IFINFOMSG) throw new NetlinkFormatError(`an ifinfomsg of ${payload.length} bytes`);
  const info = decodeAttributes(payload.subarray(IFINFOMSG)).get(IFLA_LINKINFO);
  const parts = info && decodeAttributes(info);
  return parts && readText(parts.get(IFLA_INFO_KIND)) === kind
    ? decodeAttributes(parts.get(IFLA_INFO_DATA) ?? Buffer.alloc(0))
    : undefined;
}

/** Of the header alone, for notifications that are many. */
export function decodeLinkChange(payload: Buffer): LinkChange {
  if (payload.length < IFINFOMSG) throw new NetlinkFormatError(`an ifinfomsg of ${payload.length} bytes`);
  const change = payload.readUInt32LE(12);
  return {
    bridgePort: payload.readUInt8(0) === AF_BRIDGE,
    wentDown: change !== ALL_FLAGS && (change & IFF_UP) !== 0 && (payload.readUInt32LE(8) & IFF_UP) === 0,
  };
}

export const macBytes = (mac: string): Buffer => Buffer.from(mac.replaceAll(':', ''), 'hex');

function macText(bytes: Buffer | undefined): string {
  return bytes ? [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(':') : '';
}

export const listLinks = (): Request =>
  dump('list links', RTM_GETLINK, encodeLinkHeader({ index: 0, flags: 0, change: 0 }));

export function getLink(name: string): Request {
  return linkRequest(`look at ${name}`, RTM_GETLINK, 0, [text(IFLA_IFNAME, name)]);
}

export function getLinkAt(index: number): Request {
  return linkRequest(`look at link ${index}`, RTM_GETLINK, index, []);
}

export function createBridge(name: string, mac: string, mtu: number): Request {
  return {
    ...linkRequest(`create bridge ${name}`, RTM_NEWLINK, 0, [
      text(IFLA_IFNAME, name),
      raw(IFLA_ADDRESS, macBytes(mac)),
      u32(IFLA_MTU, mtu),
      nest(IFLA_LINKINFO, [text(IFLA_INFO_KIND, 'bridge')]),
    ]),
    flags: NLM_F_CREATE | NLM_F_EXCL,
  };
}

export const setAlias = (name: string, alias: string): Request =>
  linkRequest(`mark ${name}`, RTM_NEWLINK, 0, [text(IFLA_IFNAME, name), text(IFLA_IFALIAS, alias)]);

/** While it is down. */
export const setName = (index: number, name: string): Request =>
  linkRequest(`name a link ${name}`, RTM_NEWLINK, index, [text(IFLA_IFNAME, name)]);

export const setMtu = (name: string, mtu: number): Request =>
  linkRequest(`set the MTU of ${name} to ${mtu}`, RTM_NEWLINK, 0, [text(IFLA_IFNAME, name), u32(IFLA_MTU, mtu)]);

export const setMaster = (name: string, master: number): Request =>
  linkRequest(`make ${name} a port`, RTM_NEWLINK, 0, [text(IFLA_IFNAME, name), u32(IFLA_MASTER, master)]);

/** The bridge passes nothing between isolated ports (since Linux 4.18). */
export const isolatePort = (name: string): Request =>
  portRequest(`isolate ${name}`, name, [u8(IFLA_BRPORT_ISOLATED, 1)]);

/** The bridge passes packets back by the port they came from. */
export const hairpinPort = (name: string): Request =>
  portRequest(`set hairpin mode of ${name}`, name, [u8(IFLA_BRPORT_MODE, 1)]);

/**
 * Behind the port is only who was told of: nothing is learned there and nobody is looked for there (unicast flood off), announcements of
 * addresses stay here (neighbour suppression, since Linux 4.15), and frames come from known MACs only (locked, since 5.18).
 */
export const tunnelPort = (name: string): Request =>
  portRequest(`make ${name} the port of a tunnel`, name, [
    u8(IFLA_BRPORT_LEARNING, 0),
    u8(IFLA_BRPORT_UNICAST_FLOOD, 0),
    u8(IFLA_BRPORT_NEIGH_SUPPRESS, 1),
    u8(IFLA_BRPORT_LOCKED, 1),
  ]);

const portRequest = (what: string, name: string, flags: readonly Attribute[]): Request =>
  linkRequest(what, RTM_NEWLINK, 0, [
    text(IFLA_IFNAME, name),
    nest(IFLA_LINKINFO, [text(IFLA_INFO_SLAVE_KIND, 'bridge'), nest(IFLA_INFO_SLAVE_DATA, flags)]),
  ]);

export const setGroup = (name: string, group: number): Request =>
  linkRequest(`put ${name} into a group`, RTM_NEWLINK, 0, [text(IFLA_IFNAME, name), u32(IFLA_GROUP, group)]);

export const setUp = (index: number, what: string): Request => ({
  what: `bring ${what} up`,
  type: RTM_NEWLINK,
  header: encodeLinkHeader({ index, flags: IFF_UP, change: IFF_UP }),
});

/** Blocks 27–32 ms in the kernel (RCU barrier): never on the main thread while requests are served. */
export const deleteLink = (name: string): Request =>
  linkRequest(`delete ${name}`, RTM_DELLINK, 0, [text(IFLA_IFNAME, name)]);

/** All links of a group, at the cost of one. */
export const deleteGroup = (group: number): Request =>
  linkRequest(`delete the links of group ${group}`, RTM_DELLINK, 0, [u32(IFLA_GROUP, group)]);

export interface VethPair {
  hostName: string;
  /** ifindex of the bridge that the host end is born in. */
  master: number;
  mtu: number;
  peer: { name: string; mac: string; namespaceFd: number };
}

/**
 * One message for the whole pair: the host end is born up and in its bridge, the other end inside the namespace under
 * its final name. The peer must not carry IFF_UP: it is not paired yet when the kernel would open it (ENOTCONN).
 */
export function createVeth({ hostName, master, mtu, peer }: VethPair): Request {
  const inside = Buffer.concat([
    encodeLinkHeader({ index: 0, flags: 0, change: 0 }),
    encodeAttributes([
      text(IFLA_IFNAME, peer.name),
      raw(IFLA_ADDRESS, macBytes(peer.mac)),
      u32(IFLA_MTU, mtu),
      u32(IFLA_NET_NS_FD, peer.namespaceFd),
    ]),
  ]);
  return {
    what: `create veth ${hostName}`,
    type: RTM_NEWLINK,
    flags: NLM_F_CREATE | NLM_F_EXCL,
    header: encodeLinkHeader({ index: 0, flags: IFF_UP, change: IFF_UP }),
    attributes: [
      text(IFLA_IFNAME, hostName),
      u32(IFLA_MTU, mtu),
      u32(IFLA_MASTER, master),
      nest(IFLA_LINKINFO, [text(IFLA_INFO_KIND, 'veth'), nest(IFLA_INFO_DATA, [raw(VETH_INFO_PEER, inside)])]),
    ],
  };
}

export function linkRequest(what: string, type: number, index: number, attributes: Attribute[]): Request {
  return { what, type, header: encodeLinkHeader({ index, flags: 0, change: 0 }), attributes };
}

/** The kind without its terminating zero, as `ip` writes it. */
export const linkInfo = (kind: string, data: readonly Attribute[]): Attribute =>
  nest(IFLA_LINKINFO, [
    raw(IFLA_INFO_KIND, Buffer.from(kind)),
    ...(data.length > 0 ? [nest(IFLA_INFO_DATA, data)] : []),
  ]);

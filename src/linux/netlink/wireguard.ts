/**
 * WireGuard devices over generic netlink, family "wireguard", version 1 (linux/wireguard.h): a genlmsghdr, then
 *
 *     WGDEVICE_A_  2 IFNAME text   3 PRIVATE_KEY 32 bytes   4 PUBLIC_KEY 32 bytes   5 FLAGS u32   6 LISTEN_PORT u16
 *                  8 PEERS, a list of
 *     WGPEER_A_    1 PUBLIC_KEY 32 bytes   3 FLAGS u32   4 ENDPOINT sockaddr   5 PERSISTENT_KEEPALIVE_INTERVAL u16, seconds
 *                  9 ALLOWEDIPS, a list of
 *     WGALLOWEDIP_A_  1 FAMILY u16   2 IPADDR 4 or 16 bytes   3 CIDR_MASK u8
 *
 *     struct sockaddr_in                  struct sockaddr_in6
 *      0  u16 AF_INET                      0  u16 AF_INET6
 *      2  u16 port, network order          2  u16 port, network order    4  u32 flow information
 *      4  address, 4 bytes                 8  address, 16 bytes
 *      8  zeros, 8 bytes                  24  u32 scope
 *
 * The device itself is a link of kind 'wireguard' without data of its own. Elements of a list have type 0. All that is nested bears NLA_F_NESTED: the kernel refuses it without (nla_parse_nested).
 */
import { AF_INET, AF_INET6 } from '../libc.ts';
import { decodeGeneric, encodeGenericHeader } from './generic.ts';
import { IFLA_IFNAME, IFLA_MTU, linkInfo, linkRequest, RTM_NEWLINK } from './link.ts';
import {
  decodeAttributeList,
  decodeAttributes,
  encodeAttributes,
  NetlinkFormatError,
  NLM_F_CREATE,
} from './message.ts';
import { NLM_F_EXCL, raw, readText, text, u16, u32, u8 } from './message.ts';
import type { Attribute } from './message.ts';
import { dump } from './socket.ts';
import type { Request } from './socket.ts';

export const WIREGUARD_FAMILY = 'wireguard';
export const KEY_LENGTH = 32;
const VERSION = 1;
const WG_CMD_GET_DEVICE = 0;
const WG_CMD_SET_DEVICE = 1;
const WGDEVICE_A_IFNAME = 2;
const WGDEVICE_A_PRIVATE_KEY = 3;
const WGDEVICE_A_PUBLIC_KEY = 4;
const WGDEVICE_A_LISTEN_PORT = 6;
const WGDEVICE_A_PEERS = 8;
const WGPEER_A_PUBLIC_KEY = 1;
const WGPEER_A_FLAGS = 3;
const WGPEER_A_ENDPOINT = 4;
const WGPEER_A_KEEPALIVE = 5;
const WGPEER_A_ALLOWEDIPS = 9;
const WGPEER_F_REMOVE_ME = 1;
const WGPEER_F_REPLACE_ALLOWEDIPS = 2;
const WGALLOWEDIP_A_FAMILY = 1;
const WGALLOWEDIP_A_IPADDR = 2;
const WGALLOWEDIP_A_CIDR_MASK = 3;
const SOCKADDR_IN = 16;
const SOCKADDR_IN6 = 28;
/** Bytes of peers in one message: an attribute's length has 16 bits, and a datagram must fit the socket's buffer. */
const MOST = 32_768;

export interface WireguardDevice {
  name: string;
  /** undefined while it has no private key. */
  publicKey: Buffer | undefined;
  /** UDP. */
  port: number;
  peers: WireguardPeer[];
}

export interface WireguardPeer {
  publicKey: Buffer;
  /** Where it is, as far as that is known. */
  endpoint: { address: Buffer; port: number } | undefined;
  /** Seconds; 0 for none. */
  keepalive: number;
  /** What comes from it and goes to it: 4 or 16 bytes in network order, and so many bits of them. */
  allowed: { address: Buffer; length: number }[];
}

/** What a message sets of the device itself; what is left out stays. */
export interface DeviceChange {
  privateKey?: Buffer;
  port?: number;
}

const list = (type: number, value: readonly Attribute[]): Attribute => ({ type, value, nestedFlag: true });

/** It is made down, with no key, no port and no peer. */
export const createWireguard = (name: string, mtu: number): Request => ({
  ...linkRequest(`create wireguard ${name}`, RTM_NEWLINK, 0, [
    text(IFLA_IFNAME, name),
    u32(IFLA_MTU, mtu),
    linkInfo('wireguard', []),
  ]),
  flags: NLM_F_CREATE | NLM_F_EXCL,
});

/** All of a device; the answer comes in pieces, for decodeDevice(). ENODEV when there is none. */
export const getDevice = (family: number, name: string): Request =>
  dump(`look at WireGuard device ${name}`, family, header(WG_CMD_GET_DEVICE), [text(WGDEVICE_A_IFNAME, name)]);

/**
 * The messages, each a datagram of its own, in their order. A peer that is there is changed, others are added; the endpoint of one
 * that has none here stays.
 */
export function setDevice(
  family: number,
  name: string,
  { device, peers, gone }: { device: DeviceChange; peers: readonly WireguardPeer[]; gone: readonly Buffer[] },
): Request[] {
  const own: Attribute[] = [];
  if (device.privateKey) own.push(raw(WGDEVICE_A_PRIVATE_KEY, device.privateKey));
  if (device.port !== undefined) own.push(u16(WGDEVICE_A_LISTEN_PORT, device.port));
  // An address that goes from one peer to another belongs to the last that was given it.
  const changes = [...gone.map(removal), ...peers.map(setting)];
  const [first = [], ...others] = pieces(changes);
  return [[...own, ...listOf(first)], ...others.map(listOf)]
    .filter((attributes) => attributes.length > 0)
    .map((attributes) => ({
      what: `set WireGuard device ${name}`,
      type: family,
      header: header(WG_CMD_SET_DEVICE),
      attributes: [text(WGDEVICE_A_IFNAME, name), ...attributes],
    }));
}

const header = (command: number): Buffer => encodeGenericHeader({ command, version: VERSION });

const listOf = (elements: readonly Attribute[]): Attribute[] =>
  elements.length > 0 ? [list(WGDEVICE_A_PEERS, elements)] : [];

function pieces(elements: readonly Attribute[]): Attribute[][] {
  const result: Attribute[][] = [];
  let room = 0;
  for (const element of elements) {
    const { length } = encodeAttributes([element]);
    const last = result.at(-1);
    if (last && length <= room) last.push(element);
    else result.push([element]);
    room = (last && length <= room ? room : MOST) - length;
  }
  return result;
}

const removal = (publicKey: Buffer): Attribute =>
  list(0, [raw(WGPEER_A_PUBLIC_KEY, publicKey), u32(WGPEER_A_FLAGS, WGPEER_F_REMOVE_ME)]);

const setting = (peer: WireguardPeer): Attribute =>
  encodePeer(peer, [u32(WGPEER_A_FLAGS, WGPEER_F_REPLACE_ALLOWEDIPS)]);

function encodePeer({ publicKey, endpoint, keepalive, allowed }: WireguardPeer, flags: Attribute[]): Attribute {
  return list(0, [
    raw(WGPEER_A_PUBLIC_KEY, publicKey),
    ...flags,
    ...(endpoint ? [raw(WGPEER_A_ENDPOINT, encodeSocketAddress(endpoint))] : []),
    u16(WGPEER_A_KEEPALIVE, keepalive),
    list(
      WGPEER_A_ALLOWEDIPS,
      allowed.map(({ address, length }) =>
        list(0, [
          u16(WGALLOWEDIP_A_FAMILY, address.length === 4 ? AF_INET : AF_INET6),
          raw(WGALLOWEDIP_A_IPADDR, address),
          u8(WGALLOWEDIP_A_CIDR_MASK, length),
        ]),
      ),
    ),
  ]);
}

/** As the kernel answers getDevice(), in one piece. */
export function encodeDevice({ name, publicKey, port, peers }: WireguardDevice): Buffer {
  return Buffer.concat([
    header(WG_CMD_GET_DEVICE),
    encodeAttributes([
      text(WGDEVICE_A_IFNAME, name),
      ...(publicKey ? [raw(WGDEVICE_A_PUBLIC_KEY, publicKey)] : []),
      u16(WGDEVICE_A_LISTEN_PORT, port),
      list(
        WGDEVICE_A_PEERS,
        peers.map((peer) => encodePeer(peer, [])),
      ),
    ]),
  ]);
}

/**
 * The pieces of one answer. Where a peer does not fit into one it goes on in the next, which has only its key and more of what is
 * allowed; and only the first piece has what is the device's own.
 */
export function decodeDevice(payloads: readonly Buffer[]): WireguardDevice {
  const device: WireguardDevice = { name: '', publicKey: undefined, port: 0, peers: [] };
  for (const payload of payloads) {
    const { attributes } = decodeGeneric(payload);
    const name = attributes.get(WGDEVICE_A_IFNAME);
    if (name) device.name = readText(name);
    const key = attributes.get(WGDEVICE_A_PUBLIC_KEY);
    if (key) device.publicKey = sized(key, KEY_LENGTH, 'public key');
    const port = attributes.get(WGDEVICE_A_LISTEN_PORT);
    if (port) device.port = sized(port, 2, 'port').readUInt16LE(0);
    const peers = attributes.get(WGDEVICE_A_PEERS);
    for (const { value } of peers ? decodeAttributeList(peers) : []) {
      const peer = decodePeer(value);
      const before = device.peers.at(-1);
      if (before?.publicKey.equals(peer.publicKey)) before.allowed.push(...peer.allowed);
      else device.peers.push(peer);
    }
  }
  return device;
}

function decodePeer(data: Buffer): WireguardPeer {
  const attributes = decodeAttributes(data);
  const endpoint = attributes.get(WGPEER_A_ENDPOINT);
  const keepalive = attributes.get(WGPEER_A_KEEPALIVE);
  const allowed = attributes.get(WGPEER_A_ALLOWEDIPS);
  return {
    publicKey: sized(attributes.get(WGPEER_A_PUBLIC_KEY), KEY_LENGTH, 'public key of a peer'),
    endpoint: endpoint && decodeSocketAddress(endpoint),
    keepalive: keepalive ? sized(keepalive, 2, 'keepalive').readUInt16LE(0) : 0,
    allowed: allowed ? decodeAttributeList(allowed).map(({ value }) => decodeAllowed(value)) : [],
  };
}

function decodeAllowed(data: Buffer): { address: Buffer; length: number } {
  const attributes = decodeAttributes(data);
  const family = sized(attributes.get(WGALLOWEDIP_A_FAMILY), 2, 'family').readUInt16LE(0);
  const address = sized(attributes.get(WGALLOWEDIP_A_IPADDR), family === AF_INET ? 4 : 16, 'allowed address');
  return { address, length: sized(attributes.get(WGALLOWEDIP_A_CIDR_MASK), 1, 'mask').readUInt8(0) };
}

function sized(value: Buffer | undefined, length: number, what: string): Buffer {
  if (value?.length !== length) throw new NetlinkFormatError(`${value?.length ?? 'no'} bytes for a ${what}`);
  return value;
}

function encodeSocketAddress({ address, port }: { address: Buffer; port: number }): Buffer {
  const isIpv4 = address.length === 4;
  const bytes = Buffer.alloc(isIpv4 ? SOCKADDR_IN : SOCKADDR_IN6);
  bytes.writeUInt16LE(isIpv4 ? AF_INET : AF_INET6, 0);
  bytes.writeUInt16BE(port, 2);
  address.copy(bytes, isIpv4 ? 4 : 8);
  return bytes;
}

function decodeSocketAddress(data: Buffer): { address: Buffer; port: number } {
  if (data.length < SOCKADDR_IN) throw new NetlinkFormatError(`an endpoint of ${data.length} bytes`);
  const family = data.readUInt16LE(0);
  const port = data.readUInt16BE(2);
  if (family === AF_INET) return { address: data.subarray(4, 8), port };
  if (family === AF_INET6 && data.length >= SOCKADDR_IN6) return { address: data.subarray(8, 24), port };
  throw new NetlinkFormatError(`an endpoint of family ${family} in ${data.length} bytes`);
}

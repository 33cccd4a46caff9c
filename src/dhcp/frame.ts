/**
 * DHCP over Ethernet, made and taken apart here: the interface has no address yet, so the kernel's sockets cannot do it. Pure.
 * Integers are in network byte order.
 *
 *      0  destination    6  source    12  u16 0x0800                                              Ethernet II
 *     14  u8 version 4 and header length in words    15  u8 service    16  u16 total length       IPv4 (RFC 791 section 3.1)
 *     18  u16 id    20  u16 flags and fragment offset    22  u8 lifetime    23  u8 17 (UDP)
 *     24  u16 checksum    26  source    30  destination    (34  options)
 *      0  u16 source port    2  u16 destination port    4  u16 length    6  u16 checksum          UDP (RFC 768)
 */
import { ipv4Bytes, ipv4Text, macBytes, macText } from './codec.ts';

const ETHERNET = 14;
const IPV4 = 20;
const UDP = 8;
const ETHERTYPE_IPV4 = 0x0800;
const PROTOCOL_UDP = 17;
const MORE_OR_OFFSET = 0x3fff;
const DONT_FRAGMENT = 0x4000;
const LIFETIME = 64;

export const SERVER_PORT = 67;
export const CLIENT_PORT = 68;
export const BROADCAST_ADDRESS = '255.255.255.255';
export const BROADCAST_MAC = 'ff:ff:ff:ff:ff:ff';

export interface Envelope {
  sourceMac: string;
  destinationMac: string;
  source: string;
  destination: string;
}

export interface Parcel {
  envelope: Envelope;
  payload: Buffer;
}

/** From the client's port to the server's. */
export function encodeFrame({ envelope, payload }: Parcel): Buffer {
  const frame = Buffer.alloc(ETHERNET + IPV4 + UDP + payload.length);
  macBytes(envelope.destinationMac).copy(frame, 0);
  macBytes(envelope.sourceMac).copy(frame, 6);
  frame.writeUInt16BE(ETHERTYPE_IPV4, 12);
  const header = frame.subarray(ETHERNET, ETHERNET + IPV4);
  header.writeUInt8(0x45, 0);
  header.writeUInt16BE(frame.length - ETHERNET, 2);
  header.writeUInt16BE(DONT_FRAGMENT, 6);
  header.writeUInt8(LIFETIME, 8);
  header.writeUInt8(PROTOCOL_UDP, 9);
  header.set(ipv4Bytes(envelope.source), 12);
  header.set(ipv4Bytes(envelope.destination), 16);
  header.writeUInt16BE(checksum(header), 10);
  const datagram = frame.subarray(ETHERNET + IPV4);
  datagram.writeUInt16BE(CLIENT_PORT, 0);
  datagram.writeUInt16BE(SERVER_PORT, 2);
  datagram.writeUInt16BE(datagram.length, 4);
  payload.copy(datagram, UDP);
  datagram.writeUInt16BE(udpChecksum(header, datagram) || 0xffff, 6);
  return frame;
}

/**
 * What comes to the client's port; undefined for anything else. The checksum of UDP is not looked at: what another namespace of this
 * host sends has none yet, as its device leaves it to hardware that is not there (seen with dnsmasq over veth and macvlan).
 */
export function decodeFrame(frame: Buffer): Parcel | undefined {
  if (frame.length < ETHERNET + IPV4 + UDP || frame.readUInt16BE(12) !== ETHERTYPE_IPV4) return undefined;
  const packet = frame.subarray(ETHERNET);
  const words = packet.readUInt8(0);
  const headerLength = (words & 0x0f) * 4;
  const total = packet.readUInt16BE(2);
  // Short frames are padded to 60 bytes: what is beyond the total is no part of it.
  if (words >> 4 !== 4 || headerLength < IPV4 || total < headerLength + UDP || total > packet.length) return undefined;
  const header = packet.subarray(0, headerLength);
  if (header.readUInt8(9) !== PROTOCOL_UDP || (header.readUInt16BE(6) & MORE_OR_OFFSET) !== 0) return undefined;
  if (checksum(header) !== 0) return undefined;
  const datagram = packet.subarray(headerLength, total);
  const length = datagram.readUInt16BE(4);
  if (datagram.readUInt16BE(2) !== CLIENT_PORT || length < UDP || length > datagram.length) return undefined;
  return {
    envelope: {
      destinationMac: macText(frame, 0),
      sourceMac: macText(frame, 6),
      source: ipv4Text(header, 12),
      destination: ipv4Text(header, 16),
    },
    payload: datagram.subarray(UDP, length),
  };
}

/** RFC 1071; 0 over a header whose own checksum is right. */
function checksum(bytes: Buffer, sum = 0): number {
  let total = sum;
  for (let at = 0; at + 1 < bytes.length; at += 2) total += bytes.readUInt16BE(at);
  if (bytes.length % 2 === 1) total += (bytes.at(-1) ?? 0) << 8;
  while (total > 0xffff) total = (total & 0xffff) + (total >>> 16);
  return ~total & 0xffff;
}

/** Over both addresses, the protocol and the length beside the datagram itself. */
function udpChecksum(header: Buffer, datagram: Buffer): number {
  let sum = PROTOCOL_UDP + datagram.length;
  for (let at = 12; at < IPV4; at += 2) sum += header.readUInt16BE(at);
  return checksum(datagram, sum);
}

/**
 * ARP for IPv4 over Ethernet (RFC 826), as far as it finds out whether an address is in use (RFC 5227). Pure. Integers are in network byte order.
 *
 *      0  destination    6  source    12  u16 0x0806
 *     14  u16 hardware: 1    16  u16 protocol: 0x0800    18  u8 6    19  u8 4    20  u16 1 request, 2 reply
 *     22  sender's MAC    28  sender's address    32  target's MAC    38  target's address
 */
import { ipv4Bytes, ipv4Text, macBytes, macText, NO_ADDRESS } from './codec.ts';
import { BROADCAST_MAC } from './frame.ts';

const SIZE = 42;
const ETHERTYPE_ARP = 0x0806;

export interface Arp {
  senderMac: string;
  /** '0.0.0.0' in a probe. */
  sender: string;
  target: string;
}

/** RFC 5227 section 2.1.1: who has it? The asker has nothing yet, so nobody learns a wrong neighbour from it. */
export const probe = (mac: string, address: string): Buffer =>
  encodeRequest({ senderMac: mac, sender: NO_ADDRESS, target: address });

/** RFC 5227 section 2.3: neighbours forget who had it before. */
export const announcement = (mac: string, address: string): Buffer =>
  encodeRequest({ senderMac: mac, sender: address, target: address });

export function encodeRequest({ senderMac, sender, target }: Arp): Buffer {
  const frame = Buffer.alloc(SIZE);
  macBytes(BROADCAST_MAC).copy(frame, 0);
  macBytes(senderMac).copy(frame, 6);
  frame.writeUInt16BE(ETHERTYPE_ARP, 12);
  frame.writeUInt16BE(1, 14);
  frame.writeUInt16BE(0x0800, 16);
  frame.writeUInt8(6, 18);
  frame.writeUInt8(4, 19);
  frame.writeUInt16BE(1, 20);
  macBytes(senderMac).copy(frame, 22);
  frame.set(ipv4Bytes(sender), 28);
  frame.set(ipv4Bytes(target), 38);
  return frame;
}

/** Requests and replies; undefined for anything else. */
export function decodeArp(frame: Buffer): Arp | undefined {
  if (frame.length < SIZE || frame.readUInt16BE(12) !== ETHERTYPE_ARP) return undefined;
  if (frame.readUInt32BE(14) !== 0x0001_0800 || frame.readUInt16BE(18) !== 0x0604) return undefined;
  const operation = frame.readUInt16BE(20);
  if (operation !== 1 && operation !== 2) return undefined;
  return { senderMac: macText(frame, 22), sender: ipv4Text(frame, 28), target: ipv4Text(frame, 38) };
}

/**
 * Whether somebody else has the address, or is about to take it (RFC 5227 section 2.1.1): its own frames, which a switch or a
 * bridge may send back, do not count.
 */
export const disputes = ({ senderMac, sender, target }: Arp, address: string, mac: string): boolean =>
  senderMac !== mac && (sender === address || (sender === NO_ADDRESS && target === address));

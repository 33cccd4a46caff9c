/**
 * Ethernet frames that tell whose an address is. Integers are in network byte order.
 *
 *     ARP announcement (RFC 826, RFC 5227 section 3)     Unsolicited neighbour advertisement (RFC 4861 sections 4.4 and 7.2.6)
 *      0  destination: broadcast                           0  destination: 33:33:00:00:00:01
 *      6  source: the MAC                                  6  source: the MAC
 *     12  u16 0x0806                                      12  u16 0x86dd
 *     14  u16 hardware: 1    16  u16 protocol: 0x0800     14  u32 version 6    18  u16 payload: 32    20  u8 58 (ICMPv6)
 *     18  u8 6    19  u8 4    20  u16 request: 1          21  u8 hop limit: 255
 *     22  sender's MAC       28  sender's address         22  source: the address    38  destination: ff02::1
 *     32  target's MAC: 0    38  target's address:        54  u8 type 136    55  u8 code 0    56  u16 checksum
 *         the sender's own                                58  u32 flags: override (bit 29)    62  target: the address
 *     42 bytes                                            78  u8 option 2 (MAC), 79  u8 its length in 8 bytes: 1, 80  the MAC
 *                                                         86 bytes
 */
import { macBytes } from './netlink/link.ts';
import { addressInfo } from './plan-requests.ts';

const ALL_NODES = Buffer.from('ff020000000000000000000000000001', 'hex');
const ICMP6 = 58;
const OVERRIDE = 0x2000_0000;

/** `addresses` with prefix, of both families. */
export function announcements(mac: string, addresses: readonly string[]): Buffer[] {
  const source = macBytes(mac);
  return addresses.map((text) => {
    const { bytes } = addressInfo(text, 0);
    return bytes.length === 4 ? arpAnnouncement(source, bytes) : neighbourAdvertisement(source, bytes);
  });
}

export function arpAnnouncement(mac: Buffer, address: Buffer): Buffer {
  const frame = Buffer.alloc(42);
  frame.fill(0xff, 0, 6);
  mac.copy(frame, 6);
  frame.writeUInt16BE(0x0806, 12);
  frame.writeUInt16BE(1, 14);
  frame.writeUInt16BE(0x0800, 16);
  frame.writeUInt8(6, 18);
  frame.writeUInt8(4, 19);
  frame.writeUInt16BE(1, 20);
  mac.copy(frame, 22);
  address.copy(frame, 28);
  address.copy(frame, 38);
  return frame;
}

export function neighbourAdvertisement(mac: Buffer, address: Buffer): Buffer {
  const frame = Buffer.alloc(86);
  frame.writeUInt16BE(0x3333, 0);
  frame.writeUInt32BE(1, 2);
  mac.copy(frame, 6);
  frame.writeUInt16BE(0x86dd, 12);
  frame.writeUInt32BE(0x6000_0000, 14);
  frame.writeUInt16BE(32, 18);
  frame.writeUInt8(ICMP6, 20);
  frame.writeUInt8(255, 21);
  address.copy(frame, 22);
  ALL_NODES.copy(frame, 38);
  frame.writeUInt8(136, 54);
  frame.writeUInt32BE(OVERRIDE, 58);
  address.copy(frame, 62);
  frame.writeUInt8(2, 78);
  frame.writeUInt8(1, 79);
  mac.copy(frame, 80);
  frame.writeUInt16BE(checksum6(frame.subarray(22, 54), frame.subarray(54)), 56);
  return frame;
}

/** RFC 8200 section 8.1: over both addresses, the length, the protocol and the message with its checksum 0. */
function checksum6(addresses: Buffer, message: Buffer): number {
  let sum = message.length + ICMP6;
  for (const part of [addresses, message]) {
    for (let offset = 0; offset < part.length; offset += 2) sum += part.readUInt16BE(offset);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

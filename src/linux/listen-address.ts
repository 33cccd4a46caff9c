/**
 * Socket addresses as the kernel takes them (ip(7), ipv6(7)).
 *
 *     struct sockaddr_in   0 u16 family   2 u16 port, big-endian   4 u8[4] address            8 u8[8] zero          = 16
 *     struct sockaddr_in6  0 u16 family   2 u16 port, big-endian   4 u32 flow   8 u8[16] address   24 u32 scope     = 28
 */
import { parseAddress } from '../ipam/address.ts';
import { AF_INET, AF_INET6 } from './libc.ts';

export const SOCKADDR_IN_SIZE = 16;
export const SOCKADDR_IN6_SIZE = 28;

export const domainOf = (address: string): number => (address.includes(':') ? AF_INET6 : AF_INET);

/** `address` is an IPv4 or IPv6 address as text; anything else is a mistake of the caller. */
export function socketAddress(address: string, port: number): Buffer {
  const parsed = parseAddress(address);
  if (!parsed) throw new Error(`no IP address: ${address}`);
  // Not from the pool: koffi hands the address out.
  const result = Buffer.allocUnsafeSlow(parsed.family === 4 ? SOCKADDR_IN_SIZE : SOCKADDR_IN6_SIZE).fill(0);
  result.writeUInt16LE(parsed.family === 4 ? AF_INET : AF_INET6, 0);
  result.writeUInt16BE(port, 2);
  if (parsed.family === 4) result.writeUInt32BE(Number(parsed.value), 4);
  else {
    result.writeBigUInt64BE(parsed.value >> 64n, 8);
    result.writeBigUInt64BE(parsed.value & 0xffff_ffff_ffff_ffffn, 16);
  }
  return result;
}

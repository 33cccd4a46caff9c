/**
 * Routes over rtnetlink (rtnetlink(7), linux/rtnetlink.h).
 *
 *     struct rtmsg
 *      0  u8 family     1  u8 destination's prefix length     2  u8 source's     3  u8 tos
 *      4  u8 table      5  u8 protocol                        6  u8 scope        7  u8 type      8  u32 flags
 *     then attributes RTA_…
 */
import { AF_INET, AF_INET6 } from '../libc.ts';
import { decodeAttributes, encodeAttributes, NetlinkFormatError, NLM_F_CREATE, NLM_F_EXCL } from './message.ts';
import { raw, readU32, u32 } from './message.ts';
import { dump } from './socket.ts';
import type { Request } from './socket.ts';

export const RTM_NEWROUTE = 24;
const RTM_GETROUTE = 26;
const RTMSG = 12;
const RTA_DST = 1;
const RTA_OIF = 4;
const RTA_GATEWAY = 5;
const RT_TABLE_MAIN = 254;
/** Who made the route: RTPROT_BOOT, as `ip route add` writes. */
const RTPROT_BOOT = 3;
const RTN_UNICAST = 1;

export interface RouteInfo {
  family: 4 | 6;
  /** Network address, 4 or 16 bytes; undefined for the default route. */
  destination: Buffer | undefined;
  prefixLength: number;
  /** undefined when the destination is on the link. */
  gateway: Buffer | undefined;
  /** ifindex; 0 when the kernel did not say (blackhole, multipath). */
  link: number;
  table: number;
}

export function encodeRoute(route: RouteInfo): Buffer {
  const header = Buffer.alloc(RTMSG);
  header[0] = route.family === 4 ? AF_INET : AF_INET6;
  header[1] = route.prefixLength;
  header[4] = route.table;
  header[5] = RTPROT_BOOT;
  header[7] = RTN_UNICAST;
  const attributes = [];
  if (route.destination) attributes.push(raw(RTA_DST, route.destination));
  if (route.gateway) attributes.push(raw(RTA_GATEWAY, route.gateway));
  if (route.link !== 0) attributes.push(u32(RTA_OIF, route.link));
  return Buffer.concat([header, encodeAttributes(attributes)]);
}

export function decodeRoute(payload: Buffer): RouteInfo {
  if (payload.length < RTMSG) throw new NetlinkFormatError(`an rtmsg of ${payload.length} bytes`);
  const attributes = decodeAttributes(payload.subarray(RTMSG));
  return {
    family: payload.readUInt8(0) === AF_INET6 ? 6 : 4,
    destination: attributes.get(RTA_DST),
    prefixLength: payload.readUInt8(1),
    gateway: attributes.get(RTA_GATEWAY),
    link: readU32(attributes.get(RTA_OIF)) ?? 0,
    table: payload.readUInt8(4),
  };
}

export const listRoutes = (): Request => dump('list routes', RTM_GETROUTE, Buffer.alloc(RTMSG));

export const isMainTable = (route: RouteInfo): boolean => route.table === RT_TABLE_MAIN;

export const addRoute = (route: Omit<RouteInfo, 'table'>, what: string): Request => ({
  what: `add route ${what}`,
  type: RTM_NEWROUTE,
  flags: NLM_F_CREATE | NLM_F_EXCL,
  header: encodeRoute({ ...route, table: RT_TABLE_MAIN }),
});

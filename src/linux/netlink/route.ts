/**
 * Routes over rtnetlink (rtnetlink(7), linux/rtnetlink.h).
 *
 *     struct rtmsg
 *      0  u8 family     1  u8 destination's prefix length     2  u8 source's     3  u8 tos
 *      4  u8 table      5  u8 protocol                        6  u8 scope        7  u8 type      8  u32 flags
 *     then attributes RTA_…
 */
import { AF_INET, AF_INET6 } from '../libc.ts';
import { decodeAttributes, encodeAttributes, NetlinkFormatError } from './message.ts';
import { NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL, raw, readU32, u32 } from './message.ts';
import { dump } from './socket.ts';
import type { Request } from './socket.ts';

export const RTM_NEWROUTE = 24;
export const RTM_DELROUTE = 25;
const RTM_GETROUTE = 26;
const RTMSG = 12;
const RTA_DST = 1;
const RTA_OIF = 4;
const RTA_GATEWAY = 5;
const RTA_PRIORITY = 6;
const RTA_PREFSRC = 7;
const RT_TABLE_MAIN = 254;
/** Who made the route: RTPROT_KERNEL, and RTPROT_BOOT as `ip route add` writes. */
const RTPROT_KERNEL = 2;
const RTPROT_BOOT = 3;
/** Straight to a neighbour; gateways of IPv4 routes must be reached by such a one. */
const RT_SCOPE_LINK = 253;
const RTN_UNICAST = 1;
/** IP6_RT_PRIO_ADDRCONF. */
const CONNECTED_METRIC6 = 256;
const RTM_F_CLONED = 0x200;
/** In a deletion: of whatever scope (RT_SCOPE_NOWHERE), as `ip route del` writes. */
const ANY_SCOPE = 255;

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
  /** Metric; 0 when the kernel shall choose (IPv4 0, IPv6 1024). */
  priority: number;
  /** Preferred source address, 4 or 16 bytes. IPv4 routes go, unsaid, with this address. */
  source: Buffer | undefined;
  /** RTN_…: 1 unicast, 6 blackhole, 7 unreachable… */
  type: number;
}

export function encodeRoute(route: RouteInfo): Buffer {
  const header = Buffer.alloc(RTMSG);
  header[0] = route.family === 4 ? AF_INET : AF_INET6;
  header[1] = route.prefixLength;
  header[4] = route.table;
  header[5] = RTPROT_BOOT;
  if (route.family === 4 && !route.gateway) header[6] = RT_SCOPE_LINK;
  header[7] = route.type;
  const attributes = [];
  if (route.destination) attributes.push(raw(RTA_DST, route.destination));
  if (route.gateway) attributes.push(raw(RTA_GATEWAY, route.gateway));
  if (route.link !== 0) attributes.push(u32(RTA_OIF, route.link));
  if (route.priority !== 0) attributes.push(u32(RTA_PRIORITY, route.priority));
  if (route.source) attributes.push(raw(RTA_PREFSRC, route.source));
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
    priority: readU32(attributes.get(RTA_PRIORITY)) ?? 0,
    source: attributes.get(RTA_PREFSRC),
    type: payload.readUInt8(7),
  };
}

export const listRoutes = (): Request => dump('list routes', RTM_GETROUTE, Buffer.alloc(RTMSG));

/** An entry of a cache (RTM_F_CLONED), not a route that somebody made. */
export const isCached = (payload: Buffer): boolean =>
  payload.length >= RTMSG && (payload.readUInt32LE(8) & RTM_F_CLONED) !== 0;

export const isMainTable = (route: RouteInfo): boolean => route.table === RT_TABLE_MAIN;

/** To the same destination. */
export const sameTarget = (a: NewRoute, b: NewRoute): boolean =>
  a.family === b.family &&
  a.prefixLength === b.prefixLength &&
  (a.destination?.toString('hex') ?? '') === (b.destination?.toString('hex') ?? '');

export type NewRoute = Pick<RouteInfo, 'family' | 'destination' | 'prefixLength' | 'gateway' | 'link'>;

/** Refused (EEXIST) while there is one to the same destination with the same metric. */
export const addRoute = (route: NewRoute, what: string): Request => ({
  what: `add route ${what}`,
  type: RTM_NEWROUTE,
  flags: NLM_F_CREATE | NLM_F_EXCL,
  header: encodeRoute({ ...route, table: RT_TABLE_MAIN, priority: 0, source: undefined, type: RTN_UNICAST }),
});

/** The route of a subnet that the kernel makes beside an address (fib_add_ifaddr, addrconf_prefix_route), made again. */
export function addConnectedRoute(route: NewRoute & { source: Buffer }, what: string): Request {
  const isIpv4 = route.family === 4;
  const header = encodeRoute({
    ...route,
    source: isIpv4 ? route.source : undefined,
    table: RT_TABLE_MAIN,
    priority: isIpv4 ? 0 : CONNECTED_METRIC6,
    type: RTN_UNICAST,
  });
  header[5] = RTPROT_KERNEL;
  // Two interfaces in one subnet have one each.
  return { what: `add route ${what}`, type: RTM_NEWROUTE, flags: NLM_F_CREATE | NLM_F_APPEND, header };
}

/** One that was there before. */
export const restoreRoute = (route: RouteInfo): Request => ({
  what: 'restore a route',
  type: RTM_NEWROUTE,
  flags: NLM_F_CREATE | NLM_F_APPEND,
  header: encodeRoute(route),
});

export function deleteRoute(route: RouteInfo, what: string): Request {
  const header = encodeRoute({ ...route, source: undefined });
  header[5] = 0;
  header[6] = ANY_SCOPE;
  return { what: `remove route ${what}`, type: RTM_DELROUTE, header };
}

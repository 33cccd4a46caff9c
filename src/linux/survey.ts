/** A full look at the host: three dumps, some milliseconds with a thousand links. */
import type { HostAddress, HostLink, HostRoute, Survey } from '../network/kernel.ts';
import { addressFromBytes, formatPrefix, prefixOf } from '../ipam/address.ts';
import { decodeAddress, listAddresses, RTM_NEWADDR } from './netlink/address.ts';
import type { AddressInfo } from './netlink/address.ts';
import { decodeLink, listLinks, RTM_NEWLINK } from './netlink/link.ts';
import type { LinkInfo } from './netlink/link.ts';
import { decodeRoute, isMainTable, listRoutes, RTM_NEWROUTE } from './netlink/route.ts';
import type { RouteInfo } from './netlink/route.ts';
import type { NetlinkSocket } from './netlink/socket.ts';
import { addressText } from './plan-requests.ts';

export interface Dump {
  links: LinkInfo[];
  addresses: AddressInfo[];
  routes: RouteInfo[];
}

export function dumpHost(socket: NetlinkSocket): Dump {
  return {
    links: socket
      .transact([listLinks()])
      .flatMap(({ type, payload }) => (type === RTM_NEWLINK ? [decodeLink(payload)] : [])),
    addresses: socket
      .transact([listAddresses()])
      .flatMap(({ type, payload }) => (type === RTM_NEWADDR ? [decodeAddress(payload)] : [])),
    routes: socket
      .transact([listRoutes()])
      .flatMap(({ type, payload }) => (type === RTM_NEWROUTE ? [decodeRoute(payload)] : [])),
  };
}

export type NameOf = (index: number) => string;

export const hostLink = ({ name, kind, master, alias, up }: LinkInfo, nameOf: NameOf): HostLink => ({
  name,
  kind,
  master: nameOf(master),
  alias,
  up,
});

/** undefined for link-local IPv6 ones: the kernel gives one to every link, and tells of them when it likes. */
export function hostAddress(info: AddressInfo, nameOf: NameOf): HostAddress | undefined {
  return isLinkLocal(info.bytes) ? undefined : { link: nameOf(info.link), address: addressText(info) };
}

/** undefined for default and link-local routes and those of other tables. */
export function hostRoute(route: RouteInfo, nameOf: NameOf): HostRoute | undefined {
  const { destination, prefixLength } = route;
  if (!isMainTable(route) || destination === undefined || prefixLength === 0 || isLinkLocal(destination))
    return undefined;
  const address = addressFromBytes(destination);
  if (!address) return undefined;
  return { link: nameOf(route.link), destination: formatPrefix(prefixOf(address, prefixLength)) };
}

/** fe80::/10. */
const isLinkLocal = (bytes: Buffer): boolean => bytes.length === 16 && (bytes.readUInt16BE(0) & 0xffc0) === 0xfe80;

export function survey(socket: NetlinkSocket): Survey {
  const { links, addresses, routes } = dumpHost(socket);
  const names = new Map(links.map(({ index, name }) => [index, name]));
  const nameOf: NameOf = (index) => names.get(index) ?? '';
  return {
    links: links.map((info) => hostLink(info, nameOf)),
    addresses: addresses.flatMap((info) => hostAddress(info, nameOf) ?? []),
    routes: routes.flatMap((route) => hostRoute(route, nameOf) ?? []),
  };
}

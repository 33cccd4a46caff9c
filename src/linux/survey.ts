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

export function hostAddress(info: AddressInfo, nameOf: NameOf): HostAddress {
  return { link: nameOf(info.link), address: addressText(info) };
}

/** undefined for default routes and those of other tables. */
export function hostRoute(route: RouteInfo, nameOf: NameOf): HostRoute | undefined {
  const address = route.destination && addressFromBytes(route.destination);
  if (!isMainTable(route) || !address || route.prefixLength === 0) return undefined;
  return { link: nameOf(route.link), destination: formatPrefix(prefixOf(address, route.prefixLength)) };
}

export function survey(socket: NetlinkSocket): Survey {
  const { links, addresses, routes } = dumpHost(socket);
  const names = new Map(links.map(({ index, name }) => [index, name]));
  const nameOf: NameOf = (index) => names.get(index) ?? '';
  return {
    links: links.map((info) => hostLink(info, nameOf)),
    addresses: addresses.map((info) => hostAddress(info, nameOf)),
    routes: routes.flatMap((route) => hostRoute(route, nameOf) ?? []),
  };
}

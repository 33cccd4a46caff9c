/** Another IPv4 address for an interface that is there, in the namespace that the thread is in. */
import { addressBytes, parseAddress } from '../ipam/address.ts';
import { isDefault, listMainRoutes } from './default-routes.ts';
import { findLink, hasCode } from './links.ts';
import { deleteAddress } from './netlink/address.ts';
import { setMtu } from './netlink/link.ts';
import { deleteRoute } from './netlink/route.ts';
import type { RouteInfo } from './netlink/route.ts';
import { NETLINK_ROUTE, openNetlink } from './netlink/socket.ts';
import type { NetlinkSocket, Request } from './netlink/socket.ts';
import { addressInfo, addressRequest, asRoute, routeRequest } from './plan-requests.ts';

export interface Station {
  /** With prefix. */
  address: string;
  /** In its subnet; '' for none. */
  gateway: string;
}

export interface Readdressing {
  /** Of the interface. */
  name: string;
  before: Station | undefined;
  after: Station | undefined;
  /** Bytes; an interface with more gets these. 0 leaves it. */
  mtu: number;
  /** The default route is to leave by it although it does not now: it did before the address went. */
  leadsOut: boolean;
}

/** undefined when there is no such interface. */
export const interfaceNamed = (name: string): { index: number; mac: string } | undefined =>
  withSocket((inside) => findLink(inside, name));

/**
 * Takes `before` from the interface and gives it `after`; a default route by the one gateway becomes one by the other. What is gone or there
 * already is no fault. Returns whether the default route leaves, or left, by it.
 */
export function readdress({ name, before, after, mtu, leadsOut }: Readdressing): boolean {
  return withSocket((inside) => {
    const link = findLink(inside, name);
    if (!link) throw new Error(`there is no interface ${name}`);
    const { index } = link;
    const defaults = listMainRoutes(inside).filter((route) => isDefault(route) && route.family === 4);
    const own = defaults.find((route) => route.link === index && leadsVia(route, before?.gateway ?? ''));
    const leaves = leadsOut || own !== undefined;
    if (mtu > 0 && mtu < link.mtu) inside.transact([setMtu(name, mtu)]);
    if (own) attempt(inside, deleteRoute(own, 'default'), 'ESRCH');
    // It goes first: in one subnet the kernel takes a second address away with the first.
    if (before && before.address !== after?.address) {
      attempt(inside, deleteAddress(addressInfo(before.address, index), before.address), 'EADDRNOTAVAIL');
    }
    if (!after) return leaves;
    attempt(inside, addressRequest(after.address, index, name), 'EEXIST');
    // Another interface's, or one that the container has made itself, stays.
    if (leaves && after.gateway !== '' && defaults.every((route) => route === own)) {
      const route = asRoute({ via: after.gateway, interface: name });
      attempt(inside, routeRequest(route, index), 'EEXIST');
    }
    return leaves;
  });
}

function leadsVia({ gateway }: RouteInfo, via: string): boolean {
  const address = parseAddress(via);
  return gateway !== undefined && address !== undefined && gateway.equals(addressBytes(address));
}

function attempt(inside: NetlinkSocket, request: Request, ...fine: string[]): void {
  try {
    inside.transact([request]);
  } catch (error) {
    if (!hasCode(error, ...fine)) throw error;
  }
}

function withSocket<T>(body: (inside: NetlinkSocket) => T): T {
  const inside = openNetlink(NETLINK_ROUTE);
  try {
    return body(inside);
  } finally {
    inside.close();
  }
}

/** Default routes of a sandbox, all families and metrics, in the main table. */
import type { DefaultRoute } from '../drivers/plan.ts';
import { indexesOf } from './links.ts';
import { decodeRoute, deleteRoute, isMainTable, listRoutes, restoreRoute, RTM_NEWROUTE } from './netlink/route.ts';
import type { RouteInfo } from './netlink/route.ts';
import type { NetlinkSocket } from './netlink/socket.ts';
import { asRoute, routeInfo, routeRequest } from './plan-requests.ts';

export const isDefault = ({ prefixLength }: RouteInfo): boolean => prefixLength === 0;

/** Of the main table. */
export function listMainRoutes(inside: NetlinkSocket): RouteInfo[] {
  return inside.transact([listRoutes()]).flatMap(({ type, payload }) => {
    if (type !== RTM_NEWROUTE) return [];
    const route = decodeRoute(payload);
    return isMainTable(route) ? [route] : [];
  });
}

/** One datagram: the kernel carries it out in its order, the namespace is without a way out for microseconds. */
export function setDefaults(inside: NetlinkSocket, defaults: readonly DefaultRoute[]): void {
  const indexOf = indexesOf(
    inside,
    defaults.map((route) => route.interface),
  );
  const present = listMainRoutes(inside).filter(isDefault);
  const wanted = defaults.map((route) => ({ route, info: routeInfo(asRoute(route), indexOf(route.interface)) }));
  const isWanted = (one: RouteInfo): boolean => wanted.some(({ info }) => sameRoute(info, one));
  const requests = [
    ...present.filter((one) => !isWanted(one)).map((one) => deleteRoute(one, 'default')),
    ...wanted
      .filter(({ info }) => !present.some((one) => sameRoute(info, one)))
      .map(({ route }) => routeRequest(asRoute(route), indexOf(route.interface))),
  ];
  if (requests.length === 0) return;
  try {
    inside.transact(requests);
  } catch (error) {
    // rtnetlink has carried out all but the refused one.
    const now = listMainRoutes(inside).filter(isDefault);
    inside.transact([...now.map((one) => deleteRoute(one, 'default')), ...present.map((one) => restoreRoute(one))]);
    throw error;
  }
}

type Way = Pick<RouteInfo, 'family' | 'gateway' | 'link'>;

const sameRoute = (a: Way, b: Way): boolean =>
  a.family === b.family &&
  a.link === b.link &&
  (a.gateway?.toString('hex') ?? '') === (b.gateway?.toString('hex') ?? '');

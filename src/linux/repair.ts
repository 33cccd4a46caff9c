/**
 * Completes a sandbox's interfaces. Whoever is root in a container may have put anything into its namespace, so an interface is
 * known by its pair and not by its name: it is the other end of the host's link, or stands on one. What a container did on purpose stays: a
 * renamed interface keeps its name, one that was moved into a further namespace stays there, and a default route of its own
 * (a VPN's) stands in for the plan's.
 */
import type { DefaultRoute, InterfacePlan, VethPlan } from '../drivers/plan.ts';
import { configure, LO_INDEX, makeInterfaces, portFlags } from './interfaces.ts';
import { findSublink, finishName } from './sublinks.ts';
import { explaining, findLink, hasCode, needLink } from './links.ts';
import { decodeAddress, listAddresses, RTM_NEWADDR } from './netlink/address.ts';
import * as link from './netlink/link.ts';
import type { LinkInfo } from './netlink/link.ts';
import type { NetlinkSocket, Request } from './netlink/socket.ts';
import { addConnectedRoute, sameTarget } from './netlink/route.ts';
import type { RouteInfo } from './netlink/route.ts';
import { isDefault, listMainRoutes } from './default-routes.ts';
import { addressRequest, addressText, asRoute, connectedRoute, routeInfo, routeRequest } from './plan-requests.ts';

export interface Repair {
  /** Something was missing. */
  changed: boolean;
  /** Interfaces that were made again, with their ifindexes. */
  made: { plan: InterfacePlan; index: number }[];
}

/**
 * Runs inside the namespace; `host` is a socket on the host, `inside` one in here. Goes on past an interface that cannot be
 * repaired and throws its error at the end.
 */
export function repair(
  host: NetlinkSocket,
  inside: NetlinkSocket,
  namespaceFd: number,
  plans: readonly InterfacePlan[],
  defaults: readonly DefaultRoute[],
): Repair {
  const result: Repair = { changed: false, made: [] };
  const failures: unknown[] = [];
  const indexes = new Map<string, number>();
  const attempt = (body: () => void): void => {
    try {
      body();
    } catch (error) {
      failures.push(error);
    }
  };

  const lo = findLink(inside, 'lo');
  if (lo && !lo.up) {
    inside.transact([link.setUp(LO_INDEX, 'lo')]);
    result.changed = true;
  }
  for (const plan of plans) {
    attempt(() => {
      const found = plan.kind === 'veth' ? findPair(host, inside, plan) : findSublink(host, inside, plan);
      if (found === 'elsewhere') return;
      if (!found) {
        makeInterfaces(host, inside, namespaceFd, [plan]);
        const index = configure(inside, [plan], [])(plan.name);
        result.made.push({ plan, index });
        indexes.set(plan.name, index);
        result.changed = true;
        return;
      }
      indexes.set(plan.name, found.inner.index);
      if (plan.kind === 'veth' && found.outer && completeHostEnd(host, plan, found.outer)) result.changed = true;
      if (plan.kind !== 'veth' && finishName(inside, plan, found.inner)) result.changed = true;
      if (completeInterface(inside, plan, found.inner)) result.changed = true;
    });
  }
  // Now that links are up and addresses there, and what comes with them.
  const present = listMainRoutes(inside);
  for (const plan of plans) {
    const index = indexes.get(plan.name);
    if (index === undefined) continue;
    attempt(() => {
      if (completeRoutes(inside, plan, index, present)) result.changed = true;
    });
  }
  const families = new Set(present.filter(isDefault).map(({ family }) => family));
  for (const route of defaults) {
    const index = indexes.get(route.interface);
    if (index === undefined || families.has(routeInfo(asRoute(route), index).family)) continue;
    attempt(() => {
      if (add(inside, routeRequest(asRoute(route), index))) result.changed = true;
    });
  }
  if (failures.length > 0) throw failures[0];
  return result;
}

export interface Found {
  inner: LinkInfo;
  /** Of a veth pair. */
  outer?: LinkInfo;
}

/** undefined when there is no such pair; 'elsewhere' when its inner end is not in this namespace. */
function findPair(host: NetlinkSocket, inside: NetlinkSocket, { hostName }: VethPlan): Found | 'elsewhere' | undefined {
  const outer = findLink(host, hostName);
  if (!outer) return undefined;
  const inner = outer.kind === 'veth' ? linkAt(inside, outer.peer) : undefined;
  return inner?.kind === 'veth' && inner.peer === outer.index ? { outer, inner } : 'elsewhere';
}

function linkAt(socket: NetlinkSocket, index: number): LinkInfo | undefined {
  try {
    const [answer] = socket.transact([link.getLinkAt(index)]);
    return answer && link.decodeLink(answer.payload);
  } catch (error) {
    if (hasCode(error, 'ENODEV', 'EINVAL')) return undefined;
    throw error;
  }
}

function completeHostEnd(host: NetlinkSocket, plan: VethPlan, outer: LinkInfo): boolean {
  const { bridge, hostName } = plan;
  const requests: Request[] = [];
  const master = needLink(host, bridge).index;
  if (outer.master !== master) {
    requests.push(link.setMaster(hostName, master), ...portFlags(plan));
  }
  if (!outer.up) requests.push(link.setUp(outer.index, hostName));
  if (requests.length > 0) explaining('veth', [bridge], () => host.transact(requests));
  return requests.length > 0;
}

function completeInterface(inside: NetlinkSocket, plan: InterfacePlan, inner: LinkInfo): boolean {
  let changed = false;
  if (!inner.up) {
    inside.transact([link.setUp(inner.index, inner.name)]);
    changed = true;
  }
  const present = new Set(
    inside.transact([listAddresses(inner.index)]).flatMap(({ type, payload }) => {
      if (type !== RTM_NEWADDR) return [];
      const info = decodeAddress(payload);
      return info.link === inner.index ? [addressText(info)] : [];
    }),
  );
  for (const text of plan.addresses) {
    if (!present.has(text) && add(inside, addressRequest(text, inner.index, inner.name))) changed = true;
  }
  return changed;
}

function completeRoutes(
  inside: NetlinkSocket,
  { addresses, routes }: InterfacePlan,
  index: number,
  present: readonly RouteInfo[],
): boolean {
  let changed = false;
  for (const text of addresses) {
    const route = connectedRoute(text, index);
    if (!route || present.some((one) => one.link === index && sameTarget(one, route))) continue;
    inside.transact([addConnectedRoute(route, text)]);
    changed = true;
  }
  for (const route of routes) if (add(inside, routeRequest(route, index))) changed = true;
  return changed;
}

/** False when it is there already. */
function add(inside: NetlinkSocket, request: Request): boolean {
  try {
    inside.transact([request]);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}

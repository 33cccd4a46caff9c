/**
 * Interfaces of sandboxes: veth pairs, born with the host end in its bridge and the other end inside the namespace; and links on
 * a link of the host (sublinks.ts).
 * `host` is a socket on the host; functions that take `inside` run inside the namespace (sysctls are the calling thread's).
 */
import type { DefaultRoute, InterfacePlan, VethPlan } from '../drivers/plan.ts';
import { explaining, indexesOf } from './links.ts';
import * as link from './netlink/link.ts';
import type { NetlinkSocket, Request } from './netlink/socket.ts';
import { addressRequest, asRoute, routeRequest } from './plan-requests.ts';
import { explainingMac, findSublink, isSublink, makeSublink } from './sublinks.ts';
import { applySysctls } from './sysctl.ts';

/** lo is the first link of every namespace. */
export const LO_INDEX = 1;

const isVeth = (plan: InterfacePlan): plan is VethPlan => plan.kind === 'veth';

/** One: all or nothing. Of several some may stay when one is refused; they go with their namespace. */
export function makeInterfaces(
  host: NetlinkSocket,
  inside: NetlinkSocket,
  namespaceFd: number,
  plans: readonly InterfacePlan[],
): void {
  makePairs(host, namespaceFd, plans.filter(isVeth));
  for (const plan of plans.filter(isSublink)) makeSublink(host, inside, namespaceFd, plan);
}

/** 30 ms each on the main thread, but nobody may find the half-made one, not even a second try right after this. */
export function removeInterfaces(host: NetlinkSocket, inside: NetlinkSocket, plans: readonly InterfacePlan[]): void {
  removePairs(host, plans.filter(isVeth));
  for (const plan of plans.filter(isSublink)) {
    const found = findSublink(host, inside, plan);
    if (found) inside.transact([link.deleteLink(found.inner.name)]);
  }
}

/**
 * The pairs, in one datagram. One pair: all or nothing. Of several the others may stay when one is refused; they go with
 * their namespace.
 */
function makePairs(host: NetlinkSocket, namespaceFd: number, plans: readonly VethPlan[]): void {
  if (plans.length === 0) return;
  const bridges = plans.map(({ bridge }) => bridge);
  const masterOf = indexesOf(host, bridges);
  const pairs = plans.map(({ hostName, mtu, name, mac, bridge }) =>
    link.createVeth({ hostName, master: masterOf(bridge), mtu, peer: { name, mac, namespaceFd } }),
  );
  explaining('veth', bridges, () => host.transact(pairs));
  const flags = plans.flatMap(portFlags);
  if (flags.length === 0) return;
  try {
    host.transact(flags);
  } catch (error) {
    removePairs(host, plans);
    throw error;
  }
}

/** What the host end is beside a plain port of its bridge. */
export const portFlags = ({ hostName, isolated, hairpin }: VethPlan): Request[] => [
  ...(isolated ? [link.isolatePort(hostName)] : []),
  ...(hairpin === true ? [link.hairpinPort(hostName)] : []),
];

function removePairs(host: NetlinkSocket, plans: readonly VethPlan[]): void {
  if (plans.length > 0) host.transact(plans.map(({ hostName }) => link.deleteLink(hostName)));
}

/**
 * Sysctls, up, addresses, routes of interfaces that were just made, and the default routes that leave by them.
 * Returns ifindexes by name: not simply 2 and 3, a kernel with tunnel modules puts their devices (tunl0, sit0) into every
 * new namespace.
 */
export function configure(
  inside: NetlinkSocket,
  plans: readonly InterfacePlan[],
  defaults: readonly DefaultRoute[],
  first: readonly Request[] = [],
): (name: string) => number {
  for (const { sysctls } of plans) applySysctls(sysctls);
  const indexOf = indexesOf(inside, plans.map(({ name }) => name).concat(defaults.map((route) => route.interface)));
  const requests = [
    ...first,
    ...plans.map(({ name }) => link.setUp(indexOf(name), name)),
    ...plans.flatMap(({ name, addresses }) => addresses.map((text) => addressRequest(text, indexOf(name), name))),
    ...plans.flatMap(({ name, routes }) => routes.map((route) => routeRequest(route, indexOf(name)))),
    ...defaults.map((route) => routeRequest(asRoute(route), indexOf(route.interface))),
  ];
  explainingMac(plans.filter(isSublink), () => inside.transact(requests));
  return indexOf;
}

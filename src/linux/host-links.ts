/**
 * Links of the host that networks of macvlan and ipvlan stand on: a VLAN's, one that leads nowhere, and the shim by which the host
 * talks to its own macvlan containers. Each is made in one datagram with its mark: one without is never seen, not even after a crash.
 */
import type { LinkPlan, RoutePlan, ShimPlan } from '../drivers/plan.ts';
import { conflict, notFound } from '../errors.ts';
import { listMainRoutes } from './default-routes.ts';
import { explaining, findLink, hasCode, needLink } from './links.ts';
import * as link from './netlink/link.ts';
import type { LinkInfo } from './netlink/link.ts';
import { deleteRoute } from './netlink/route.ts';
import type { NewRoute } from './netlink/route.ts';
import type { NetlinkSocket, Request } from './netlink/socket.ts';
import { createDummy, createLoosePair, createMacvlan, createVlan } from './netlink/sublink.ts';
import { addressRequest, routeInfo, routeRequest } from './plan-requests.ts';
import { explainingPort, needParent } from './sublinks.ts';
import { applySysctls } from './sysctl.ts';

/** See network/kernel.ts. One that was made here goes when it fails. */
export function ensureLink(host: NetlinkSocket, plan: LinkPlan): void {
  const present = findLink(host, plan.name);
  if (present && !isOurs(present, plan)) {
    if (plan.kind === 'shim') throw conflict(`link ${plan.name} is there and somebody else's`);
    return;
  }
  if (present && (plan.kind !== 'shim' || present.peer === needParent(host, plan.parent).index)) {
    complete(host, plan, present);
    return;
  }
  // Its parent is another link of the same name now.
  if (present) host.transact([link.deleteLink(plan.name)]);
  make(host, plan);
  try {
    complete(host, plan, needLink(host, plan.name));
  } catch (error) {
    host.transact([link.deleteLink(plan.name)]);
    throw error;
  }
}

/** A VLAN's link may have been made for another network of the same daemon. */
const isOurs = ({ alias }: LinkInfo, { owner }: LinkPlan): boolean =>
  alias.startsWith(owner.slice(0, owner.indexOf(':') + 1));

function make(host: NetlinkSocket, plan: LinkPlan): void {
  const { name, owner } = plan;
  const mark = link.setAlias(name, owner);
  if (plan.kind === 'dummy') makeDummy(host, name, mark);
  else if (plan.kind === 'vlan') {
    const below = findLink(host, plan.parent);
    if (!below) throw notFound(`-o parent interface was not found on the host: ${plan.parent}`);
    explaining('vlan', [], () => host.transact([createVlan(name, below.index, plan.id), mark]));
  } else {
    const shim = { name, parent: needParent(host, plan.parent).index, mac: plan.mac, mtu: 0, namespaceFd: undefined };
    explaining('macvlan', [], () => {
      explainingPort('macvlan', plan.parent, () => host.transact([createMacvlan(shim, 'bridge'), mark]));
    });
  }
}

/** Where the kernel has no dummy links (CONFIG_DUMMY), a veth pair whose other end nobody listens at does the same. */
function makeDummy(host: NetlinkSocket, name: string, mark: Request): void {
  try {
    host.transact([createDummy(name), mark]);
  } catch (error) {
    if (!hasCode(error, 'EOPNOTSUPP')) throw error;
    explaining('veth', [], () => host.transact([createLoosePair(name, otherEnd(name)), mark]));
  }
}

/** 'dm-0123456789ab' → 'dmp0123456789ab'. */
const otherEnd = (name: string): string => name.replace('-', 'p');

function complete(host: NetlinkSocket, plan: LinkPlan, present: LinkInfo): void {
  if (plan.kind === 'shim') {
    applySysctls(plan.sysctls);
    for (const text of plan.addresses) addMissing(host, addressRequest(text, present.index, plan.name));
  } else {
    const ends = present.kind === 'veth' ? [plan.name, otherEnd(plan.name)] : [plan.name];
    // It is there for containers: the host itself has no business on it.
    applySysctls(ends.map((name) => ({ name: `net/ipv6/conf/${name}/disable_ipv6`, value: '1' })));
    for (const name of ends.slice(1)) host.transact([link.setUp(needLink(host, name).index, name)]);
  }
  if (present.up) return;
  try {
    host.transact([link.setUp(present.index, plan.name)]);
  } catch (error) {
    // Its parent is down: the kernel sets it up together with that (vlan_dev_open, vlan_device_event).
    if (plan.kind !== 'vlan' || !hasCode(error, 'ENETDOWN')) throw error;
  }
}

/** Makes the host's routes by its shim exactly these, one for each address. */
export function setReach(host: NetlinkSocket, { name, addresses: own }: ShimPlan, addresses: readonly string[]): void {
  const shim = findLink(host, name);
  if (!shim) return;
  const key = ({ destination }: NewRoute): string => destination?.toString('hex') ?? '';
  const routeTo = (address: string): RoutePlan => ({ to: `${address}/${address.includes(':') ? 128 : 32}`, via: '' });
  const wanted = new Map(
    addresses.map(routeTo).map((route) => [key(routeInfo(route, shim.index)), routeRequest(route, shim.index)]),
  );
  // The kernel has a route of its own for each IPv6 address.
  const kernels = new Set(own.map((text) => key(routeInfo({ to: text, via: '' }, shim.index))));
  for (const route of listMainRoutes(host)) {
    // Routes to more than one address are an administrator's.
    const single = route.prefixLength === (route.family === 4 ? 32 : 128);
    if (route.link !== shim.index || !single || kernels.has(key(route)) || wanted.delete(key(route))) continue;
    host.transact([deleteRoute(route, `by ${name}`)]);
  }
  for (const request of wanted.values()) addMissing(host, request);
}

function addMissing(host: NetlinkSocket, request: Request): void {
  try {
    host.transact([request]);
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
  }
}

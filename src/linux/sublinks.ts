/**
 * Interfaces of sandboxes that are links on a link of the host: macvlan and ipvlan. They are born inside the namespace and have
 * no end on the host; they go with their parent.
 */
import { randomBytes } from 'node:crypto';
import type { InterfacePlan, IpvlanPlan, MacvlanPlan } from '../drivers/plan.ts';
import { conflict, notFound } from '../errors.ts';
import { libc, O_CLOEXEC, O_RDONLY } from './libc.ts';
import type { LinkReaper } from './link-reaper.ts';
import type { Found } from './repair.ts';
import { explaining, findLink, hasCode, needLink } from './links.ts';
import { inNamespace } from './namespace.ts';
import { decodeLink, deleteLink, listLinks, RTM_NEWLINK, setName } from './netlink/link.ts';
import type { LinkInfo } from './netlink/link.ts';
import { ensureNsid } from './netlink/nsid.ts';
import { NETLINK_ROUTE, openNetlink } from './netlink/socket.ts';
import { createIpvlan, createMacvlan } from './netlink/sublink.ts';
import type { Sublink } from './netlink/sublink.ts';
import type { NetlinkSocket } from './netlink/socket.ts';

export type SublinkPlan = MacvlanPlan | IpvlanPlan;

export const isSublink = (plan: InterfacePlan): plan is SublinkPlan => plan.kind !== 'veth';

/**
 * Older kernels (6.1 does, 6.18 does not) look for the name of a new link in the namespace of whoever asks (rtnl_newlink): no `eth0` could be made
 * for a container of a host that has an `eth0`. So it is born under a name that nobody has, and named inside.
 */
export function makeSublink(host: NetlinkSocket, inside: NetlinkSocket, namespaceFd: number, plan: SublinkPlan): void {
  const { kind, mac, mtu } = plan;
  const name = `bv${randomBytes(6).toString('hex')}`;
  const sublink: Sublink = { name, parent: needParent(host, plan.parent).index, mac, mtu, namespaceFd };
  const create =
    plan.kind === 'macvlan' ? createMacvlan(sublink, plan.mode) : createIpvlan(sublink, plan.mode, plan.flag);
  explaining(kind, [], () => {
    explainingPort(kind, plan.parent, () => host.transact([create]));
  });
  try {
    inside.transact([setName(needLink(inside, name).index, plan.name)]);
  } catch (error) {
    inside.transact([deleteLink(name)]);
    throw error;
  }
}

/** dockerd's words. */
export function needParent(host: NetlinkSocket, name: string): LinkInfo {
  const found = findLink(host, name);
  if (!found) throw notFound(`the requested parent interface ${name} was not found on the Docker host`);
  return found;
}

/** See network/kernel.ts: a link on none is refused for its kind first, if at all. */
export function needKind(host: NetlinkSocket, kind: SublinkPlan['kind']): void {
  const nowhere: Sublink = { name: 'bv-nowhere', parent: 0, mac: '', mtu: 0, namespaceFd: undefined };
  const create = kind === 'macvlan' ? createMacvlan(nowhere, 'bridge') : createIpvlan(nowhere, 'l2', 'bridge');
  try {
    explaining(kind, [], () => host.transact([create]));
  } catch (error) {
    if (!hasCode(error, 'ENODEV', 'EINVAL')) throw error;
  }
}

/** One whose maker ended before it had a name gets it. False when it has one, whichever. */
export function finishName(inside: NetlinkSocket, plan: SublinkPlan, { name, index }: LinkInfo): boolean {
  if (!/^bv[0-9a-f]{12}$/.test(name)) return false;
  inside.transact([setName(index, plan.name)]);
  return true;
}

/** A link hands what it receives to one other kind of link only (netdev_rx_handler_register), and mode passthru takes all of it. */
export function explainingPort<T>(kind: string, parent: string, body: () => T): T {
  try {
    return body();
  } catch (error) {
    const why = hasCode(error, 'EBUSY')
      ? `${parent} is in use as a bridge's port, a bond's or by links of another kind`
      : hasCode(error, 'EINVAL')
        ? `${parent} has a macvlan link in mode passthru, or others that keep it from that mode, or it is no Ethernet link`
        : '';
    if (why === '') throw error;
    throw conflict(`failed to create the ${kind} port: ${why}`, error);
  }
}

/** macvlan_open in the kernel: links on one parent have a MAC each, and none has the parent's. */
export function explainingMac<T>(plans: readonly SublinkPlan[], body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (plans.length === 0 || !hasCode(error, 'EADDRINUSE')) throw error;
    const macs = plans.map(({ mac, parent }) => `${mac} on ${parent}`).join(', ');
    throw conflict(`MAC address in use: ${macs}`, error);
  }
}

/**
 * The link inside that is this plan's: of its kind, on its parent, and with its MAC, or its name where somebody changed the MAC.
 * An ipvlan link has its parent's MAC, but no container has two on one parent.
 */
export function findSublink(
  host: NetlinkSocket,
  inside: NetlinkSocket,
  { kind, parent, mac, name }: SublinkPlan,
): Found | undefined {
  const below = findLink(host, parent);
  if (!below) return undefined;
  const candidates = inside.transact([listLinks()]).flatMap(({ type, payload }) => {
    const info = type === RTM_NEWLINK ? decodeLink(payload) : undefined;
    return info?.kind === kind && info.peer === below.index ? [info] : [];
  });
  const inner =
    kind === 'ipvlan'
      ? candidates[0]
      : (candidates.find((info) => info.mac === mac) ?? candidates.find((info) => info.name === name));
  return inner && { inner };
}

/** See network/kernel.ts. What is to be deleted is settled before this returns; its end is waited for. */
export async function sublinksGone(
  host: NetlinkSocket,
  reaper: Pick<LinkReaper, 'deleteInside'>,
  path: string,
  plans: readonly SublinkPlan[],
): Promise<void> {
  if (plans.length === 0) return;
  let held: number | undefined;
  try {
    const indexes = inNamespace(path, () => {
      const inside = openNetlink(NETLINK_ROUTE);
      try {
        return plans.flatMap((plan) => findSublink(host, inside, plan)?.inner.index ?? []);
      } finally {
        inside.close();
      }
    });
    // Until they are gone: with the namespace its number would go to another, whose links begin with the same indexes.
    held = libc.open(path, O_RDONLY | O_CLOEXEC, 0);
    const nsid = ensureNsid(host, held);
    if (nsid === undefined) return;
    await Promise.all(indexes.map(async (index) => reaper.deleteInside(nsid, index)));
  } catch (error) {
    // No such namespace: EINVAL is the empty file of one that another mount namespace has.
    if (!hasCode(error, 'ENOENT', 'EINVAL')) throw error;
  } finally {
    if (held !== undefined) libc.close(held);
  }
}

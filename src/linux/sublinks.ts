/**
 * Interfaces of sandboxes that are links on a link of the host: macvlan and ipvlan. They are born inside the namespace and have
 * no end on the host; they go with their parent.
 */
import type { InterfacePlan, IpvlanPlan, MacvlanPlan } from '../drivers/plan.ts';
import { conflict, notFound } from '../errors.ts';
import { explaining, findLink, hasCode } from './links.ts';
import { decodeLink, listLinks, RTM_NEWLINK } from './netlink/link.ts';
import type { LinkInfo } from './netlink/link.ts';
import { createIpvlan, createMacvlan } from './netlink/sublink.ts';
import type { Sublink } from './netlink/sublink.ts';
import type { NetlinkSocket } from './netlink/socket.ts';

export type SublinkPlan = MacvlanPlan | IpvlanPlan;

export const isSublink = (plan: InterfacePlan): plan is SublinkPlan => plan.kind !== 'veth';

export function makeSublink(host: NetlinkSocket, namespaceFd: number, plan: SublinkPlan): void {
  const { kind, name, mac, mtu } = plan;
  const sublink: Sublink = { name, parent: needParent(host, plan.parent).index, mac, mtu, namespaceFd };
  const create =
    plan.kind === 'macvlan' ? createMacvlan(sublink, plan.mode) : createIpvlan(sublink, plan.mode, plan.flag);
  explaining(kind, [], () => {
    explainingPort(kind, plan.parent, () => host.transact([create]));
  });
}

/** dockerd's words. */
export function needParent(host: NetlinkSocket, name: string): LinkInfo {
  const found = findLink(host, name);
  if (!found) throw notFound(`the requested parent interface ${name} was not found on the Docker host`);
  return found;
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

/**
 * The link inside that is this plan's: of its kind, on its parent, and with its MAC, or its name where somebody changed the MAC.
 * An ipvlan link has its parent's MAC, but no container has two on one parent.
 */
export function findSublink(
  host: NetlinkSocket,
  inside: NetlinkSocket,
  { kind, parent, mac, name }: SublinkPlan,
): LinkInfo | undefined {
  const below = findLink(host, parent);
  if (!below) return undefined;
  const candidates = inside.transact([listLinks()]).flatMap(({ type, payload }) => {
    const info = type === RTM_NEWLINK ? decodeLink(payload) : undefined;
    return info?.kind === kind && info.peer === below.index ? [info] : [];
  });
  if (kind === 'ipvlan') return candidates[0];
  return candidates.find((info) => info.mac === mac) ?? candidates.find((info) => info.name === name);
}

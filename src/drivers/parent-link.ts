/** The link of the host that macvlan and ipvlan networks stand on: one that is there, a VLAN's, or one that leads nowhere. */
import { invalidParameter } from '../errors.ts';
import type { NetworkConfig } from './driver.ts';
import { advertisedRouters, ownIpv6 } from './interface-common.ts';
import { isInterfaceName } from './names.ts';
import { DRIVER_MTU } from './network-options.ts';
import type { LinkPlan, Sysctl } from './plan.ts';

export const PARENT = 'parent';

type Options = Readonly<Record<string, string>>;

/** '' when the network shall lead nowhere. */
export const askedParent = (options: Options): string => options[PARENT] ?? '';

/** Name of the link that containers' links are made on. Docker's names where none was asked for. */
export const parentOf = (kind: 'macvlan' | 'ipvlan', { id, options }: { id: string; options: Options }): string =>
  askedParent(options) || `${kind === 'macvlan' ? 'dm' : 'di'}-${id.slice(0, 12)}`;

/** 'eth0.50' → VLAN 50 on eth0, not checked to be 1 to 4094; a text in libnetwork's words when it is no such name. */
export function parseVlan(name: string): { parent: string; id: number } | string {
  if (!name.includes('.')) return `invalid subinterface vlan name ${name}, example formatting is eth0.10`;
  const parts = name.split('.');
  const [parent = '', text = ''] = parts;
  if (parts.length !== 2) {
    return `required interface name format is: name.vlan_id, ex. eth0.10 for vlan 10, instead received ${name}`;
  }
  if (!/^[+-]?\d+$/.test(text)) return `unable to parse a valid vlan id from: ${text} (ex. eth0.10 for vlan 10)`;
  return { parent, id: Number(text) };
}

/**
 * The parent as it is to be made: a link that leads nowhere, or the VLAN's where `made` says that there was none; nothing where
 * the administrator's link is used.
 */
export function parentLinks(
  kind: 'macvlan' | 'ipvlan',
  network: { id: string; options: Options; owner: string; madeParent?: boolean },
): LinkPlan[] {
  const name = parentOf(kind, network);
  const { owner } = network;
  if (askedParent(network.options) === '') return [{ kind: 'dummy', name, owner }];
  const vlan = network.madeParent === true ? parseVlan(name) : '';
  return typeof vlan === 'string' ? [] : [{ kind: 'vlan', name, owner, parent: vlan.parent, id: vlan.id }];
}

/** The LAN's IPv6 routers are listened to where the network leads out and names none, as in Docker. */
export const ipv6Settings = ({ internal, options, subnets }: NetworkConfig, interfaceName: string): Sysctl[] =>
  internal || askedParent(options) === '' || subnets.some(({ routeVia }) => routeVia.includes(':'))
    ? ownIpv6(interfaceName)
    : advertisedRouters(interfaceName);

/** libnetwork's words. */
export function checkParent(kind: 'macvlan' | 'ipvlan', options: Options): void {
  const parent = askedParent(options);
  if (parent === 'lo') throw invalidParameter(`loopback interface is not a valid ${kind} parent link`);
  if (parent !== '' && !isInterfaceName(parent)) {
    throw invalidParameter(`invalid parent ${JSON.stringify(parent)}: no name of an interface`);
  }
}

/** Bytes; 0 for the parent's. */
export const mtuOf = (options: Options): number => Number(options[DRIVER_MTU] ?? 0);

export function checkMtu(options: Options): void {
  const value = options[DRIVER_MTU];
  if (value === undefined) return;
  const bytes = /^\d+$/.test(value) ? Number(value) : -1;
  // 68 is the least that IPv4 carries (RFC 791), 65535 the most that a link has. 0 is the parent's.
  if (bytes < 0 || (bytes > 0 && bytes < 68) || bytes > 65535) throw invalidParameter(`invalid MTU number: ${value}`);
}

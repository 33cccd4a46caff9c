/**
 * What networks and ports put into the sets and maps of Berth's table. Pure. The rules themselves never change
 * (definitions.ts), so a change costs its own elements only, and a packet a look-up, whatever the number of networks and ports.
 */
import type { HostRule, NetworkRules, PortRule } from '../../drivers/plan.ts';
import type { BridgeFilter } from '../../linux/bridge-filter.ts';
import type { SetElement } from '../../linux/nft-elements.ts';
import { hidesSource } from '../compat.ts';
import { leftToProxy } from '../hairpin.ts';
import { linkName } from '../names.ts';
import { familyOf } from '../state.ts';

const quoted = (name: string): string => `"${linkName(name)}"`;
const familyName = (family: 4 | 6): string => (family === 4 ? 'ipv4' : 'ipv6');

export interface ElementOptions {
  /** The kernel takes rules in iptables' form: they hide the source, and not the elements here. */
  listed: boolean;
  bridged: BridgeFilter;
}

export function networkElements(network: NetworkRules, { listed }: Pick<ElementOptions, 'listed'>): SetElement[] {
  const { mode, internal, interContainer, trustedInterfaces, family, sourceAddress } = network;
  const bridge = quoted(network.bridge);
  const key = `${familyName(family)} . ${bridge}`;
  const pair = `${key} . ${bridge}`;
  const closed = internal || mode === 'isolated';
  const elements: SetElement[] = [
    { set: 'bridges', key, value: '' },
    { set: 'within', key: pair, value: interContainer ? 'accept' : 'goto closed' },
    { set: 'entering', key, value: closed ? 'drop' : entering[mode] },
  ];
  if (closed) {
    elements.push({ set: 'leaving', key, value: 'drop' });
    return elements;
  }
  if (mode !== 'routed') elements.push({ set: 'hairpin', key: pair, value: '' });
  for (const name of new Set(trustedInterfaces)) {
    elements.push({ set: 'trusted', key: `${familyName(family)} . ${quoted(name)} . ${bridge}`, value: '' });
  }
  if (!listed && hidesSource(network)) {
    if (sourceAddress === '') elements.push({ set: 'unlisted', key, value: '' });
    else elements.push({ set: `source-address${family}`, key: bridge, value: sourceAddress });
  }
  return elements;
}

const entering = {
  nat: 'goto to-nat',
  'nat-unprotected': 'accept',
  routed: 'goto to-routed',
  isolated: 'drop',
} as const;

/** `network`: the port's own. */
export function portElements(
  rule: PortRule,
  network: NetworkRules | undefined,
  { bridged }: Pick<ElementOptions, 'bridged'>,
): SetElement[] {
  const { protocol, hostAddress, hostPort, address, port } = rule;
  const family = familyOf(address);
  const elements: SetElement[] = [{ set: `open${family}`, key: `${address} . ${protocol} . ${port}`, value: '' }];
  // [::1] cannot be translated: a packet from ::1 never leaves the host. A proxy carries it.
  if (hostPort === 0 || hostAddress === '::1' || familyOf(hostAddress) !== family) return elements;
  const place = `${protocol} . ${hostPort}`;
  const value = `${address} . ${port}`;
  elements.push(
    hostAddress === '0.0.0.0' || hostAddress === '::'
      ? { set: `any-address${family}`, key: place, value }
      : { set: `one-address${family}`, key: `${hostAddress} . ${place}`, value },
  );
  const proxied = leftToProxy(rule, network, bridged);
  if (proxied === 'container') elements.push({ set: `proxied${family}`, key: `${address} . ${place}`, value: '' });
  if (proxied === 'bridge') {
    const key = `${familyName(family)} . ${quoted(rule.bridge)} . ${place}`;
    elements.push({ set: 'proxied-bridges', key, value: '' });
  }
  return elements;
}

export const hostElements = ({ address, port }: HostRule): SetElement[] => [
  { set: 'tunnel-ports', key: `${port}`, value: '' },
  { set: `tunnel-hosts${familyOf(address)}`, key: `${address} . ${port}`, value: '' },
];

/**
 * Counts who wants an element: two host ports may lead to one port of a container, which is opened once. Each call gives
 * what changes; the opposite call undoes it.
 */
export class ElementLedger {
  readonly #counts = new Map<string, number>();

  /** Elements that nobody wanted before. */
  add(elements: readonly SetElement[]): SetElement[] {
    return elements.filter((element) => {
      const id = `${element.set} ${element.key}`;
      const count = this.#counts.get(id) ?? 0;
      this.#counts.set(id, count + 1);
      return count === 0;
    });
  }

  /** Elements that nobody wants any more. */
  remove(elements: readonly SetElement[]): SetElement[] {
    return elements.filter((element) => {
      const id = `${element.set} ${element.key}`;
      const count = this.#counts.get(id) ?? 0;
      if (count > 1) this.#counts.set(id, count - 1);
      else this.#counts.delete(id);
      return count === 1;
    });
  }
}

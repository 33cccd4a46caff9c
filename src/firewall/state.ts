/**
 * What the firewall shall carry, kept by a backend so that it can make everything anew after somebody else's
 * `nft flush ruleset`. Pure. A change is looked at first (plan) and taken over once it is in force (commit), so a change
 * that fails leaves nothing behind; both cost what the change holds.
 */
import type { HostRule, NetworkRules, PortRule } from '../drivers/plan.ts';
import type { FirewallChange, FirewallState } from './firewall.ts';

export const familyOf = (address: string): 4 | 6 => (address.includes(':') ? 6 : 4);

export const networkKey = ({ family, bridge }: Pick<NetworkRules, 'family' | 'bridge'>): string =>
  `${family} ${bridge}`;

/** What only one port can have: a place on the host. In mode 'routed' it has none, and may be asked for by several addresses. */
export const portKey = ({ protocol, hostAddress, hostPort, address, port }: PortRule): string =>
  `${protocol} ${hostAddress} ${hostPort === 0 ? `${address} ${port}` : hostPort}`;

export const hostKey = ({ address, port }: HostRule): string => `${address} ${port}`;

/** A change without what makes no difference: removals of what is not there, additions of what is there already. */
export interface PlannedChange {
  removed: WholeState;
  added: WholeState;
}

type WholeState = Required<FirewallState>;

export class DesiredState {
  readonly #networks = new Map<string, NetworkRules>();
  readonly #ports = new Map<string, PortRule>();
  readonly #hosts = new Map<string, HostRule>();

  constructor(state: FirewallState = { networks: [], ports: [] }) {
    this.commit(this.plan({ add: state }));
  }

  get networks(): NetworkRules[] {
    return [...this.#networks.values()];
  }

  get ports(): PortRule[] {
    return [...this.#ports.values()];
  }

  get hosts(): HostRule[] {
    return [...this.#hosts.values()];
  }

  /** The network of a port. */
  networkOf({ bridge, address }: PortRule): NetworkRules | undefined {
    return this.#networks.get(networkKey({ family: familyOf(address), bridge }));
  }

  /** Throws when two ports want one place on the host, or two networks one bridge. */
  plan({ remove, add }: FirewallChange): PlannedChange {
    const networks = difference(this.#networks, remove?.networks ?? [], add?.networks ?? [], networkKey);
    const ports = difference(this.#ports, remove?.ports ?? [], add?.ports ?? [], portKey);
    const hosts = difference(this.#hosts, remove?.hosts ?? [], add?.hosts ?? [], hostKey);
    return {
      removed: { networks: networks.removed, ports: ports.removed, hosts: hosts.removed },
      added: { networks: networks.added, ports: ports.added, hosts: hosts.added },
    };
  }

  commit({ removed, added }: PlannedChange): void {
    for (const network of removed.networks) this.#networks.delete(networkKey(network));
    for (const port of removed.ports) this.#ports.delete(portKey(port));
    for (const network of added.networks) this.#networks.set(networkKey(network), network);
    for (const port of added.ports) this.#ports.set(portKey(port), port);
    for (const host of removed.hosts) this.#hosts.delete(hostKey(host));
    for (const host of added.hosts) this.#hosts.set(hostKey(host), host);
  }
}

function difference<T>(
  present: ReadonlyMap<string, T>,
  remove: readonly T[],
  add: readonly T[],
  keyOf: (item: T) => string,
): { removed: T[]; added: T[] } {
  const removed = new Map<string, T>();
  const added = new Map<string, T>();
  for (const item of remove) {
    const key = keyOf(item);
    const there = present.get(key);
    // A place that somebody else has meanwhile is not given up by its former holder.
    if (there !== undefined && same(there, item)) removed.set(key, there);
  }
  for (const item of add) {
    const key = keyOf(item);
    const there = added.get(key) ?? (removed.has(key) ? undefined : present.get(key));
    if (there !== undefined && !same(there, item)) throw new Error(`two rules for one place: ${key}`);
    if (there === undefined) added.set(key, item);
  }
  // Taken away and given back in one change: nothing happens to it.
  for (const [key, item] of added) {
    const there = removed.get(key);
    if (there === undefined || !same(there, item)) continue;
    removed.delete(key);
    added.delete(key);
  }
  return { removed: [...removed.values()], added: [...added.values()] };
}

const same = (a: unknown, b: unknown): boolean => a === b || canonical(a) === canonical(b);

const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );

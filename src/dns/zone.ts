/**
 * The names of containers: who is called what on which network, and what a container finds when it asks. Pure.
 *
 * Each network has one table, which all containers on it ask: what a container costs does not grow with the others. Changes
 * show with the next question.
 */
import { addressBytes, parseAddress } from '../ipam/address.ts';
import type { EndpointNames } from '../network/attendant.ts';
import { keyOf, parentKey, wireName } from './codec-name.ts';

export type Family = 'a' | 'aaaa';

interface Owned {
  owner: string;
  bytes: Uint8Array;
}

/** All containers that bear one name on a network. */
export class NameEntry {
  /** Sandboxes, one that bears the name twice (by alias) once. */
  readonly owners = new Set<string>();
  /** Their addresses, in the order in which they came. */
  a: Owned[] = [];
  aaaa: Owned[] = [];
  #next = 0;

  /** Where this answer shall begin: equal aliases take turns. */
  turn(length: number): number {
    this.#next = length > 1 ? (this.#next + 1) % length : 0;
    return this.#next;
  }
}

class NetworkTable {
  readonly names = new Map<string, NameEntry>();
  /** Of '*.web', by the key of 'web'. */
  readonly wildcards = new Map<string, NameEntry>();
  /** By the key of '2.0.18.172.in-addr.arpa': wire names. */
  readonly reverse = new Map<string, Owned[]>();
  sandboxes = 0;
}

interface Attached {
  table: NetworkTable;
  links: ReadonlyMap<string, string>;
  undo: readonly (() => void)[];
}

/** What one sandbox sees. */
export class ZoneView {
  attached: readonly Attached[] = [];

  /**
   * The containers of that name: on the first network where one has an address of that family, else on the first that knows the name at
   * all, which is how the caller knows NODATA from a name that nobody bears.
   */
  find(key: string, family: Family): NameEntry | undefined {
    let other: NameEntry | undefined;
    for (const { table, links } of this.attached) {
      const linked = links.size > 0 ? links.get(key) : undefined;
      const entry = table.names.get(linked ?? key);
      if (!entry) continue;
      if (entry[family].length > 0) return entry;
      other ??= entry;
    }
    return other ?? this.#wildcard(key, family);
  }

  /** Wire names of the container with that address; key of the name in in-addr.arpa or ip6.arpa. */
  reverse(key: string): readonly Owned[] | undefined {
    for (const { table } of this.attached) {
      const names = table.reverse.get(key);
      if (names) return names;
    }
    return undefined;
  }

  #wildcard(key: string, family: Family): NameEntry | undefined {
    if (!this.attached.some(({ table }) => table.wildcards.size > 0)) return undefined;
    let other: NameEntry | undefined;
    // The nearest one counts: x.a.web is asked of *.a.web before *.web.
    for (let rest = parentKey(key); rest !== undefined && other === undefined; rest = parentKey(rest)) {
      for (const { table } of this.attached) {
        const entry = table.wildcards.get(rest);
        if (!entry) continue;
        if (entry[family].length > 0) return entry;
        other ??= entry;
      }
    }
    return other;
  }
}

export class Zone {
  readonly #networks = new Map<string, NetworkTable>();
  readonly #views = new Map<string, ZoneView>();

  /** Takes the place of what was known of the sandbox; the view stays the same object until drop(). */
  put(sandboxId: string, endpoints: readonly EndpointNames[]): ZoneView {
    const view = this.#views.get(sandboxId) ?? new ZoneView();
    for (const { undo } of view.attached) for (const step of undo) step();
    view.attached = endpoints.map((endpoint) => this.#attach(sandboxId, endpoint));
    this.#views.set(sandboxId, view);
    return view;
  }

  drop(sandboxId: string): void {
    this.put(sandboxId, []);
    this.#views.delete(sandboxId);
  }

  #attach(owner: string, { networkId, networkName, addresses, names, links }: EndpointNames): Attached {
    const table = this.#networks.get(networkId) ?? new NetworkTable();
    this.#networks.set(networkId, table);
    table.sandboxes++;
    const undo: (() => void)[] = [
      () => {
        if (--table.sandboxes === 0) this.#networks.delete(networkId);
      },
    ];
    const owned = { a: [] as Owned[], aaaa: [] as Owned[] };
    const first = names[0] === undefined ? undefined : wireName(`${names[0]}.${networkName}`);
    for (const text of addresses) {
      const address = parseAddress(text);
      if (!address) continue;
      owned[address.family === 4 ? 'a' : 'aaaa'].push({ owner, bytes: addressBytes(address) });
      const key = reverseKey(text);
      if (first && key !== undefined) undo.push(addReverse(table.reverse, key, { owner, bytes: first }));
    }
    for (const name of names) {
      // '*' alone is a name like any other: behind the network's name it would stand for all of them.
      const wildcard = name.startsWith('*.');
      for (const full of [name, `${name}.${networkName}`]) {
        const key = keyOf(wildcard ? full.slice(2) : full);
        if (key !== undefined) undo.push(addName(wildcard ? table.wildcards : table.names, key, owner, owned));
      }
    }
    return { table, links: linkKeys(links, networkName), undo };
  }
}

/** Alias → name, both also with the network's name behind. */
function linkKeys(links: EndpointNames['links'], networkName: string): ReadonlyMap<string, string> {
  const keys = new Map<string, string>();
  for (const [alias, name] of Object.entries(links)) {
    const target = keyOf(name);
    if (target === undefined) continue;
    for (const from of [keyOf(alias), keyOf(`${alias}.${networkName}`)]) if (from !== undefined) keys.set(from, target);
  }
  return keys;
}

function addName(
  map: Map<string, NameEntry>,
  key: string,
  owner: string,
  owned: Record<Family, readonly Owned[]>,
): () => void {
  const entry = map.get(key) ?? new NameEntry();
  map.set(key, entry);
  if (entry.owners.has(owner)) return () => undefined;
  entry.owners.add(owner);
  entry.a.push(...owned.a);
  entry.aaaa.push(...owned.aaaa);
  return () => {
    entry.owners.delete(owner);
    entry.a = entry.a.filter((one) => one.owner !== owner);
    entry.aaaa = entry.aaaa.filter((one) => one.owner !== owner);
    if (entry.owners.size === 0) map.delete(key);
  };
}

function addReverse(map: Map<string, Owned[]>, key: string, one: Owned): () => void {
  map.set(key, [...(map.get(key) ?? []), one]);
  return () => {
    const rest = (map.get(key) ?? []).filter((other) => other !== one);
    if (rest.length === 0) map.delete(key);
    else map.set(key, rest);
  };
}

/** The key of an address's name (RFC 1035 section 3.5, RFC 3596 section 2.5). */
export function reverseKey(text: string): string | undefined {
  const address = parseAddress(text);
  if (!address) return undefined;
  const bytes = [...addressBytes(address)].reverse();
  return address.family === 4
    ? keyOf(`${bytes.join('.')}.in-addr.arpa`)
    : keyOf(`${bytes.map((byte) => `${(byte & 15).toString(16)}.${(byte >> 4).toString(16)}`).join('.')}.ip6.arpa`);
}

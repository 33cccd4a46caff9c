/** The endpoints of one network, on all hosts, as the store has them. */
import type { ClusterHost, PlacedEndpoint } from '../network/cluster.ts';
import { BadRecord } from './decode.ts';
import { decodeEndpoint, sameEndpoint } from './endpoint-record.ts';
import type { HostIdentity } from './endpoint-record.ts';
import type { KeyValue, WatchEvent } from './etcd/port.ts';

export interface PeersChange {
  added: PlacedEndpoint[];
  removed: PlacedEndpoint[];
}

interface Entry {
  endpoint: PlacedEndpoint;
  own: boolean;
  /** At which it was written. */
  revision: bigint;
}

export interface PeersContext {
  /** Of all keys of the network: '/berth/endpoints/<network>/'. */
  prefix: string;
  /** This host's ID: what is its own is known, but not told. */
  hostId: string;
  /** The same object for the same host. */
  hostOf: (this: void, identity: HostIdentity) => ClusterHost;
  /** A record is not to be understood: it is left out. */
  bad: (this: void, key: string, problem: string) => void;
}

export class Peers {
  readonly #networkId: string;
  readonly #context: PeersContext;
  /** By first address. */
  #entries = new Map<string, Entry>();
  /** ID → first address: a buggy host may put one endpoint twice. */
  readonly #places = new Map<string, string>();

  constructor(networkId: string, context: PeersContext) {
    this.#networkId = networkId;
    this.#context = context;
  }

  /** Of all hosts. */
  all(): PlacedEndpoint[] {
    return [...this.#entries.values()].map(({ endpoint }) => endpoint);
  }

  /** How many are other hosts'. */
  get others(): number {
    let others = 0;
    for (const { own } of this.#entries.values()) if (!own) others++;
    return others;
  }

  /** This host's own, by first key, and when they were written. */
  own(): Map<string, { endpoint: PlacedEndpoint; revision: bigint }> {
    const own = [...this.#entries].filter(([, entry]) => entry.own);
    return new Map(own.map(([address, entry]) => [this.#context.prefix + address, entry]));
  }

  /** These are all. */
  replace(kvs: readonly KeyValue[]): PeersChange {
    const before = this.#entries;
    this.#entries = new Map();
    this.#places.clear();
    for (const kv of kvs) this.#put(kv, before);
    return changeOf([...new Set([...before.keys(), ...this.#entries.keys()])].map((one) => this.#step(before, one)));
  }

  apply(events: readonly WatchEvent[]): PeersChange {
    const before = new Map<string, Entry>();
    const touched = new Set<string>();
    for (const event of events) {
      const key = event.kind === 'put' ? event.kv.key : event.key;
      const address = key.slice(this.#context.prefix.length);
      const known = this.#entries.get(address);
      if (known && !touched.has(address)) before.set(address, known);
      touched.add(address);
      if (known) this.#places.delete(known.endpoint.id);
      this.#entries.delete(address);
      if (event.kind === 'put') this.#put(event.kv, before);
    }
    return changeOf([...touched].map((address) => this.#step(before, address)));
  }

  #step(before: ReadonlyMap<string, Entry>, address: string): Step {
    return { before: told(before.get(address)), now: told(this.#entries.get(address)) };
  }

  #put({ key, value, modRevision }: KeyValue, before: ReadonlyMap<string, Entry>): void {
    const { prefix, hostId, hostOf, bad } = this.#context;
    const address = key.slice(prefix.length);
    try {
      const decoded = decodeEndpoint(this.#networkId, address, value, hostOf);
      if (!decoded) return;
      const { endpoint } = decoded;
      const place = this.#places.get(endpoint.id);
      if (place !== undefined) throw new BadRecord(`the same endpoint is at ${place}`);
      this.#places.set(endpoint.id, address);
      const known = before.get(address);
      // What is as it was stays the same object: nothing is told of it, and the memory is not taken twice.
      const same = known && sameEndpoint(known.endpoint, endpoint) ? known.endpoint : endpoint;
      this.#entries.set(address, { endpoint: same, own: decoded.hostId === hostId, revision: modRevision });
    } catch (error) {
      if (!(error instanceof BadRecord)) throw error;
      bad(key, error.message);
    }
  }
}

interface Step {
  before: PlacedEndpoint | undefined;
  now: PlacedEndpoint | undefined;
}

const told = (entry: Entry | undefined): PlacedEndpoint | undefined =>
  entry?.own === false ? entry.endpoint : undefined;

function changeOf(steps: readonly Step[]): PeersChange {
  const added = steps.flatMap(({ before, now }) => (now && now !== before ? now : []));
  // One that is at another address now, or another host's, has come and not gone.
  const there = new Set(added.map(({ id }) => id));
  const removed = steps.flatMap(({ before, now }) =>
    before && before.id !== now?.id && !there.has(before.id) ? before : [],
  );
  return { added, removed };
}

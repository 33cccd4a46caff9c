/**
 * What this host has in the store, and what it shall have. Every write is a transaction that holds only if the keys are as they were
 * seen: absent, this endpoint's own, or left over by this host. So nobody's address is taken, whatever happens in between.
 */
import { BerthError, notFound } from '../errors.ts';
import type { ClusterEndpoint } from '../network/cluster.ts';
import type { Call } from './calls.ts';
import type { Contact } from './contact.ts';
import { BadRecord } from './decode.ts';
import { decodeHolder, encodeEndpoint } from './endpoint-record.ts';
import type { Holder, HostIdentity } from './endpoint-record.ts';
import { EtcdError } from './etcd/error.ts';
import type { KeyValue } from './etcd/port.ts';
import type { ClusterKeys } from './keys.ts';

/** Each one means that somebody wrote at the same moment. */
const ATTEMPTS = 10;
/** Transactions under way at once when everything is put again. */
const ABREAST = 16;

interface Own {
  endpoint: ClusterEndpoint;
  /** At which it was put under the lease of now; 0n: it must be put (again). */
  revision: bigint;
  /** Somebody who asked for it is at it. */
  busy: boolean;
}

export interface Loss {
  endpointId: string;
  reason: string;
}

export class Claims {
  readonly #contact: Contact;
  readonly #keys: ClusterKeys;
  readonly #host: HostIdentity;
  readonly #own = new Map<string, Own>();
  /** First key of an endpoint → its ID. */
  readonly #byKey = new Map<string, string>();
  /** Not this host's any more, or never were; the store may have them all the same. */
  readonly #stray = new Map<string, ClusterEndpoint>();
  readonly #losses: Loss[] = [];
  #lease = 0n;

  constructor(contact: Contact, keys: ClusterKeys, host: HostIdentity, endpoints: readonly ClusterEndpoint[]) {
    this.#contact = contact;
    this.#keys = keys;
    this.#host = host;
    for (const endpoint of endpoints) this.#add({ endpoint, revision: 0n, busy: false });
  }

  all(): ClusterEndpoint[] {
    return [...this.#own.values()].map(({ endpoint }) => endpoint);
  }

  /** That endpoints of this host are on. */
  networks(): string[] {
    return [...new Set([...this.#own.values()].map(({ endpoint }) => endpoint.networkId))];
  }

  /** How many are to be put, or taken away. */
  get waiting(): number {
    let waiting = this.#stray.size;
    for (const { revision, busy } of this.#own.values()) if (revision === 0n && !busy) waiting++;
    return waiting;
  }

  /** Addresses that are another's; empty: it is this host's. When it rejects it is not, though the store may have it for a while. */
  async claim(endpoint: ClusterEndpoint, call: Call): Promise<readonly string[]> {
    const known = this.#own.get(endpoint.id);
    // At once: no other endpoint of this host takes its addresses for left over.
    const own = { endpoint, revision: known?.revision ?? 0n, busy: true };
    this.#add(own);
    let taken: readonly string[] | undefined;
    try {
      taken = await this.#put(own);
      return taken;
    } finally {
      own.busy = false;
      if (known && taken === undefined) this.#add({ ...known, revision: 0n });
      else if (taken?.length !== 0 || call.over) this.#giveUp(endpoint);
    }
  }

  async rename(endpoint: ClusterEndpoint, call: Call): Promise<void> {
    const own = this.#own.get(endpoint.id);
    if (!own) throw notFound(`endpoint ${endpoint.id} not found`);
    const before = own.endpoint;
    own.endpoint = endpoint;
    own.busy = true;
    let done = false;
    try {
      await this.#put(own);
      done = !call.over;
    } finally {
      own.busy = false;
      // It keeps its name, whatever the store has now: it is put again.
      if (!done) Object.assign(own, { endpoint: before, revision: 0n });
    }
  }

  /** Never rejects: what cannot be done now is done by settle(). */
  async release(endpointId: string): Promise<void> {
    const own = this.#own.get(endpointId);
    if (!own) return;
    this.#giveUp(own.endpoint);
    try {
      await this.#drop(own.endpoint, own.revision);
    } catch (error) {
      if (!(error instanceof EtcdError)) throw error;
    }
  }

  /** It is not this host's any more; settle() takes it away. */
  forget(endpointId: string): void {
    const own = this.#own.get(endpointId);
    if (own) this.#giveUp(own.endpoint);
  }

  /** Everything of this host's hangs on `lease` and is in the store when it resolves, but for what was lost. */
  async renew({ lease, granted }: { lease: bigint; granted: boolean }): Promise<void> {
    if (granted || lease !== this.#lease) for (const own of this.#own.values()) own.revision = 0n;
    this.#lease = lease;
    await this.settle();
  }

  /** The store is made to match. */
  async settle(): Promise<void> {
    const missing = [...this.#own.values()].filter(({ revision, busy }) => revision === 0n && !busy);
    for (let i = 0; i < missing.length; i += ABREAST) {
      await Promise.all(missing.slice(i, i + ABREAST).map(async (own) => this.#putAgain(own)));
    }
    for (const endpoint of this.#stray.values()) await this.#drop(endpoint, 0n);
  }

  async #putAgain(own: Own): Promise<void> {
    const { id, networkId } = own.endpoint;
    try {
      const taken = await this.#put(own);
      if (taken.length > 0) this.#lose(own, `${taken.join(' and ')} is another host's now`);
    } catch (error) {
      if (!(error instanceof BerthError)) throw error;
      this.#lose(own, `network ${networkId.slice(0, 12)} was removed`);
    }
    // Released, or taken away with its network, while it was put.
    if (this.#own.get(id) !== own) this.#stray.set(id, own.endpoint);
  }

  #lose(own: Own, reason: string): void {
    const { id } = own.endpoint;
    if (this.#own.get(id) !== own) return;
    this.#giveUp(own.endpoint);
    this.#losses.push({ endpointId: id, reason });
  }

  /** The network is no more here. */
  loseNetwork(networkId: string, reason = 'its network was removed'): void {
    for (const own of this.#own.values()) {
      if (own.endpoint.networkId === networkId && !own.busy) this.#lose(own, reason);
    }
  }

  /** Endpoints on one of them were put under the lease of now. As long as it lasts, nobody can remove the network. */
  standOn(networkIds: ReadonlySet<string>): boolean {
    return [...this.#own.values()].some(
      ({ endpoint, revision }) => revision > 0n && networkIds.has(endpoint.networkId),
    );
  }

  /** What was lost since it was asked last. */
  takeLosses(): Loss[] {
    return this.#losses.splice(0);
  }

  /** `key` was deleted or written at this revision. True when it was not this host that did it, though an endpoint of its is there. */
  touched(key: string, revision: bigint): boolean {
    const own = this.#own.get(this.#byKey.get(key) ?? '');
    if (!own || own.busy || own.revision === 0n || revision <= own.revision) return false;
    own.revision = 0n;
    return true;
  }

  /**
   * What the store had of this host's on a network at `revision`, by first key. True when some are not there as this host has put
   * them, or there though it has given them back: what was done after a backup is undone when the store is restored from it.
   */
  compare(
    networkId: string,
    found: ReadonlyMap<string, { endpoint: ClusterEndpoint; revision: bigint }>,
    revision: bigint,
  ): boolean {
    let differs = false;
    for (const [key, id] of this.#byKey) {
      const own = this.#own.get(id);
      // What was put since is told by the watch.
      if (!own || own.busy || own.revision > revision) continue;
      if (own.endpoint.networkId !== networkId || found.get(key)?.revision === own.revision) continue;
      own.revision = 0n;
      differs = true;
    }
    for (const { endpoint } of found.values()) {
      if (this.#own.has(endpoint.id)) continue;
      this.#stray.set(endpoint.id, endpoint);
      differs = true;
    }
    return differs;
  }

  #add(own: Own): void {
    const [key = ''] = this.#keys.endpoint(own.endpoint);
    this.#own.set(own.endpoint.id, own);
    this.#byKey.set(key, own.endpoint.id);
    this.#stray.delete(own.endpoint.id);
  }

  #giveUp(endpoint: ClusterEndpoint): void {
    const [key = ''] = this.#keys.endpoint(endpoint);
    this.#own.delete(endpoint.id);
    if (this.#byKey.get(key) === endpoint.id) this.#byKey.delete(key);
    this.#stray.set(endpoint.id, endpoint);
  }

  async #put(own: Own): Promise<readonly string[]> {
    const { endpoint } = own;
    const { networkId, addresses } = endpoint;
    const keys = this.#keys.endpoint(endpoint);
    const values = encodeEndpoint(endpoint, this.#host);
    const network = this.#keys.network(networkId);
    let expected = keys.map(() => own.revision);
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const { succeeded, results, revision } = await this.#contact.transact(
        [
          { key: network, create: '>', revision: 0n },
          ...keys.map((key, i) => ({ key, mod: '=' as const, revision: expected[i] ?? 0n })),
        ],
        keys.map((put, i) => ({ put, value: values[i] ?? Buffer.alloc(0), lease: this.#lease })),
        [{ get: { key: network }, keysOnly: true }, ...keys.map((key) => ({ get: { key } }))],
      );
      if (succeeded) {
        own.revision = revision;
        return [];
      }
      const [there, ...found] = results;
      if (there?.length !== 1) throw notFound(`network ${networkId} not found`);
      const taken = addresses.filter((_, i) => found[i]?.some((kv) => !this.#isFree(kv, endpoint.id)));
      if (taken.length > 0) return taken;
      expected = found.map(([kv]) => kv?.modRevision ?? 0n);
    }
    throw new EtcdError('unavailable', 'the addresses of an endpoint change all the time');
  }

  async #drop(endpoint: ClusterEndpoint, revision: bigint): Promise<void> {
    const { id } = endpoint;
    let held =
      revision > 0n ? this.#keys.endpoint(endpoint).map((key) => ({ key, revision })) : await this.#heldBy(endpoint);
    for (let attempt = 0; held.length > 0; attempt++) {
      if (this.#own.has(id)) return;
      if (attempt === ATTEMPTS) throw new EtcdError('unavailable', 'the addresses of an endpoint change all the time');
      const { succeeded } = await this.#contact.transact(
        held.map(({ key, revision }) => ({ key, mod: '=', revision })),
        held.map(({ key }) => ({ delete: { key } })),
      );
      held = succeeded ? [] : await this.#heldBy(endpoint);
    }
    if (this.#stray.get(id) === endpoint) this.#stray.delete(id);
  }

  /** Keys that are this very endpoint's. */
  async #heldBy(endpoint: ClusterEndpoint): Promise<{ key: string; revision: bigint }[]> {
    const { results } = await this.#contact.read(this.#keys.endpoint(endpoint).map((key) => ({ key })));
    return results.flat().flatMap((kv) => {
      const holder = holderOf(kv);
      const isIts = holder?.endpointId === endpoint.id && holder.hostId === this.#host.id;
      return isIts ? { key: kv.key, revision: kv.modRevision } : [];
    });
  }

  /** This endpoint's own, or left by one that this host no longer has. */
  #isFree(kv: KeyValue, endpointId: string): boolean {
    const holder = holderOf(kv);
    if (holder?.hostId !== this.#host.id) return false;
    return holder.endpointId === endpointId || !this.#own.has(holder.endpointId);
  }
}

/** undefined: there is no knowing whose it is. */
function holderOf({ value }: KeyValue): Holder | undefined {
  try {
    return decodeHolder(value);
  } catch (error) {
    if (error instanceof BadRecord) return undefined;
    throw error;
  }
}

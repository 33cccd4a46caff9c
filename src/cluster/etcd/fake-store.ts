/**
 * The store of the strict stand-in: keys in all their revisions, transactions, leases. It answers as etcd 3.4 to 3.6 do; the contract
 * that both are held to is testing-contract.ts.
 */
import { EtcdError } from './error.ts';
import type { Compare, KeyValue, Keys, Operation, Result, WatchEvent } from './port.ts';

/** etcd's own limits (embed/config.go: DefaultMaxTxnOps, DefaultMaxRequestBytes). */
const MAX_OPERATIONS = 128;
const MAX_REQUEST_BYTES = 1.5 * 1024 * 1024;
/** Seconds. etcd gives no less than 1.5 election timeouts, which is 2 s with its defaults. */
const SHORTEST_LEASE = 2;

interface Lease {
  ttl: number;
  /** On the store's own clock, in seconds. */
  ends: number;
}

const matches = (keys: Keys, key: string): boolean => ('key' in keys ? keys.key === key : key.startsWith(keys.prefix));

/** etcd orders keys by their bytes. */
const byBytes = (a: KeyValue, b: KeyValue): number => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key));

function check(operations: readonly Operation[]): void {
  const puts = operations.flatMap((operation) => ('put' in operation ? [operation.put] : []));
  const deletes = operations.flatMap((operation) => ('delete' in operation ? [operation.delete] : []));
  if (new Set(puts).size < puts.length || puts.some((key) => deletes.some((keys) => matches(keys, key)))) {
    throw new EtcdError('invalid', 'etcdserver: duplicate key given in txn request');
  }
  if (puts.includes('') || deletes.some((keys) => 'key' in keys && keys.key === '')) {
    throw new EtcdError('invalid', 'etcdserver: key is not provided');
  }
}

export class FakeStore {
  readonly #history: { revision: bigint; events: readonly WatchEvent[] }[];
  /** All revisions of a key, oldest first; undefined where it was deleted. */
  readonly #versions: Map<string, { revision: bigint; kv: KeyValue | undefined }[]>;
  readonly #leases: Map<bigint, Lease>;
  #now = 0;
  #nextLease = 0x7587_0000_0000_0001n;
  revision = 1n;
  compacted = 0n;

  constructor(from?: FakeStore) {
    this.#history = from ? [...from.#history] : [];
    this.#versions = new Map(from ? [...from.#versions].map(([key, versions]) => [key, [...versions]]) : []);
    this.#leases = new Map(from ? [...from.#leases].map(([id, lease]) => [id, { ...lease }]) : []);
    if (!from) return;
    this.#now = from.#now;
    this.#nextLease = from.#nextLease;
    this.revision = from.revision;
    this.compacted = from.compacted;
  }

  #at(key: string, revision: bigint): KeyValue | undefined {
    return this.#versions.get(key)?.findLast((version) => version.revision <= revision)?.kv;
  }

  range(keys: Keys, revision = this.revision): KeyValue[] {
    if (revision > this.revision) {
      throw new EtcdError('invalid', 'etcdserver: mvcc: required revision is a future revision');
    }
    if (revision < this.compacted) {
      throw new EtcdError('compacted', 'etcdserver: mvcc: required revision has been compacted');
    }
    if ('key' in keys && keys.key === '') throw new EtcdError('invalid', 'etcdserver: key is not provided');
    return this.#find(keys, revision);
  }

  #find(keys: Keys, revision: bigint): KeyValue[] {
    const candidates = 'key' in keys ? [keys.key] : [...this.#versions.keys()].filter((key) => matches(keys, key));
    return candidates.flatMap((key) => this.#at(key, revision) ?? []).toSorted(byBytes);
  }

  #holds(compare: Compare): boolean {
    const found = this.range(compare);
    if ('value' in compare) {
      const equal = compare.value === '=';
      return found.length > 0 && found.every(({ value }) => value.equals(compare.bytes) === equal);
    }
    const relation = 'create' in compare ? compare.create : compare.mod;
    const numbers = found.map((kv) => ('create' in compare ? kv.createRevision : kv.modRevision));
    return (numbers.length > 0 ? numbers : [0n]).every((number) => {
      if (relation === '=') return number === compare.revision;
      if (relation === '!=') return number !== compare.revision;
      return relation === '>' ? number > compare.revision : number < compare.revision;
    });
  }

  transact(
    when: readonly Compare[],
    then: readonly Operation[],
    otherwise: readonly Operation[],
  ): { succeeded: boolean; results: Result[] } {
    if (Math.max(when.length, then.length, otherwise.length) > MAX_OPERATIONS) {
      throw new EtcdError('invalid', 'etcdserver: too many operations in txn request');
    }
    check(then);
    check(otherwise);
    const bytes = [...then, ...otherwise].map((operation) => ('put' in operation ? operation.value.length : 0));
    if (bytes.reduce((sum, one) => sum + one, 0) > MAX_REQUEST_BYTES) {
      throw new EtcdError('invalid', 'etcdserver: request is too large');
    }
    const succeeded = when.every((compare) => this.#holds(compare));
    const chosen = succeeded ? then : otherwise;
    for (const operation of chosen) {
      if ('put' in operation && operation.lease && !this.#leases.has(operation.lease)) throw noLease();
    }
    return { succeeded, results: this.#apply(chosen) };
  }

  #apply(operations: readonly Operation[]): Result[] {
    const revision = this.revision + 1n;
    const events: WatchEvent[] = [];
    const write = (key: string, kv: KeyValue | undefined): void => {
      this.#versions.set(key, [...(this.#versions.get(key) ?? []), { revision, kv }]);
      events.push(kv ? { kind: 'put', kv } : { kind: 'delete', key, modRevision: revision });
    };
    const results = operations.map((operation): Result => {
      // A get sees what the operations before it have written.
      if ('get' in operation) {
        const found = this.#find(operation.get, revision);
        return operation.keysOnly ? found.map((kv) => ({ ...kv, value: Buffer.alloc(0) })) : found;
      }
      if ('delete' in operation) {
        for (const { key } of this.#find(operation.delete, revision)) write(key, undefined);
        return [];
      }
      const { put: key, value, lease = 0n } = operation;
      const createRevision = this.#at(key, revision)?.createRevision ?? revision;
      write(key, { key, value: Buffer.from(value), createRevision, modRevision: revision, lease });
      return [];
    });
    if (events.length > 0) {
      this.revision = revision;
      this.#history.push({ revision, events });
    }
    return results;
  }

  /** What happened to `keys` from revision `from` on, by revision. */
  since(keys: Keys, from: bigint): { revision: bigint; events: readonly WatchEvent[] }[] {
    return this.#history
      .filter(({ revision }) => revision >= from)
      .map(({ revision, events }) => ({
        revision,
        events: events.filter((event) => matches(keys, event.kind === 'put' ? event.kv.key : event.key)),
      }))
      .filter(({ events }) => events.length > 0);
  }

  compact(revision: bigint): void {
    if (revision > this.revision)
      throw new EtcdError('invalid', 'etcdserver: mvcc: required revision is a future revision');
    if (revision <= this.compacted)
      throw new EtcdError('compacted', 'etcdserver: mvcc: required revision has been compacted');
    this.compacted = revision;
  }

  grant(ttl: number): bigint {
    if (!(ttl <= 9_000_000_000)) throw new EtcdError('invalid', 'etcdserver: too large lease TTL');
    const granted = Math.max(ttl, SHORTEST_LEASE);
    const id = this.#nextLease++;
    this.#leases.set(id, { ttl: granted, ends: this.#now + granted });
    return id;
  }

  keepAlive(id: bigint): number {
    const lease = this.#leases.get(id);
    if (!lease) return 0;
    lease.ends = this.#now + lease.ttl;
    return lease.ttl;
  }

  /** Its keys go with it, in one revision. */
  revoke(id: bigint): void {
    if (!this.#leases.delete(id)) return;
    const bound = this.range({ prefix: '' }).filter(({ lease }) => lease === id);
    this.#apply(bound.map(({ key }) => ({ delete: { key } })));
  }

  /** Seconds go by; leases that nobody kept end, one revision for each that has keys. */
  advance(seconds: number): void {
    this.#now += seconds;
    const over = [...this.#leases]
      .filter(([, { ends }]) => ends <= this.#now)
      .toSorted(([, a], [, b]) => a.ends - b.ends);
    for (const [id] of over) this.revoke(id);
  }

  /** All leases get their whole time anew, as after an election or a restore. */
  renewLeases(): void {
    for (const lease of this.#leases.values()) lease.ends = this.#now + lease.ttl;
  }
}

export const noLease = (): EtcdError => new EtcdError('no-lease', 'etcdserver: requested lease not found');

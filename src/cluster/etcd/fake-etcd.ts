/**
 * A strict stand-in of an etcd cluster for unit tests, with one client for each host.
 *
 *     const etcd = new FakeEtcd();
 *     const a = etcd.client();               // an Etcd, with its own faults
 *     const b = etcd.client();
 *     etcd.advance(10);                      // seconds: leases that nobody kept end
 *     etcd.compact(5n);
 *     a.available = false;                   // a's calls reject, its watches are silent; all is told when it is true again
 *     etcd.available = false;                // the same for all
 *     a.loseAnswers = 1;                     // its next write is carried out, though it rejects with 'unavailable'
 *     a.held = true;                         // calls work, but its watches lag behind until it is false again
 *     const backup = etcd.snapshot(); …      // restored: earlier revisions again, in another cluster
 *     etcd.restore(backup);
 *
 * Watches are told in microtasks, each revision by itself, before the promise of the writing call resolves (unless held); a real
 * etcd does it before or after. What etcd refuses is refused.
 */
import { EtcdError } from './error.ts';
import { FakeStore } from './fake-store.ts';
import type { Etcd, Header, Keys, Member, Operation, Watch, WatchListener } from './port.ts';

export class FakeEtcd {
  #store = new FakeStore();
  #clusterId = 0xcafe_0000_0000_0001n;
  #available = true;
  readonly #clients = new Set<FakeEtcdClient>();
  /** Of members(); as many as there are started ones. The first one leads and answers. */
  memberList: readonly Member[] = [
    { id: 1n, name: 'one', peerUrls: ['http://192.0.2.1:2380'], clientUrls: ['http://192.0.2.1:2379'], learner: false },
  ];
  /** Calls that were carried out, by name: what a test counts writes with. */
  readonly carriedOut: (keyof Etcd)[] = [];

  client(): FakeEtcdClient {
    const client: FakeEtcdClient = new FakeEtcdClient(this, () => this.#clients.delete(client));
    this.#clients.add(client);
    return client;
  }

  get store(): FakeStore {
    return this.#store;
  }

  get header(): Header {
    return { clusterId: this.#clusterId, revision: this.#store.revision };
  }

  get available(): boolean {
    return this.#available;
  }

  set available(available: boolean) {
    this.#available = available;
    this.changed();
  }

  advance(seconds: number): void {
    this.#store.advance(seconds);
    this.changed();
  }

  compact(revision: bigint): void {
    this.#store.compact(revision);
  }

  snapshot(): FakeStore {
    return new FakeStore(this.#store);
  }

  /** The keys, revisions and leases of then. */
  restore(snapshot: FakeStore, options: { sameClusterId?: boolean } = {}): void {
    this.#store = new FakeStore(snapshot);
    this.#store.renewLeases();
    if (!options.sameClusterId) this.#clusterId += 1n;
    this.changed();
  }

  /** Watches look for what they have to tell. */
  changed(): void {
    for (const client of this.#clients) client.changed();
  }
}

interface FakeWatch {
  keys: Keys;
  next: bigint;
  listener: WatchListener;
  started: boolean;
  /** Whose revisions `next` counts. */
  store: FakeStore;
}

export class FakeEtcdClient implements Etcd {
  readonly #etcd: FakeEtcd;
  readonly #forget: () => void;
  readonly #watches = new Set<FakeWatch>();
  #available = true;
  #held = false;
  #closed = false;
  /** So many of its next writes are carried out, though they reject. */
  loseAnswers = 0;

  constructor(etcd: FakeEtcd, forget: () => void) {
    this.#etcd = etcd;
    this.#forget = forget;
  }

  get available(): boolean {
    return this.#available;
  }

  set available(available: boolean) {
    this.#available = available;
    this.changed();
  }

  get held(): boolean {
    return this.#held;
  }

  set held(held: boolean) {
    this.#held = held;
    this.changed();
  }

  async #call<T>(name: keyof Etcd, writes: boolean, body: (store: FakeStore) => T): Promise<T> {
    await Promise.resolve();
    if (this.#closed) throw new EtcdError('unavailable', 'the client was closed');
    if (!this.#available || !this.#etcd.available) throw new EtcdError('unavailable', 'etcd does not answer');
    const answer = body(this.#etcd.store);
    this.#etcd.carriedOut.push(name);
    if (writes) this.#etcd.changed();
    if (!writes || this.loseAnswers === 0) return answer;
    this.loseAnswers -= 1;
    throw new EtcdError('unavailable', 'etcd did not answer in time');
  }

  get(keys: Keys, options: Parameters<Etcd['get']>[1] = {}): ReturnType<Etcd['get']> {
    return this.#call('get', false, (store) => {
      const all = store.range(keys, options.revision || undefined);
      const kvs = all.slice(0, options.limit || undefined);
      return {
        ...this.#etcd.header,
        kvs: options.keysOnly ? kvs.map((kv) => ({ ...kv, value: Buffer.alloc(0) })) : kvs,
        more: kvs.length < all.length,
      };
    });
  }

  transact({ when, then, otherwise = [] }: Parameters<Etcd['transact']>[0]): ReturnType<Etcd['transact']> {
    const writes = [...then, ...otherwise].some((operation: Operation) => !('get' in operation));
    return this.#call('transact', writes, (store) => {
      const answer = store.transact(when, then, otherwise);
      return { ...this.#etcd.header, ...answer };
    });
  }

  grant(ttl: number): Promise<bigint> {
    return this.#call('grant', true, (store) => store.grant(ttl));
  }

  keepAlive(lease: bigint): Promise<number> {
    return this.#call('keepAlive', true, (store) => store.keepAlive(lease));
  }

  revoke(lease: bigint): Promise<void> {
    return this.#call('revoke', true, (store) => store.revoke(lease));
  }

  watch(keys: Keys, from: bigint, listener: WatchListener): Watch {
    if (from < 1n) throw new EtcdError('invalid', 'a watch begins at revision 1 or later');
    const watch = { keys, next: from, listener, started: false, store: this.#etcd.store };
    if (!this.#closed) this.#watches.add(watch);
    queueMicrotask(() => this.#tell(watch));
    return { close: () => this.#watches.delete(watch) };
  }

  changed(): void {
    for (const watch of this.#watches) queueMicrotask(() => this.#tell(watch));
  }

  #tell(watch: FakeWatch): void {
    const silent = (): boolean => !this.#watches.has(watch) || this.#held || !this.#available || !this.#etcd.available;
    if (silent()) return;
    const { store, header } = this.#etcd;
    const { clusterId } = header;
    // Restored from a backup, or a revision that this store has never had; or no longer kept.
    if (watch.store !== store || watch.next > store.revision + 1n || watch.next <= store.compacted) {
      this.#watches.delete(watch);
      watch.listener.compacted(store.compacted);
      return;
    }
    if (!watch.started) {
      watch.started = true;
      watch.listener.started?.({ clusterId, revision: watch.next });
    }
    for (const { revision, events } of store.since(watch.keys, watch.next)) {
      // A listener may close the watch, or write, or switch a fault on.
      if (silent() || revision < watch.next) return;
      watch.next = revision + 1n;
      watch.listener.events({ clusterId, revision }, events);
    }
    if (watch.next <= store.revision) watch.next = store.revision + 1n;
  }

  members(): Promise<readonly Member[]> {
    return this.#call('members', false, () => this.#etcd.memberList);
  }

  addMember(peerUrls: readonly string[], { learner }: { learner: boolean }): Promise<Member> {
    return this.#call('addMember', true, () => {
      const { memberList } = this.#etcd;
      if (memberList.some((one) => one.peerUrls.some((url) => peerUrls.includes(url)))) {
        throw new EtcdError('invalid', 'etcdserver: Peer URLs already exists');
      }
      const id = memberList.reduce((highest, one) => (one.id > highest ? one.id : highest), 0n) + 1n;
      const member: Member = { id, name: '', peerUrls, clientUrls: [], learner };
      this.#etcd.memberList = [...memberList, member];
      return member;
    });
  }

  promoteMember(id: bigint): Promise<void> {
    return this.#call('promoteMember', true, () => {
      const member = this.#member(id);
      if (!member.learner) throw new EtcdError('invalid', 'etcdserver: can only promote a learner member');
      if (member.name === '') {
        throw new EtcdError(
          'unavailable',
          'etcdserver: can only promote a learner member which is in sync with leader',
        );
      }
      this.#etcd.memberList = this.#etcd.memberList.map((one) => (one.id === id ? { ...one, learner: false } : one));
    });
  }

  removeMember(id: bigint): Promise<void> {
    return this.#call('removeMember', true, () => {
      this.#member(id);
      this.#etcd.memberList = this.#etcd.memberList.filter((one) => one.id !== id);
    });
  }

  #member(id: bigint): Member {
    const member = this.#etcd.memberList.find((one) => one.id === id);
    if (!member) throw new EtcdError('invalid', 'etcdserver: member not found');
    return member;
  }

  status(): ReturnType<Etcd['status']> {
    return this.#call('status', false, () => {
      const id = this.#etcd.memberList[0]?.id ?? 0n;
      return { ...this.#etcd.header, member: id, leader: id, version: '3.4.23', databaseSize: 20_480n };
    });
  }

  close(): void {
    this.#closed = true;
    this.#watches.clear();
    this.#forget();
  }
}

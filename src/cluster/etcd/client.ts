/** Etcd over gRPC (api/etcdserverpb/rpc.proto), for 3.4 and later. See docs/decisions/0014-etcd-client.md. */
import { randomBytes } from 'node:crypto';
import { EtcdError } from './error.ts';
import { Members } from './members.ts';
import type { FullHeader, KeyRange, RangeOptions } from './messages.ts';
import {
  decodeMembers,
  decodeRange,
  decodeStatus,
  decodeTransaction,
  decodeTtl,
  encodeRange,
  encodeTransaction,
  headerOf,
  rangeOf,
} from './messages.ts';
import type { Etcd, EtcdOptions, Header, Keys, Member, Watch, WatchListener } from './port.ts';
import { MessageWriter } from './protobuf.ts';
import { leaseExists } from './status.ts';
import { ResumingWatch } from './watch.ts';

/** Keys of one answer. Of 300 bytes each that is 0.3 MB, which takes etcd about a millisecond. */
const PAGE = 1000;
/** A get of many pages begins again so often when its revision is compacted meanwhile. */
const TRIES = 3;

type Page = { header: FullHeader } & ReturnType<typeof decodeRange>;

/** Throws EtcdError 'invalid' for addresses that are none. Connects when something is asked for. */
export function createEtcd(options: EtcdOptions): Etcd {
  return new EtcdClient(options);
}

class EtcdClient implements Etcd {
  readonly #members: Members;
  readonly #timeout: number;

  constructor(options: EtcdOptions) {
    this.#members = new Members(options);
    this.#timeout = options.timeout;
  }

  async get(keys: Keys, options: RangeOptions = {}): ReturnType<Etcd['get']> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#getPages(rangeOf(keys), options);
      } catch (error) {
        const compacted = error instanceof EtcdError && error.code === 'compacted';
        if (!compacted || options.revision || tries === TRIES) throw error;
      }
    }
  }

  async #getPages(range: KeyRange, options: RangeOptions): ReturnType<Etcd['get']> {
    const most = options.limit || Infinity;
    const first = await this.#page(range, { ...options, limit: Math.min(PAGE, most) });
    const { kvs } = first;
    let { more, last } = first;
    while (more && kvs.length < most) {
      const page = await this.#page(
        { ...range, key: Buffer.concat([last, Buffer.from([0])]) },
        { ...options, revision: options.revision || first.header.revision, limit: Math.min(PAGE, most - kvs.length) },
      );
      kvs.push(...page.kvs);
      ({ more, last } = page);
    }
    return { ...plain(first.header), kvs, more };
  }

  #page(range: KeyRange, options: RangeOptions): Promise<Page> {
    return this.#members.call(
      '/etcdserverpb.KV/Range',
      encodeRange(range, options),
      (answer) => ({ header: headerOf(answer), ...decodeRange(answer) }),
      { again: true },
    );
  }

  transact({ when, then, otherwise = [] }: Parameters<Etcd['transact']>[0]): ReturnType<Etcd['transact']> {
    const reads = [...then, ...otherwise].every((operation) => 'get' in operation);
    return this.#members.call(
      '/etcdserverpb.KV/Txn',
      encodeTransaction(when, then, otherwise),
      (answer) => ({ ...plain(headerOf(answer)), ...decodeTransaction(answer) }),
      { again: reads },
    );
  }

  async grant(ttl: number): Promise<bigint> {
    // An ID of our own: a grant that is asked for twice is found to exist.
    const id = BigInt.asUintN(63, randomBytes(8).readBigUInt64BE()) || 1n;
    const request = new MessageWriter().number(1, Math.ceil(ttl)).number(2, id).finish();
    try {
      await this.#members.call('/etcdserverpb.Lease/LeaseGrant', request, headerOf, { again: true });
    } catch (error) {
      if (!leaseExists(error)) throw error;
    }
    return id;
  }

  keepAlive(lease: bigint): Promise<number> {
    // A stream in etcd's eyes; one message on it, and its end, are as good as a call.
    const request = new MessageWriter().number(1, lease).finish();
    return this.#members.call('/etcdserverpb.Lease/LeaseKeepAlive', request, decodeTtl, { again: true });
  }

  async revoke(lease: bigint): Promise<void> {
    const request = new MessageWriter().number(1, lease).finish();
    try {
      await this.#members.call('/etcdserverpb.Lease/LeaseRevoke', request, headerOf, { again: true });
    } catch (error) {
      if (!(error instanceof EtcdError && error.code === 'no-lease')) throw error;
    }
  }

  watch(keys: Keys, from: bigint, listener: WatchListener): Watch {
    if (from < 1n) throw new EtcdError('invalid', 'a watch begins at revision 1 or later');
    return new ResumingWatch(this.#members, keys, from, listener, this.#timeout);
  }

  members(): Promise<readonly Member[]> {
    const options = { again: true, leaderless: true };
    return this.#members.call('/etcdserverpb.Cluster/MemberList', Buffer.alloc(0), decodeMembers, options);
  }

  async addMember(peerUrls: readonly string[], { learner }: { learner: boolean }): Promise<Member> {
    const writer = new MessageWriter();
    for (const url of peerUrls) writer.text(1, url);
    const request = writer.number(2, learner).finish();
    const options = { again: false };
    const [member] = await this.#members.call('/etcdserverpb.Cluster/MemberAdd', request, decodeMembers, options);
    if (!member) throw new EtcdError('unavailable', 'etcd did not say which member it added');
    return member;
  }

  promoteMember(id: bigint): Promise<void> {
    return this.#changeMember('MemberPromote', id);
  }

  removeMember(id: bigint): Promise<void> {
    return this.#changeMember('MemberRemove', id);
  }

  async #changeMember(method: string, id: bigint): Promise<void> {
    const request = new MessageWriter().number(1, id).finish();
    await this.#members.call(`/etcdserverpb.Cluster/${method}`, request, headerOf, { again: false });
  }

  status(): ReturnType<Etcd['status']> {
    return this.#members.call(
      '/etcdserverpb.Maintenance/Status',
      Buffer.alloc(0),
      (answer) => {
        const header = headerOf(answer);
        return { ...plain(header), member: header.member, ...decodeStatus(answer) };
      },
      { again: true, leaderless: true },
    );
  }

  close(): void {
    this.#members.close();
  }
}

const plain = ({ clusterId, revision }: FullHeader): Header => ({ clusterId, revision });

/**
 * What Berth asks of etcd 3.4 and later (api/etcdserverpb/rpc.proto). Implemented in client.ts; fake-etcd.ts is the strict stand-in.
 * Keys are text, values bytes. Every call has a deadline and rejects with EtcdError (error.ts); none is retried after it may have
 * been carried out, except where that makes no difference: reads, grant, keepAlive, revoke.
 *
 * Load the client when a cluster is configured, not before: `const { createEtcd } = await import('…/cluster/etcd/client.ts')`.
 *
 * Of etcd's limits: a transaction has at most 128 compares and 128 operations a branch, 1.5 MiB in all, and writes no key twice
 * (put twice, or put and within a delete: 'invalid').
 */

export interface KeyValue {
  key: string;
  /** A view of the answer that it came in: decode it, or copy it when you keep one of many. Empty with keysOnly. */
  value: Buffer;
  /** Revision of the store at which it was made, and last written. */
  createRevision: bigint;
  modRevision: bigint;
  /** 0n: without. */
  lease: bigint;
}

/** One key, or all that begin with `prefix`. */
export type Keys = { key: string } | { prefix: string };

/**
 * With a prefix: holds when it does for each key that begins so, and for none at all as for a key that is not there (all its numbers
 * are 0). So `{ prefix, create: '=', revision: 0n }` is 'there is none'. A compare of values never holds for a key that is not there.
 */
export type Compare = Keys &
  (
    | { create: '=' | '>' | '<' | '!='; revision: bigint }
    | { mod: '=' | '>' | '<' | '!='; revision: bigint }
    | { value: '=' | '!='; bytes: Buffer }
  );

export type Operation =
  { put: string; value: Buffer; lease?: bigint } | { delete: Keys } | { get: Keys; keysOnly?: boolean };

/** Of a get: what was found, by key. Of a put and delete: nothing. */
export type Result = readonly KeyValue[];

export interface Header {
  /**
   * Another one than before: it is another store, or one restored from a backup. (One that is restored with the same names, addresses
   * and token of its members keeps it; a watch notices that too.)
   */
  clusterId: bigint;
  revision: bigint;
}

export interface WatchListener {
  /** Once, when changes from now on are told; `revision`: of the first that will be. */
  started?(header: Header): void;
  /** All changes of one or more revisions, in order; `header.revision` is that of the last of them. */
  events(header: Header, events: readonly WatchEvent[]): void;
  /**
   * Changes from the one that comes next on cannot be told: they are no longer kept (ErrCompacted, `revision` and older), or it is
   * another store than the one that was watched, restored from a backup. Look at everything anew. Ends the watch.
   */
  compacted(revision: bigint): void;
  /** For the log: no changes are told for now, and why; it goes on by itself. Once, until resumed(). */
  interrupted?(error: Error & { code: EtcdErrorCode }): void;
  resumed?(header: Header): void;
}

export type WatchEvent = { kind: 'put'; kv: KeyValue } | { kind: 'delete'; key: string; modRevision: bigint };

export interface Watch {
  close(): void;
}

export interface Member {
  id: bigint;
  /** '' until it has started. */
  name: string;
  peerUrls: readonly string[];
  clientUrls: readonly string[];
  learner: boolean;
}

export interface Etcd {
  /** `revision`: as it was then; 'compacted' when that is no longer kept. Many keys come in pages of one revision. */
  get(
    keys: Keys,
    options?: { keysOnly?: boolean; limit?: number; revision?: bigint },
  ): Promise<Header & { kvs: readonly KeyValue[]; more: boolean }>;
  /** All compares hold: `then`, else `otherwise`; one write when it writes. */
  transact(transaction: {
    when: readonly Compare[];
    then: readonly Operation[];
    otherwise?: readonly Operation[];
  }): Promise<Header & { succeeded: boolean; results: readonly Result[] }>;
  /** Seconds; etcd gives at least 2 (by its election timeout). Resolves to the lease's ID. */
  grant(ttl: number): Promise<bigint>;
  /** Once; seconds that it has from now on, 0 when there is none any more. */
  keepAlive(lease: bigint): Promise<number>;
  /** Its keys go with it, in one revision. Succeeds when there is none. */
  revoke(lease: bigint): Promise<void>;
  /**
   * Tells of all changes from revision `from` on (that one included; 1n or later, and not after the next one: take what a get said, plus
   * one). A lost connection, or a member without a leader, is replaced and the watch resumed after the last revision that was
   * told, on and on until close().
   */
  watch(keys: Keys, from: bigint, listener: WatchListener): Watch;
  /** As the member that answers knows them. */
  members(): Promise<readonly Member[]>;
  addMember(peerUrls: readonly string[], options: { learner: boolean }): Promise<Member>;
  /** 'unavailable' while the learner has not caught up. */
  promoteMember(id: bigint): Promise<void>;
  removeMember(id: bigint): Promise<void>;
  /** Of the member that answers: its ID, who leads (0n: nobody), bytes of its database. */
  status(): Promise<Header & { member: bigint; leader: bigint; version: string; databaseSize: bigint }>;
  /** Ends all watches without a word and rejects what is not answered; nothing keeps the process from its end. */
  close(): void;
}

/**
 * `code`: what the caller can do. 'unavailable': try later; nothing is known of a write that was asked for: it may have been done, or be
 * done yet, when a member that was cut off finds the others again. 'no-lease': of a put with a lease that is none any more. 'denied': by
 * user, password or permission. 'invalid': etcd will not do it however often it is asked.
 */
export type EtcdErrorCode = 'unavailable' | 'compacted' | 'no-lease' | 'denied' | 'invalid';

export interface EtcdOptions {
  /** 'https://10.0.0.1:2379'; several: whichever answers is used, the others when it does not. */
  endpoints: readonly string[];
  /** PEM. */
  tls?: { ca?: Buffer; certificate?: Buffer; key?: Buffer };
  user?: { name: string; password: string };
  /** Milliseconds for one call; a member that does not answer is left for another one before that. */
  timeout: number;
}

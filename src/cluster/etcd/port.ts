/**
 * What Berth asks of etcd 3.4 and later (api/etcdserverpb/rpc.proto). Implemented in client.ts; fake-etcd.ts is the strict stand-in.
 * Keys are text, values bytes. Every call has a deadline and rejects with EtcdError; none is retried after it may have
 * been carried out, except where it says so.
 */

export interface KeyValue {
  key: string;
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
 * are 0). So `{ prefix, create: '=', revision: 0n }` is 'there is none'.
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
  /** Another one than before: it is another store, or one restored from a backup. */
  clusterId: bigint;
  revision: bigint;
}

export interface WatchListener {
  /** Once, when changes from now on are told; `revision`: of the first that will be. */
  started?(header: Header): void;
  /** All changes of one or more revisions, in order. `previous` only of what is deleted, if it is known. */
  events(header: Header, events: readonly WatchEvent[]): void;
  /** Changes from the revision that was asked for on are no longer kept (ErrCompacted): look at everything anew. Ends the watch. */
  compacted(revision: bigint): void;
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
  /** Seconds. Resolves to the lease's ID. */
  grant(ttl: number): Promise<bigint>;
  /** Once; seconds that it has from now on, 0 when there is none any more. */
  keepAlive(lease: bigint): Promise<number>;
  revoke(lease: bigint): Promise<void>;
  /**
   * Tells of all changes from revision `from` on (that one included). A lost connection, or a member without a leader, is replaced
   * and the watch resumed after the last revision that was told, on and on until close().
   */
  watch(keys: Keys, from: bigint, listener: WatchListener): Watch;
  members(): Promise<readonly Member[]>;
  addMember(peerUrls: readonly string[], options: { learner: boolean }): Promise<Member>;
  promoteMember(id: bigint): Promise<void>;
  removeMember(id: bigint): Promise<void>;
  /** Of the member that answers: its ID, who leads (0n: nobody), bytes of its database. */
  status(): Promise<Header & { member: bigint; leader: bigint; version: string; databaseSize: bigint }>;
  close(): void;
}

/** `code`: what the caller can do. 'unavailable': try later, nothing is known of what was asked (it may have been done). */
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

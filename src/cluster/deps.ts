/** What the cluster is told, and what it needs from outside. Types only. */
import type { Logger } from '../log.ts';
import type { ClusterHost, SecureHost } from '../network/cluster.ts';
import type { Etcd, EtcdOptions } from './etcd/port.ts';

/** Which cluster, and as whom. */
export interface ClusterSettings {
  store: EtcdOptions;
  /** Of all keys: '/berth'; without '/' at its end. */
  prefix: string;
  /** This host's own address, IPv4 or IPv6: the others send to it what is for its containers. */
  advertise: string;
  /** UDP, the same on all hosts. */
  vxlanPort: number;
  /** Unique in the cluster. */
  hostName: string;
  /** Made once, at random, and kept for good: 16 to 64 hex digits. Two hosts that have the same are one that was copied. */
  hostId: string;
  /** Seconds until the others count a host as gone that the store has not heard of. */
  leaseTtl: number;
  /** Milliseconds after which a call that needs the store rejects with Unavailable. */
  timeout: number;
}

export interface Clock {
  /** Milliseconds, monotonic: nobody sets it. */
  now(): number;
  /** Calls back once, so many milliseconds later; returns what prevents it. */
  later(milliseconds: number, body: () => void): () => void;
}

export interface ClusterDeps {
  /** A client that connects when it is first asked. */
  connect: (this: void, options: EtcdOptions) => Etcd;
  clock: Clock;
  log: Logger;
  /** Bytes that the link with this address carries. */
  mtuOf(address: string): number;
  /** Of Berth, as other hosts see it in `berth cluster status`. */
  version: string;
  /** By which the others send this host what belongs to encrypted networks; undefined where its kernel has no WireGuard. */
  secure?: (this: void) => SecureHost | undefined;
  /** Survives the daemon: by it a store that was restored from a backup meanwhile is told from one that went on. */
  memory?: { load(): string | undefined; save(text: string): void };
}

/** A host as the store has it. */
export interface HostRecord extends ClusterHost {
  id: string;
  vxlanPort: number;
  version: string;
}

/** For `berth cluster status`. */
export interface ClusterStatus {
  /**
   * 'none': this host belongs to no cluster. 'connecting': it was not in it yet since the start. 'joined'. 'away': the store has not
   * answered of late. 'refused': the cluster does not take this host; `reason`.
   */
  state: 'none' | 'connecting' | 'joined' | 'away' | 'refused';
  /** '' when all is well. */
  reason: string;
  prefix: string;
  /** As they were known last; `self` is this one. */
  hosts: readonly (HostRecord & { self: boolean })[];
  /** Seconds: the whole, and what is left of it by this host's clock (0: the others may count this host as gone). */
  lease: { ttl: number; left: number };
  /** Milliseconds since the store answered; undefined: never. */
  sinceContact: number | undefined;
  /** Of the store when it answered last. */
  revision: bigint;
  /** At most so many revisions of the store have not been told here yet. */
  lag: bigint;
  networks: number;
  /** Networks whose endpoints on other hosts are known here. */
  followed: number;
  /** This host's, and how many of them wait for the store: to be put there or taken away. */
  endpoints: { own: number; waiting: number; others: number };
}

/** What the API asks about the cluster that this host is in, or shall be in. Types only. */

export interface ClusterCommands {
  /** Makes a cluster of this host alone, with an etcd of its own. Conflict when it is in one already. */
  init(request: { advertise: string }): Promise<{ invitation: Invitation; address: string }>;
  /** Goes into the cluster that a token is for; succeeds when it is in that one. Conflict when it is in another. */
  join(request: { token: string; advertise: string }): Promise<{ name: string; address: string; hosts: number }>;
  /** Forbidden, saying why, when something would be lost; with `force` it is. What is to be known afterwards comes back. */
  leave(request: { force: boolean }): Promise<string[]>;
  /** Takes a host that is gone for good out of etcd; Conflict while it is heard of. What is to be known afterwards comes back. */
  remove(host: string): Promise<string[]>;
  /** Makes a host ('': this one) a voting member of etcd; succeeds when it is. What is to be known afterwards comes back. */
  promote(host: string): Promise<string[]>;
  /** `life`: seconds. */
  token(request: { life: number }): Promise<Invitation>;
  status(): Promise<ClusterReport>;
}

export interface Invitation {
  token: string;
  /** RFC 3339. */
  expires: string;
}

/** 'none': this host is in no cluster; 'given': --cluster-store; 'managed': by init or join. */
export type ClusterKind = 'none' | 'given' | 'managed';

export interface ClusterReport {
  kind: ClusterKind;
  /** As the registry of hosts sees it: 'joined', 'away'…; '' when there is none. */
  state: string;
  /** '' when all is well. */
  reason: string;
  /** Of etcd, by which this host reaches it. */
  endpoints: readonly string[];
  /** Of all keys. */
  prefix: string;
  /** Voting members that answer are enough to decide. undefined: not known. */
  quorum: { voters: number; answering: number } | undefined;
  hosts: readonly HostReport[];
  networks: number;
}

export interface HostReport {
  name: string;
  address: string;
  self: boolean;
  /** Of etcd: 'leader', 'member' (it votes), 'learner', or 'client' when the host runs none; '' when nothing is known. */
  role: string;
  /** 'up': the host's daemon is heard of; 'down': it has an etcd, or had one, and is not heard of. */
  state: string;
  version: string;
}

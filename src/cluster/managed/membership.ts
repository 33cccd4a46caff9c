/** What a host of a managed cluster knows of it, in the store: as long as this is there, the host is in the cluster. */
import type { Store } from '../../store/store.ts';
import type { IssuedToken } from './token.ts';

export interface Membership {
  /** 16 hex digits, made by init; etcd's cluster token, so that members of two clusters never talk to each other. */
  clusterId: string;
  /** Of this host in the cluster. */
  hostName: string;
  address: string;
  prefix: string;
  /** UDP, the cluster's. */
  vxlanPort: number;
  /** Of etcd's members, as they were known last. */
  endpoints: readonly string[];
  /** This host runs an etcd. */
  member?: {
    /** Of etcd, hex. */
    id: string;
    initialCluster: string;
    state: 'new' | 'existing';
    /** False while it only learns. */
    votes: boolean;
  };
  /** It is on its way out: whatever comes between, it goes on. */
  leaving?: boolean;
}

const RECORD = 'cluster';
const TOKENS = 'cluster-tokens';
const HOST_ID = 'cluster-host-id';

export const membershipOf = (store: Store): Membership | undefined => store.get<Membership>('meta', RECORD);

export const putMembership = (store: Store, membership: Membership): void => store.put('meta', RECORD, membership);

/** With all that belongs to it. */
export function forgetMembership(store: Store): void {
  store.transaction(() => {
    store.delete('meta', RECORD);
    store.delete('meta', TOKENS);
  });
}

/** Those that have not ended. */
export const tokensOf = (store: Store, now: number): IssuedToken[] =>
  (store.get<IssuedToken[]>('meta', TOKENS) ?? []).filter(({ ends }) => now < ends);

export const putTokens = (store: Store, tokens: readonly IssuedToken[]): void => store.put('meta', TOKENS, tokens);

/** Made once and kept for good. 32 hex digits. */
export function hostId(store: Store, randomHex: (bytes: number) => string): string {
  const known = store.get<string>('meta', HOST_ID);
  if (known !== undefined) return known;
  const id = randomHex(16);
  store.put('meta', HOST_ID, id);
  return id;
}

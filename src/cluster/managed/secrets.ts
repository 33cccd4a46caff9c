/**
 * What a managed cluster keeps of itself in etcd, below '<prefix>/managed/':
 *
 *     authority         certificate and key of its CA, JSON: so every host can issue tokens, and none is needed for ever
 *     promote/<host>    somebody wants this host to become a member; then how that went. With the asker's lease
 */
import { unavailable } from '../../errors.ts';
import type { Etcd } from '../etcd/port.ts';
import type { Authority } from './certificates.ts';

const authorityKey = (prefix: string): string => `${prefix}/managed/authority`;

export const promotionKey = (prefix: string, host: string): string => `${prefix}/managed/promote/${host}`;

export async function putAuthority(etcd: Etcd, prefix: string, authority: Authority): Promise<void> {
  const value = Buffer.from(JSON.stringify(authority));
  await etcd.transact({ when: [], then: [{ put: authorityKey(prefix), value }] });
}

/** Unavailable when etcd does not have it. */
export async function readAuthority(etcd: Etcd, prefix: string): Promise<Authority> {
  const { kvs } = await etcd.get({ key: authorityKey(prefix) });
  try {
    const { certificate, key } = JSON.parse(kvs[0]?.value.toString() ?? '') as Partial<Authority>;
    if (typeof certificate === 'string' && typeof key === 'string') return { certificate, key };
  } catch {
    // Said below.
  }
  throw unavailable(
    `the etcd of this cluster has no certificate authority at ${authorityKey(prefix)}: was it restored from elsewhere?`,
  );
}

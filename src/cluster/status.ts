/** What `berth cluster status` shows of the cluster. */
import type { ClusterSettings, ClusterStatus } from './deps.ts';
import type { Registry } from './registry.ts';

export function statusOf(registry: Registry | undefined, settings: ClusterSettings | undefined): ClusterStatus {
  if (!registry) {
    return {
      state: settings ? 'connecting' : 'none',
      reason: '',
      prefix: settings?.prefix ?? '',
      hosts: [],
      lease: { ttl: settings?.leaseTtl ?? 0, left: 0 },
      sinceContact: undefined,
      revision: 0n,
      lag: 0n,
      networks: 0,
      followed: 0,
      endpoints: { own: 0, waiting: 0, others: 0 },
    };
  }
  const { view, claims, contact, host } = registry;
  const others = view.hosts.all().filter(({ name }) => name !== host.name);
  const known = [...view.followed.values()].reduce((sum, { peers }) => sum + peers.others, 0);
  return {
    state: registry.state,
    reason: registry.reason,
    prefix: registry.settings.prefix,
    hosts: [{ ...host, self: true }, ...others.map((other) => ({ ...other, self: false }))],
    lease: { ttl: registry.settings.leaseTtl, left: registry.leaseLeft },
    sinceContact: contact.since,
    revision: contact.revision,
    lag: contact.revision > view.revision ? contact.revision - view.revision : 0n,
    networks: view.networks.size,
    followed: view.followed.size,
    endpoints: { own: claims.all().length, waiting: claims.waiting, others: known },
  };
}

/** A cluster on an etcd that somebody else runs (--cluster-store): this host is in it as long as the daemon is started so. */
import { readFileSync } from 'node:fs';
import type { ClusterStoreSettings } from '../../daemon/settings.ts';
import { invalidParameter, messageOf } from '../../errors.ts';
import type { EtcdOptions } from '../etcd/port.ts';
import type { ManagedContext } from './context.ts';
import { hostId } from './membership.ts';

/** Resolves when it is known whom to ask; entering goes on in the background, as etcd may be away. */
export async function enterGiven(context: ManagedContext, store: ClusterStoreSettings): Promise<void> {
  const { settings, registry, randomHex } = context.deps;
  const { hostName } = context;
  const options = optionsOf(store, settings.timeout * 1000);
  await context.load();
  const entered = registry.join({
    store: options,
    prefix: store.prefix,
    advertise: context.address(''),
    vxlanPort: settings.vxlanPort,
    hostName,
    hostId: hostId(context.deps.store, randomHex),
    leaseTtl: settings.lease,
    timeout: settings.timeout * 1000,
  });
  entered.catch((error: unknown) => {
    context.deps.log.error('this host cannot enter the cluster', { error: messageOf(error) });
  });
}

/** Reads what the options name. InvalidParameter when it cannot be read; a password is never part of a message. */
export function optionsOf(store: ClusterStoreSettings, timeout: number): EtcdOptions {
  const read = (name: string, path: string): Buffer | undefined => {
    if (path === '') return undefined;
    try {
      return readFileSync(path);
    } catch (error) {
      throw invalidParameter(`--cluster-store-opt ${name}: ${messageOf(error)}`, error);
    }
  };
  const ca = read('kv.cacertfile', store.ca);
  const certificate = read('kv.certfile', store.certificate);
  const key = read('kv.keyfile', store.key);
  // The line break that an editor leaves is no part of it.
  const password = read('passwordfile', store.passwordFile)
    ?.toString()
    .replace(/\r?\n$/, '');
  return {
    endpoints: store.endpoints,
    timeout,
    ...(ca || certificate
      ? { tls: { ...(ca && { ca }), ...(certificate && { certificate }), ...(key && { key }) } }
      : {}),
    ...(password === undefined ? {} : { user: { name: store.user, password } }),
  };
}

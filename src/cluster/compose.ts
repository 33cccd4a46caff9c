/** The parts of a cluster, each made known to the others: the registry of hosts, networks and endpoints, and its etcd. */
import { hostname } from 'node:os';
import type { DaemonClusterSettings } from '../daemon/settings.ts';
import type { Logger } from '../log.ts';
import type { Cluster, SecureHost } from '../network/cluster.ts';
import type { HostAddress } from '../network/kernel.ts';
import type { Store } from '../store/store.ts';
import { createCluster } from './cluster.ts';
import { createManagedCluster } from './managed/control.ts';
import type { ManagedCluster } from './managed/control.ts';

export interface ComposeOptions {
  settings: DaemonClusterSettings;
  store: Store;
  /** Of a managed etcd; made when it is needed. */
  directory: string;
  /** Exists, for root alone. */
  scratch: string;
  version: string;
  /** Bytes; undefined when no link has the address. */
  linkMtu: (this: void, address: string) => number | undefined;
  hostAddresses: (this: void) => readonly HostAddress[];
  /** undefined where the kernel has no WireGuard. */
  secure: (this: void) => SecureHost | undefined;
  etcdProgram: (this: void) => string | undefined;
  /** Containers on networks that span hosts, by name. */
  inUse: (this: void) => readonly string[];
  randomHex: (this: void, bytes: number) => string;
  log: Logger;
}

/** What the network sees of the cluster, and what the API does. */
export interface ComposedCluster {
  cluster: Cluster;
  managed: ManagedCluster;
}

/** What a link carries that is not there now. */
const USUAL_MTU = 1500;
/** Milliseconds for which the answer is taken for true: it is asked for with every plan. */
const MTU_LIFE = 5000;
/** Under which the store keeps what the cluster was like when it was seen last. */
const MEMORY = 'cluster-header';

export function composeCluster(options: ComposeOptions): ComposedCluster {
  const { settings, store, log, linkMtu } = options;
  const now = (): number => performance.now();
  let known: { address: string; mtu: number; until: number } | undefined;
  const mtuOf = (address: string): number => {
    if (known?.address !== address || known.until < now()) {
      known = { address, mtu: linkMtu(address) ?? USUAL_MTU, until: now() + MTU_LIFE };
    }
    return known.mtu;
  };
  const control = createCluster({
    connect: (etcd) => managed.connect(etcd),
    clock: {
      now,
      later(milliseconds, body) {
        const timer = setTimeout(body, milliseconds);
        return () => clearTimeout(timer);
      },
    },
    log,
    mtuOf,
    version: options.version,
    secure: options.secure,
    memory: {
      load: () => store.get<string>('meta', MEMORY),
      save: (text) => store.put('meta', MEMORY, text),
    },
  });
  const managed: ManagedCluster = createManagedCluster({
    directory: options.directory,
    scratch: options.scratch,
    store,
    settings,
    hostName: hostname(),
    addresses: options.hostAddresses,
    etcdProgram: options.etcdProgram,
    loadClient: async () => (await import('./etcd/client.ts')).createEtcd,
    registry: control,
    inUse: options.inUse,
    randomHex: options.randomHex,
    now: Date.now,
    log,
  });
  return { cluster: control.cluster, managed };
}

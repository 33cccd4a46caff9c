/**
 * The cluster that this host belongs to, if any: it joins one and leaves it while the daemon runs. What the network asks for while there
 * is none (follow a network, have endpoints) holds for the one that is joined later.
 */
import { BerthError, conflict, messageOf, unavailable } from '../errors.ts';
import type {
  Cluster,
  ClusterEndpoint,
  ClusterHost,
  ClusterListener,
  PlacedEndpoint,
  Underlay,
} from '../network/cluster.ts';
import type { NetworkRecord } from '../network/records.ts';
import { pause } from './calls.ts';
import type { ClusterDeps, ClusterSettings, ClusterStatus } from './deps.ts';
import { Registry } from './registry.ts';
import { checkSettings } from './settings.ts';
import { statusOf } from './status.ts';

export interface ClusterControl {
  cluster: Cluster;
  /**
   * From now on this host belongs to that cluster; connecting goes on in the background, for as long as it takes. Resolves when the host
   * is in, or known to be kept out, or when that takes too long; status() says which. Rejects with InvalidParameter when the
   * settings cannot be right, with Conflict when it belongs to one.
   */
  join(settings: ClusterSettings): Promise<void>;
  /**
   * The networks of the cluster go from this host, and what it has in the cluster goes from there; endpoints that it still has are told
   * as lost. Resolves also when the store cannot be reached, which then notices when the lease is over. Before begin(): what is handed over
   * there is of a cluster that this host has left.
   */
  leave(): Promise<void>;
  status(): ClusterStatus;
}

/** Milliseconds between two looks whether this host is in. */
const LOOK = 50;

const outside = (): BerthError =>
  unavailable(
    'this host belongs to no cluster: start berthd with --cluster-store etcd://… --cluster-advertise … to use an etcd that you run, or make a cluster with `berth cluster init`, or enter one with `berth cluster join`',
  );

export const createCluster = (deps: ClusterDeps): ClusterControl => new SwitchableCluster(deps);

class SwitchableCluster implements Cluster, ClusterControl {
  readonly cluster: Cluster = this;
  readonly #deps: ClusterDeps;
  #listener: ClusterListener | undefined;
  #settings: ClusterSettings | undefined;
  #registry: Registry | undefined;
  /** For when it joins one. */
  #endpoints: readonly ClusterEndpoint[] = [];
  #networks: readonly NetworkRecord[] = [];
  readonly #followed = new Set<string>();
  /** It left while nobody listened. */
  #leftBefore = false;

  constructor(deps: ClusterDeps) {
    this.#deps = deps;
  }

  async join(settings: ClusterSettings): Promise<void> {
    const checked = checkSettings(settings);
    if (this.#settings) throw conflict('this host belongs to a cluster already: `berth cluster leave` first');
    this.#settings = checked;
    this.#start();
    const { clock } = this.#deps;
    const ends = clock.now() + checked.timeout;
    const decided = (): boolean => this.#registry?.state === 'joined' || this.#registry?.state === 'refused';
    while (this.#settings === checked && !decided() && clock.now() < ends) await pause(clock, LOOK);
  }

  #start(): void {
    if (!this.#settings || !this.#listener) return;
    this.#registry = new Registry(this.#deps, this.#settings, this.#listener, {
      endpoints: this.#endpoints,
      networks: this.#networks,
      followed: this.#followed,
    });
    this.#endpoints = [];
    this.#networks = [];
    this.#registry.start();
  }

  async leave(): Promise<void> {
    const registry = this.#registry;
    this.#settings = undefined;
    this.#registry = undefined;
    this.#endpoints = [];
    this.#networks = [];
    this.#followed.clear();
    this.#leftBefore = !this.#listener;
    await registry?.leave();
  }

  status(): ClusterStatus {
    return statusOf(this.#registry, this.#settings);
  }

  underlay(): Underlay | undefined {
    if (!this.#settings) return undefined;
    const { advertise: address, vxlanPort: port } = this.#settings;
    const secure = this.#deps.secure?.();
    return { address, port, mtu: this.#deps.mtuOf(address), ...(secure && { secure }) };
  }

  hosts(): readonly ClusterHost[] {
    if (!this.#registry) return [];
    const { host, view } = this.#registry;
    const others = view.hosts.all().filter(({ name }) => name !== host.name);
    return [host, ...others].map(({ name, address }) => ({ name, address }));
  }

  begin(
    listener: ClusterListener,
    endpoints: readonly ClusterEndpoint[],
    networks: readonly NetworkRecord[] = [],
  ): void {
    if (this.#listener) throw new Error('begin() was called before');
    this.#listener = listener;
    if (this.#leftBefore) this.#tellOfNone(listener, endpoints, networks);
    else [this.#endpoints, this.#networks] = [endpoints, networks];
    this.#start();
  }

  /** Never out of a call. */
  #tellOfNone(
    listener: ClusterListener,
    endpoints: readonly ClusterEndpoint[],
    networks: readonly NetworkRecord[],
  ): void {
    const { clock, log } = this.#deps;
    clock.later(0, () => {
      try {
        for (const { id } of endpoints) listener.endpointLost(id, 'this host has left the cluster');
        for (const { id } of networks) listener.networkRemoved(id);
      } catch (error) {
        log.error('networks of a cluster that this host has left are still there', { error: messageOf(error) });
      }
    });
  }

  /** Unavailable while it belongs to none. */
  #inside(): Registry {
    if (!this.#registry) throw outside();
    return this.#registry;
  }

  async createNetwork(plan: (networks: readonly NetworkRecord[]) => NetworkRecord): Promise<NetworkRecord> {
    const registry = this.#inside();
    const { networks } = registry.view;
    const asked: NetworkRecord[] = [];
    const { network } = await registry.attempt(
      async (call) => networks.create(plan, asked, call),
      async ({ revision }) => networks.reached(revision),
    );
    return network;
  }

  async removeNetwork(networkId: string): Promise<void> {
    const registry = this.#inside();
    const { networks } = registry.view;
    let tried = false;
    await registry.attempt(
      async () => {
        const before = tried;
        tried = true;
        return networks.remove(networkId, before);
      },
      async (revision) => networks.reached(revision),
    );
  }

  async follow(networkId: string): Promise<void> {
    this.#followed.add(networkId);
    const { view, attempt } = this.#attempting();
    const one = view.follow(networkId);
    if (one.synced) return;
    await attempt(async () => {
      if (one.synced || view.followed.get(networkId) !== one) return;
      view.showPeers(one, await view.readPeers(networkId));
    });
  }

  unfollow(networkId: string): void {
    this.#followed.delete(networkId);
    this.#registry?.view.unfollow(networkId);
  }

  async claim(endpoint: ClusterEndpoint): Promise<readonly string[]> {
    const { claims, attempt } = this.#attempting();
    return attempt(async (call) => claims.claim(endpoint, call));
  }

  async rename(endpoint: ClusterEndpoint): Promise<void> {
    const { claims, attempt } = this.#attempting();
    await attempt(async (call) => claims.rename(endpoint, call));
  }

  async release(endpointId: string): Promise<void> {
    this.#endpoints = this.#endpoints.filter(({ id }) => id !== endpointId);
    await this.#registry?.release(endpointId);
  }

  async endpoints(networkId: string): Promise<readonly PlacedEndpoint[]> {
    const { view, attempt, state } = this.#attempting();
    const followed = view.followed.get(networkId);
    const known = followed?.synced ? followed.peers : undefined;
    if (known && state !== 'joined') return known.all();
    try {
      return await attempt(async () => {
        const peers = view.peersOf(networkId);
        peers.replace((await view.readPeers(networkId)).kvs);
        return peers.all();
      });
    } catch (error) {
      if (known && error instanceof BerthError && error.kind === 'Unavailable') return known.all();
      throw error;
    }
  }

  #attempting(): Pick<Registry, 'view' | 'claims' | 'state' | 'attempt'> {
    const registry = this.#inside();
    const { view, claims, state } = registry;
    return { view, claims, state, attempt: async (...args) => registry.attempt(...args) };
  }

  async close({ keep }: { keep: boolean }): Promise<void> {
    const registry = this.#registry;
    this.#registry = undefined;
    await registry?.close({ keep });
  }
}

/**
 * A cluster for unit tests of the network. Several FakeClusters on one FakeClusterStore are several hosts. Strict: what would be a
 * mistake of the caller throws a plain Error. The listener is told in a microtask, never out of a call.
 *
 *     const store = new FakeClusterStore();
 *     const a = new FakeCluster(store, { name: 'a', address: '192.0.2.1' });
 *     const b = new FakeCluster(store, { name: 'b', address: '192.0.2.2' });
 *     a.away = true;      // it cannot reach the store; the store still has what is a's…
 *     a.expire();         // …until its lease is over, when the others may have its addresses
 *     a.away = false;     // what it had is put there again; what is another's now is lost
 *     await store.told(); // all that is to be told was told
 */
import { forbidden, notFound, unavailable } from '../errors.ts';
import type { Cluster, ClusterEndpoint, ClusterHost, ClusterListener, PlacedEndpoint, Underlay } from './cluster.ts';
import type { NetworkRecord } from './records.ts';

export class FakeClusterStore {
  readonly networks = new Map<string, NetworkRecord>();
  /** By ID. */
  readonly endpoints = new Map<string, PlacedEndpoint>();
  /** Hosts that began and did not end. */
  readonly hosts = new Set<FakeCluster>();
  /** How many worlds were made on it. */
  worlds = 0;
  /** What claim(), rename(), release(), createNetwork() and removeNetwork() wrote. */
  writes = 0;

  /** Other endpoints with these addresses, by address. */
  holders({ id, networkId, addresses }: ClusterEndpoint): string[] {
    const wanted = new Set(addresses.map(bare));
    const others = [...this.endpoints.values()].filter((one) => one.networkId === networkId && one.id !== id);
    return others.flatMap((one) => one.addresses.filter((address) => wanted.has(bare(address))));
  }

  changed(): void {
    for (const host of this.hosts) void host.told();
  }

  async told(): Promise<void> {
    await Promise.all([...this.hosts].map(async (host) => host.told()));
  }
}

export class FakeCluster implements Cluster {
  readonly host: ClusterHost;
  /** Belongs to a cluster; otherwise there is no underlay, and no network can be made. */
  member = true;
  /** How many were asked for. */
  claims = 0;
  /** Claims that come while this is set wait for it. */
  claimGate: Promise<void> | undefined;
  mtu = 1500;
  port = 4789;
  readonly followed = new Set<string>();
  /** What this host has, whether or not the store has it now. */
  readonly desired = new Map<string, ClusterEndpoint>();
  readonly #store: FakeClusterStore;
  #listener: ClusterListener | undefined;
  #away = false;
  #closed = false;
  /** What the listener was told: networks by ID; endpoints of other hosts by network and ID. */
  readonly #networks = new Map<string, NetworkRecord>();
  readonly #peers = new Map<string, Map<string, PlacedEndpoint>>();
  readonly #losses: { id: string; reason: string }[] = [];

  constructor(store: FakeClusterStore, host: ClusterHost = { name: 'a', address: '192.0.2.1' }) {
    this.#store = store;
    this.host = host;
  }

  get away(): boolean {
    return this.#away;
  }

  set away(away: boolean) {
    this.#away = away;
    if (away || !this.#listener) return;
    this.#reconcile();
    this.#store.changed();
  }

  /** Its lease is over: of this host the store has nothing now, as after a long partition or the host's death. */
  expire(): void {
    if (!this.#away) throw new Error('the lease of a host that reaches the store does not end');
    this.#takeAway();
  }

  underlay(): Underlay | undefined {
    const { address, secure } = this.host;
    return this.member ? { address, port: this.port, mtu: this.mtu, ...(secure && { secure }) } : undefined;
  }

  hosts(): readonly ClusterHost[] {
    return this.member ? [...this.#store.hosts].map(({ host }) => host) : [];
  }

  begin(
    listener: ClusterListener,
    endpoints: readonly ClusterEndpoint[],
    networks: readonly NetworkRecord[] = [],
  ): void {
    if (this.#listener) throw new Error('begin() was called before');
    for (const endpoint of endpoints) check(endpoint);
    this.#listener = listener;
    for (const endpoint of endpoints) this.desired.set(endpoint.id, endpoint);
    for (const network of networks) this.#networks.set(network.id, network);
    if (!this.member) return;
    this.#store.hosts.add(this);
    if (!this.#away) this.#reconcile();
    this.#store.changed();
  }

  async createNetwork(plan: (networks: readonly NetworkRecord[]) => NetworkRecord): Promise<NetworkRecord> {
    this.#reach();
    const network = plan([...this.#store.networks.values()]);
    if (this.#store.networks.has(network.id)) throw new Error(`network ${network.id} exists`);
    this.#store.networks.set(network.id, network);
    await this.#wrote();
    return network;
  }

  async removeNetwork(networkId: string): Promise<void> {
    this.#reach();
    const network = this.#network(networkId);
    const list = this.#placed(networkId).map(
      ({ id, containerName, host }) => `name:"${containerName}" id:"${id.slice(0, 12)}" host:"${host.name}"`,
    );
    if (list.length > 0) {
      throw forbidden(
        `error while removing network: network ${network.name} has active endpoints (${list.join(', ')})`,
      );
    }
    this.#store.networks.delete(networkId);
    await this.#wrote();
  }

  async follow(networkId: string): Promise<void> {
    this.#begun();
    this.followed.add(networkId);
    this.#reach();
    await this.told();
  }

  unfollow(networkId: string): void {
    this.#begun();
    this.followed.delete(networkId);
    this.#peers.delete(networkId);
  }

  async claim(endpoint: ClusterEndpoint): Promise<readonly string[]> {
    check(endpoint);
    this.claims++;
    this.#reach();
    await this.claimGate;
    this.#reach();
    this.#network(endpoint.networkId);
    const before = this.#store.endpoints.get(endpoint.id);
    if (before && before.addresses.join() !== endpoint.addresses.join()) {
      throw new Error(`endpoint ${endpoint.id} has other addresses`);
    }
    const taken = this.#store.holders(endpoint);
    if (taken.length > 0) return endpoint.addresses.filter((one) => taken.some((other) => bare(other) === bare(one)));
    this.desired.set(endpoint.id, endpoint);
    this.#store.endpoints.set(endpoint.id, { ...endpoint, host: this.host });
    await this.#wrote();
    return [];
  }

  async rename(endpoint: ClusterEndpoint): Promise<void> {
    check(endpoint);
    this.#begun();
    if (!this.desired.has(endpoint.id)) throw new Error(`endpoint ${endpoint.id} is not this host's`);
    this.#reach();
    this.desired.set(endpoint.id, endpoint);
    this.#store.endpoints.set(endpoint.id, { ...endpoint, host: this.host });
    await this.#wrote();
  }

  async release(endpointId: string): Promise<void> {
    this.#begun();
    this.desired.delete(endpointId);
    if (this.#away || !this.member) return;
    if (this.#store.endpoints.delete(endpointId)) await this.#wrote();
  }

  async endpoints(networkId: string): Promise<readonly PlacedEndpoint[]> {
    // A network that is followed is known.
    if (!(this.#away && this.followed.has(networkId))) this.#reach();
    return this.#placed(networkId);
  }

  async close({ keep }: { keep: boolean }): Promise<void> {
    this.#closed = true;
    this.#store.hosts.delete(this);
    if (!keep && !this.#away) this.#takeAway();
    this.#store.changed();
  }

  /** Resolves when the listener was told of all that is in the store now, as far as this host sees it. */
  async told(): Promise<void> {
    await Promise.resolve();
    this.#tell();
  }

  #begun(): void {
    if (!this.#listener) throw new Error('begin() comes first');
    if (this.#closed) throw new Error('close() was called');
  }

  #reach(): void {
    this.#begun();
    if (!this.member) {
      throw unavailable(
        'this host belongs to no cluster: start berthd with --cluster-store etcd://… and --cluster-advertise …, or use `berth cluster init` or `berth cluster join`',
      );
    }
    if (this.#away) throw unavailable('the cluster store does not answer');
  }

  #network(networkId: string): NetworkRecord {
    const found = this.#store.networks.get(networkId);
    if (!found) throw notFound(`network ${networkId} not found`);
    return found;
  }

  #placed(networkId: string): PlacedEndpoint[] {
    return [...this.#store.endpoints.values()].filter((one) => one.networkId === networkId);
  }

  async #wrote(): Promise<void> {
    this.#store.writes++;
    this.#store.changed();
    await this.told();
  }

  #takeAway(): void {
    for (const { id, host } of this.#store.endpoints.values()) {
      if (host.name === this.host.name) this.#store.endpoints.delete(id);
    }
    this.#store.changed();
  }

  /** The store has what this host has, and nothing else of it. */
  #reconcile(): void {
    for (const { id, host } of this.#store.endpoints.values()) {
      if (host.name === this.host.name && !this.desired.has(id)) this.#store.endpoints.delete(id);
    }
    for (const [id, endpoint] of this.desired) {
      const taken = this.#store.holders(endpoint);
      const gone = !this.#store.networks.has(endpoint.networkId);
      if (!gone && taken.length === 0) {
        this.#store.endpoints.set(id, { ...endpoint, host: this.host });
        continue;
      }
      this.desired.delete(id);
      this.#losses.push({ id, reason: gone ? 'its network was removed' : `${taken.join(' ')} is another's now` });
    }
  }

  #tell(): void {
    const listener = this.#listener;
    if (!listener || this.#away || this.#closed || !this.member) return;
    for (const { id, reason } of this.#losses.splice(0)) listener.endpointLost(id, reason);
    for (const [id, network] of this.#store.networks) {
      if (this.#networks.get(id) === network) continue;
      this.#networks.set(id, network);
      listener.networkAdded(network);
    }
    for (const networkId of this.followed) this.#tellPeers(listener, networkId);
    for (const id of this.#networks.keys()) {
      if (this.#store.networks.has(id)) continue;
      this.#networks.delete(id);
      listener.networkRemoved(id);
    }
  }

  #tellPeers(listener: ClusterListener, networkId: string): void {
    const whole = !this.#peers.has(networkId);
    const before = this.#peers.get(networkId) ?? new Map<string, PlacedEndpoint>();
    const now = this.#placed(networkId).filter(({ host }) => host.name !== this.host.name);
    const added = now.filter((one) => before.get(one.id) !== one);
    const removed = [...before.values()].filter(({ id }) => !now.some((one) => one.id === id));
    this.#peers.set(networkId, new Map(now.map((one) => [one.id, one])));
    if (whole) listener.peersChanged(networkId, { added, removed, whole });
    else if (added.length > 0 || removed.length > 0) listener.peersChanged(networkId, { added, removed });
  }
}

const bare = (address: string): string => address.replace(/\/.*/, '');

function check({ id, networkId, addresses, mac, containerName, names }: ClusterEndpoint): void {
  const bad = (what: string): Error => new Error(`bad endpoint: ${what}`);
  if (!/^[0-9a-f]{64}$/.test(id)) throw bad(`id ${id}`);
  if (!/^[0-9a-f]{64}$/.test(networkId)) throw bad(`network ${networkId}`);
  if (!/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(mac)) throw bad(`MAC ${mac}`);
  if (addresses.some((one) => !/^[0-9a-f.:]+\/\d+$/.test(one))) throw bad(`addresses ${addresses.join(' ')}`);
  for (const family of [4, 6]) {
    if (addresses.filter((one) => one.includes(':') === (family === 6)).length > 1) throw bad(`two of IPv${family}`);
  }
  if (addresses.length === 0) throw bad('no address');
  if (containerName.startsWith('/')) throw bad(`name ${containerName}`);
  if (names[0] !== containerName) throw bad('the name of the container comes first');
}

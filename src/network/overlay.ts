/**
 * Networks that span hosts, on this host: there while a container of this host is on them. What other hosts have on them is told by the
 * cluster and kept in the store, so that a daemon that starts while the cluster store is away knows its peers.
 */
import type { HostRule, PeerPlan, TunnelPlan } from '../drivers/plan.ts';
import { forbidden, messageOf, unavailable } from '../errors.ts';
import { parsePrefix } from '../ipam/address.ts';
import type { SandboxNames } from './attendant.ts';
import type { ClusterHost, ClusterListener, PlacedEndpoint } from './cluster.ts';
import { disconnectEndpoint } from './connect.ts';
import type { NetworkContext } from './context.ts';
import { lowerNetwork, raiseNetwork } from './network-life.ts';
import { clusterEndpoint } from './claims.ts';
import type { NetworkRecord } from './records.ts';
import { isEncrypted, needWireguard, secureDevice, securely } from './secure.ts';
import { SecureLink } from './secure-link.ts';
import { placed } from './sandbox-record.ts';
import { firstOverlap, takenByNetworks } from './taken.ts';
import { TunnelHosts } from './tunnel-hosts.ts';

interface Present {
  network: NetworkRecord;
  /** Containers on their way to it: it stays for them, too. */
  coming: number;
  /** Endpoints of other hosts, by ID. */
  peers: Map<string, PlacedEndpoint>;
  /** The network is up and its peers are known; rejects when it could not be made. */
  ready: Promise<void>;
}

export class OverlayNetworks implements ClusterListener {
  readonly #context: NetworkContext;
  readonly #present = new Map<string, Present>();
  /** Network → the end of its bridge: whoever comes next waits for it. */
  readonly #leaving = new Map<string, Promise<void>>();
  /** Removed elsewhere while this host took part in them. */
  readonly #removed = new Set<string>();
  /** Of the encrypted ones among them. */
  readonly secure: SecureLink;
  readonly hosts: TunnelHosts;

  constructor(context: NetworkContext) {
    this.#context = context;
    this.secure = new SecureLink(context, () => this.#secureHosts());
    this.hosts = new TunnelHosts(context);
  }

  #secureHosts(): readonly ClusterHost[] | undefined {
    const encrypted = [...this.#present.values()].filter(({ network }) => isEncrypted(network));
    if (encrypted.length === 0) return undefined;
    return encrypted.flatMap(({ peers }) => [...peers.values()].map(({ host }) => host));
  }

  /** Those that are here and need this link of the host. */
  onLink(name: string): readonly string[] {
    if (secureDevice(this.#context.deps.execRoot).name !== name) return [];
    return [...this.#present.values()].flatMap(({ network }) => (isEncrypted(network) ? network.id : []));
  }

  /** Whether this host takes part in it: then it has a bridge, a tunnel and rules. */
  has(networkId: string): boolean {
    return this.#present.has(networkId);
  }

  /** Endpoints of other hosts, as they were told last. */
  known(networkId: string): readonly PlacedEndpoint[] {
    return [...(this.#present.get(networkId)?.peers.values() ?? [])];
  }

  /** Of this host on any of them, by name. */
  containers(): string[] {
    const { state } = this.#context;
    const attached = [...this.#present.keys()].flatMap((networkId) => state.endpointsOf(networkId));
    return [...new Set(attached.map(({ sandbox }) => sandbox.containerName))];
  }

  /** Makes the network on this host unless it is there. It stays until leave() was called as often and no endpoint is on it. */
  async enter(network: NetworkRecord): Promise<void> {
    const { id } = network;
    for (let end = this.#leaving.get(id); end; end = this.#leaving.get(id)) await end;
    let present = this.#present.get(id);
    if (!present) {
      present = { network, coming: 0, peers: new Map(), ready: Promise.resolve() };
      this.#present.set(id, present);
      present.ready = this.#make(network);
    }
    present.coming++;
    try {
      await present.ready;
    } catch (error) {
      this.leave(id);
      throw error;
    }
  }

  /** After enter(). The network goes when nobody is on it. */
  leave(networkId: string): void {
    const present = this.#present.get(networkId);
    if (!present) return;
    present.coming--;
    this.leaveUnused(networkId);
  }

  /** An endpoint of this host's is gone. */
  leaveUnused(networkId: string): void {
    const { state, deps } = this.#context;
    const present = this.#present.get(networkId);
    if (!present || present.coming > 0 || state.inUse(networkId) || this.#leaving.has(networkId)) return;
    this.#present.delete(networkId);
    deps.cluster.unfollow(networkId);
    const leftBehind = (error: unknown): void =>
      deps.log.warn('a network that spans hosts left something behind', { error: messageOf(error) });
    const end = present.ready
      .then(
        async () => lowerNetwork(this.#context, present.network),
        () => undefined,
      )
      .catch(leftBehind)
      .then(async () => (isEncrypted(present.network) ? this.secure.release() : undefined))
      .catch(leftBehind)
      .then(async () => this.#forget(networkId, [...present.peers.values()]))
      .finally(() => {
        if (this.#removed.delete(networkId)) state.deleteNetwork(networkId);
        this.#leaving.delete(networkId);
        this.#context.leaving.delete(end);
      });
    this.#leaving.set(networkId, end);
    this.#context.leaving.add(end);
  }

  async #make(network: NetworkRecord): Promise<void> {
    const { deps } = this.#context;
    if (!deps.cluster.underlay()) {
      throw unavailable(`network ${network.name} spans the hosts of a cluster, and this host belongs to none`);
    }
    this.#refuseOverlap(network);
    if (isEncrypted(network)) {
      needWireguard(deps.cluster.underlay(), `use the encrypted network ${network.name} on this host`);
      await this.secure.settled();
    }
    await using undo = new AsyncDisposableStack();
    undo.defer(() => deps.cluster.unfollow(network.id));
    // Both take milliseconds, and neither needs the other.
    const raised = raiseNetwork(this.#context, network);
    const [first, second] = await Promise.allSettled([raised, deps.cluster.follow(network.id)]);
    if (first.status === 'fulfilled') undo.defer(async () => lowerNetwork(this.#context, network));
    for (const result of [first, second]) if (result.status === 'rejected') throw result.reason;
    await this.setPeers(network);
    undo.move();
  }

  /** The host that made the network saw its own networks only. */
  #refuseOverlap(network: NetworkRecord): void {
    const others = takenByNetworks(
      this.#context.state.networks().filter(({ id, driver }) => id !== network.id && driver !== 'overlay'),
    );
    for (const { subnet } of network.subnets) {
      const prefix = parsePrefix(subnet);
      const clash = prefix && firstOverlap(others, prefix);
      if (!clash) continue;
      throw forbidden(
        `network ${network.name} cannot be used on this host: its subnet ${subnet} overlaps with ${clash.holder}`,
      );
    }
  }

  /** At the start: networks of containers that run on are taken over, with the peers that were known. */
  async resume(): Promise<void> {
    const { deps, state } = this.#context;
    const stored = Map.groupBy(deps.store.list<PlacedEndpoint>('peer'), ({ networkId }) => networkId);
    const mine = state.sandboxes().flatMap(({ sandbox, endpoints }) =>
      placed(this.#context, endpoints)
        .filter(({ network }) => network.driver === 'overlay')
        .map(({ endpoint }) => clusterEndpoint(sandbox, endpoint)),
    );
    const networks = new Set(mine.map(({ networkId }) => networkId));
    for (const [networkId, peers] of stored) if (!networks.has(networkId)) await this.#forget(networkId, peers);
    const known = state.networks().filter(({ driver }) => driver === 'overlay');
    deps.cluster.begin(this, mine, known);
    for (const networkId of networks) {
      const network = state.network(networkId);
      if (!network) continue;
      const peers = stored.get(networkId) ?? [];
      this.#present.set(networkId, {
        network,
        coming: 0,
        peers: new Map(peers.map((peer) => [peer.id, peer])),
        ready: Promise.resolve(),
      });
      for (const peer of peers) {
        state.addresses.occupy(networkId, peer.addresses, peer.id);
        this.hosts.put(peer.id, this.#hostRule(network, peer));
      }
      await Promise.all(peers.map(async (peer) => deps.attendant.putNames(namesOf(peer, network))));
      // Nobody waits for it: the cluster store may be away. It is followed all the same.
      deps.cluster.follow(networkId).catch((error: unknown) => {
        deps.log.warn('the cluster cannot be asked who else is on a network: what was known last holds', {
          network: network.name,
          error: messageOf(error),
        });
      });
    }
    this.secure.update();
  }

  /** At the start, when the tunnels are there: only what this daemon has set can it change. */
  takeOver(): void {
    for (const { network } of this.#present.values()) {
      this.setPeers(network).catch((error: unknown) => {
        this.#context.deps.log.warn('a network does not know where its containers on other hosts are', {
          network: network.name,
          error: messageOf(error),
        });
      });
    }
  }

  /** The tunnel, and the link that it needs. */
  ensureTunnel(tunnel: TunnelPlan): void {
    if (tunnel.link !== undefined) this.secure.ensure();
    this.#context.deps.kernel.ensureTunnel(tunnel);
  }

  /** The tunnel of a network that was made, or made again, learns where everybody is. */
  async setPeers(network: NetworkRecord): Promise<void> {
    const tunnel = this.#tunnelOf(network);
    const peers = this.#present.get(network.id)?.peers.values() ?? [];
    if (tunnel) await this.#context.deps.kernel.setPeers(tunnel, peerPlans(network, [...peers]));
  }

  #tunnelOf(network: NetworkRecord): TunnelPlan | undefined {
    return this.#context.driverOf(network).planNetwork(this.#context.configOf(network)).tunnel;
  }

  networkAdded(network: NetworkRecord): void {
    this.#context.state.putNetwork(network);
  }

  networkRemoved(networkId: string): void {
    if (this.#present.has(networkId)) this.#removed.add(networkId);
    else this.#context.state.deleteNetwork(networkId);
  }

  peersChanged(
    networkId: string,
    change: { added: readonly PlacedEndpoint[]; removed: readonly PlacedEndpoint[]; whole?: boolean },
  ): void {
    const present = this.#present.get(networkId);
    if (!present) return;
    const { network } = present;
    const told = new Set(change.added.map(({ id }) => id));
    const stale = change.whole === true ? [...present.peers.values()].filter(({ id }) => !told.has(id)) : [];
    const known = new Map([...present.peers].filter(([id]) => told.has(id)));
    const removed = [...change.removed, ...stale];
    this.#learn(network, present.peers, removed, change.added);
    // One that only has another name is where it was.
    const added = change.added.filter((peer) => !samePlace(network, known.get(peer.id), peer));
    const moved = added.flatMap(({ id }) => known.get(id) ?? []);
    const tunnel = this.#tunnelOf(network);
    if (isEncrypted(network)) this.secure.update();
    try {
      const plan = { add: peerPlans(network, added), remove: peerPlans(network, [...removed, ...moved]) };
      if (tunnel && plan.add.length + plan.remove.length > 0) this.#context.deps.kernel.changePeers(tunnel, plan);
    } catch (error) {
      // The tunnel may be gone, or not there yet: whoever makes it sets all its peers.
      this.#context.deps.log.warn('containers of other hosts cannot be reached yet', {
        network: network.name,
        error: messageOf(error),
      });
    }
    void this.#tellNames(network, removed, change.added);
  }

  #learn(
    network: NetworkRecord,
    peers: Map<string, PlacedEndpoint>,
    removed: readonly PlacedEndpoint[],
    added: readonly PlacedEndpoint[],
  ): void {
    const { deps, state } = this.#context;
    deps.store.transaction(() => {
      for (const { id } of removed) {
        deps.store.delete('peer', id);
        state.addresses.vacate(network.id, peers.get(id)?.addresses ?? [], id);
        this.hosts.drop(id);
        peers.delete(id);
      }
      for (const peer of added) {
        deps.store.put('peer', peer.id, peer);
        state.addresses.occupy(network.id, peer.addresses, peer.id);
        this.hosts.put(peer.id, this.#hostRule(network, peer));
        peers.set(peer.id, peer);
      }
    });
    this.hosts.tell();
  }

  /** From where its packets come. */
  #hostRule(network: NetworkRecord, peer: PlacedEndpoint): HostRule | undefined {
    const [plan] = peerPlans(network, [peer]);
    const port = this.#context.deps.cluster.underlay()?.port;
    return plan && port !== undefined ? { address: plan.host, port } : undefined;
  }

  async #tellNames(
    network: NetworkRecord,
    removed: readonly PlacedEndpoint[],
    added: readonly PlacedEndpoint[],
  ): Promise<void> {
    const { attendant, log } = this.#context.deps;
    const work = [
      ...removed.map(async ({ id }) => attendant.dropNames(peerOwner(id))),
      ...added.map(async (peer) => attendant.putNames(namesOf(peer, network))),
    ];
    const failed = (await Promise.allSettled(work)).find(({ status }) => status === 'rejected');
    if (failed?.status !== 'rejected') return;
    log.warn('names of containers on other hosts are not all known', {
      network: network.name,
      error: messageOf(failed.reason),
    });
  }

  /** Nothing of the network's peers is needed any more. */
  async #forget(networkId: string, peers: readonly PlacedEndpoint[]): Promise<void> {
    const { deps, state } = this.#context;
    deps.store.transaction(() => {
      for (const { id } of peers) deps.store.delete('peer', id);
    });
    for (const { id, addresses } of peers) {
      state.addresses.vacate(networkId, addresses, id);
      this.hosts.drop(id);
    }
    this.hosts.tell();
    await Promise.allSettled(peers.map(async ({ id }) => deps.attendant.dropNames(peerOwner(id))));
  }

  endpointLost(endpointId: string, reason: string): void {
    const { state, deps } = this.#context;
    const found = state
      .sandboxes()
      .flatMap(({ sandbox, endpoints }) => endpoints.map((endpoint) => ({ sandbox, endpoint })))
      .find(({ endpoint }) => endpoint.id === endpointId);
    if (!found) return;
    const { sandbox, endpoint } = found;
    deps.log.error('a container is taken off a network that spans hosts: connect it again', {
      container: sandbox.containerName,
      network: state.network(endpoint.networkId)?.name,
      reason,
    });
    disconnectEndpoint(this.#context, sandbox.containerId, endpoint.networkId, { force: true }).catch(
      (error: unknown) => deps.log.warn('it could not be taken off it', { error: messageOf(error) }),
    );
  }
}

/** Whose names they are for the resolver. */
const peerOwner = (endpointId: string): string => `peer:${endpointId}`;

const bare = (address: string): string => address.replace(/\/.*$/, '');

/** Those that frames can be sent to: of an encrypted network nothing goes to a host that has no WireGuard. */
const peerPlans = (network: NetworkRecord, endpoints: readonly PlacedEndpoint[]): PeerPlan[] =>
  endpoints.flatMap(({ mac, addresses, host: { address, secure } }) => {
    const host = isEncrypted(network) ? securely(secure) : address;
    return host === undefined ? [] : [{ mac, addresses: addresses.map(bare), host }];
  });

const samePlace = (network: NetworkRecord, a: PlacedEndpoint | undefined, b: PlacedEndpoint): boolean =>
  a !== undefined && JSON.stringify(peerPlans(network, [a])) === JSON.stringify(peerPlans(network, [b]));

const namesOf = ({ id, addresses, names }: PlacedEndpoint, network: NetworkRecord): SandboxNames => ({
  sandboxId: peerOwner(id),
  namespacePath: '',
  nameservers: [],
  forward: false,
  endpoints: [{ networkId: network.id, networkName: network.name, addresses: addresses.map(bare), names, links: {} }],
});

/**
 * Networks that span hosts, on this host: there while a container of this host is on them. The cluster tells of networks, and who is on
 * them elsewhere (peers.ts).
 */
import { overlayDriver } from '../drivers/overlay/driver.ts';
import type { TunnelPlan } from '../drivers/plan.ts';
import { forbidden, messageOf, unavailable } from '../errors.ts';
import { parsePrefix } from '../ipam/address.ts';
import { clusterEndpoint } from './claims.ts';
import type { ClusterHost, ClusterListener, PlacedEndpoint } from './cluster.ts';
import { disconnectEndpoint } from './connect.ts';
import type { NetworkContext } from './context.ts';
import { lowerNetwork, raiseNetwork } from './network-life.ts';
import { NetworkPeers } from './peers.ts';
import type { PeerChange } from './peers.ts';
import type { NetworkRecord } from './records.ts';
import { placed } from './sandbox-record.ts';
import { SecureLink } from './secure-link.ts';
import { isEncrypted, needWireguard, secureDevice } from './secure.ts';
import { firstOverlap, takenByNetworks } from './taken.ts';
import { TunnelHosts } from './tunnel-hosts.ts';

interface Present {
  network: NetworkRecord;
  /** Containers on their way to it: it stays for them, too. */
  coming: number;
  peers: NetworkPeers;
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

  #secureHosts(): Iterable<ClusterHost> | undefined {
    for (const { network } of this.#present.values()) if (isEncrypted(network)) return this.#hostsOfEncrypted();
    return undefined;
  }

  *#hostsOfEncrypted(): Generator<ClusterHost> {
    for (const { network, peers } of this.#present.values()) if (isEncrypted(network)) yield* peers.hosts();
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
    return this.#present.get(networkId)?.peers.all() ?? [];
  }

  /** Of this host on any of them, by name. */
  containers(): string[] {
    const { state } = this.#context;
    const attached = [...this.#present.keys()].flatMap((networkId) => state.endpointsOf(networkId));
    return [...new Set(attached.map(({ sandbox }) => sandbox.containerName))];
  }

  /**
   * Makes the network on this host unless it is there. It stays until what comes back was called, or as long as an endpoint is on it.
   */
  async enter(network: NetworkRecord): Promise<() => void> {
    const { id } = network;
    for (let end = this.#leaving.get(id); end; end = this.#leaving.get(id)) await end;
    const present = this.#present.get(id) ?? this.#begin(network);
    present.coming++;
    const leave = (): void => {
      present.coming--;
      this.#end(present);
    };
    try {
      await present.ready;
      return leave;
    } catch (error) {
      leave();
      throw error;
    }
  }

  /** An endpoint of this host's is gone. */
  leaveUnused(networkId: string): void {
    const present = this.#present.get(networkId);
    if (present) this.#end(present);
  }

  #begin(network: NetworkRecord): Present {
    const peers = new NetworkPeers(this.#context, network, this.hosts);
    const present: Present = { network, coming: 0, peers, ready: Promise.resolve() };
    this.#present.set(network.id, present);
    present.ready = this.#make(present);
    return present;
  }

  /** Unless somebody is on it, or on his way. */
  #end(present: Present): void {
    const { state, deps, leaving } = this.#context;
    const { network, peers } = present;
    if (present.coming > 0 || state.inUse(network.id) || this.#present.get(network.id) !== present) return;
    this.#present.delete(network.id);
    deps.cluster.unfollow(network.id);
    const leftBehind = (error: unknown): void =>
      deps.log.warn('a network that spans hosts left something behind', { error: messageOf(error) });
    const end = present.ready
      .then(
        async () => lowerNetwork(this.#context, network),
        () => undefined,
      )
      .catch(leftBehind)
      .then(async () => (isEncrypted(network) ? this.secure.release() : undefined))
      .catch(leftBehind)
      .then(async () => peers.forget())
      .then(() => {
        if (this.#removed.delete(network.id)) state.deleteNetwork(network.id);
      })
      .catch(leftBehind)
      .finally(() => {
        this.#leaving.delete(network.id);
        leaving.delete(end);
      });
    this.#leaving.set(network.id, end);
    leaving.add(end);
  }

  async #make({ network, peers }: Present): Promise<void> {
    const { cluster } = this.#context.deps;
    if (!cluster.underlay()) {
      throw unavailable(`network ${network.name} spans the hosts of a cluster, and this host belongs to none`);
    }
    // Another host wrote them, perhaps of another version.
    overlayDriver.checkOptions(network.options);
    this.#refuseOverlap(network);
    if (isEncrypted(network)) {
      needWireguard(cluster.underlay(), `use the encrypted network ${network.name} on this host`);
      await this.secure.settled();
    }
    await using undo = new AsyncDisposableStack();
    undo.defer(() => cluster.unfollow(network.id));
    // Both take milliseconds, and neither needs the other.
    const raised = raiseNetwork(this.#context, network);
    const [first, second] = await Promise.allSettled([raised, cluster.follow(network.id)]);
    if (first.status === 'fulfilled') undo.defer(async () => lowerNetwork(this.#context, network));
    for (const result of [first, second]) if (result.status === 'rejected') throw result.reason;
    await peers.set();
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
    const inUse = new Set(mine.map(({ networkId }) => networkId));
    for (const [networkId, peers] of stored) {
      if (!inUse.has(networkId)) for (const { id } of peers) deps.store.delete('peer', id);
    }
    const known = state.networks().filter(({ driver }) => driver === 'overlay');
    const here = known.filter(({ id }) => inUse.has(id));
    // All of them before anybody is told of anything: one may be gone.
    for (const network of here) {
      const peers = new NetworkPeers(this.#context, network, this.hosts);
      this.#present.set(network.id, { network, coming: 0, peers, ready: Promise.resolve() });
    }
    deps.cluster.begin(this, mine, known);
    for (const network of here) {
      await this.#present.get(network.id)?.peers.resume(stored.get(network.id) ?? []);
      if (!this.#present.has(network.id)) continue;
      // Nobody waits for it: the cluster store may be away. It is followed all the same.
      deps.cluster.follow(network.id).catch((error: unknown) => {
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
    for (const { network } of this.#present.values()) this.setPeers(network.id);
  }

  /** The tunnel, and the link that it needs. */
  ensureTunnel(tunnel: TunnelPlan): void {
    if (tunnel.link !== undefined) this.secure.ensure();
    this.#context.deps.kernel.ensureTunnel(tunnel);
  }

  /** The tunnel was made again, or is another daemon's work. Ends some time later where there are thousands. */
  setPeers(networkId: string): void {
    this.#present.get(networkId)?.peers.setSoon();
  }

  networkAdded(network: NetworkRecord): void {
    // A store that was restored may have it again.
    this.#removed.delete(network.id);
    this.#context.state.putNetwork(network);
  }

  networkRemoved(networkId: string): void {
    if (this.#present.has(networkId)) this.#removed.add(networkId);
    else this.#context.state.deleteNetwork(networkId);
  }

  peersChanged(networkId: string, change: PeerChange): void {
    const present = this.#present.get(networkId);
    if (!present) return;
    present.peers.change(change, () => {
      if (isEncrypted(present.network)) this.secure.update();
    });
  }

  endpointLost(endpointId: string, reason: string): void {
    const { state, deps } = this.#context;
    const found = state
      .sandboxes()
      .flatMap(({ sandbox, endpoints }) => endpoints.map((endpoint) => ({ sandbox, endpoint })))
      .find(({ endpoint }) => endpoint.id === endpointId);
    // Of one that is being closed all is given back anyway.
    if (!found || this.#context.closing.has(found.sandbox.id)) return;
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

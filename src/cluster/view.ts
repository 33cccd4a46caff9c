/**
 * The cluster as it was told here: networks and hosts always, endpoints of the networks that are followed. Read whole first, then kept up
 * by watches; read again when they missed something, and then only differences are told.
 */
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { ClusterListener } from '../network/cluster.ts';
import type { NetworkRecord } from '../network/records.ts';
import type { Claims } from './claims.ts';
import type { Contact } from './contact.ts';
import type { KeyValue, Watch, WatchEvent } from './etcd/port.ts';
import { Hosts } from './hosts.ts';
import type { ClusterKeys } from './keys.ts';
import { ClusterNetworks } from './networks.ts';
import { Peers } from './peers.ts';
import type { PeersChange } from './peers.ts';

/** Bad records that are logged, so that a host gone wrong does not fill the log. */
const MAX_REPORTED = 1000;

export interface Followed {
  networkId: string;
  peers: Peers;
  /** They were told, and are as the store has them but for what the watch has still to tell. */
  synced: boolean;
  watch: Watch | undefined;
}

export interface ViewParts {
  contact: Contact;
  keys: ClusterKeys;
  claims: Claims;
  listener: ClusterListener;
  log: Logger;
  hostId: string;
  /** Known from before. */
  networks: readonly NetworkRecord[];
  followed: Iterable<string>;
  /** Something was missed: everything must be read again. */
  missed: (this: void) => void;
  /** Something of this host's is not in the store as it should be. */
  unsettled: (this: void) => void;
}

/** All of networks/ and hosts/, at one revision. */
export interface Snapshot {
  networks: readonly NetworkRecord[];
  hosts: readonly KeyValue[];
  revision: bigint;
}

/** All of one network's endpoints. */
export interface PeersSnapshot {
  kvs: readonly KeyValue[];
  revision: bigint;
}

export class View {
  readonly networks: ClusterNetworks;
  readonly hosts: Hosts;
  readonly followed = new Map<string, Followed>();
  readonly #parts: ViewParts;
  readonly #reported = new Set<string>();
  #watches: Watch[] = [];
  /** The highest that a watch told or a read gave. */
  revision = 0n;
  #ended = false;

  constructor(parts: ViewParts) {
    const { contact, keys, networks, followed } = parts;
    this.#parts = parts;
    this.networks = new ClusterNetworks(contact, keys, this.#report, networks);
    this.hosts = new Hosts(keys.hosts, this.#report);
    for (const networkId of followed) this.follow(networkId);
  }

  async read(): Promise<Snapshot> {
    const { contact, keys } = this.#parts;
    const { results, revision } = await contact.read([{ prefix: keys.networks }, { prefix: keys.hosts }]);
    const [networks = [], hosts = []] = results;
    return { networks: this.networks.decode(networks), hosts, revision };
  }

  async readPeers(networkId: string): Promise<PeersSnapshot> {
    return this.#parts.contact.get({ prefix: this.#parts.keys.endpoints(networkId) });
  }

  /** Networks that were to be followed while the store was away. */
  async catchUp(): Promise<void> {
    const late = [...this.followed.values()].filter(({ synced }) => !synced);
    await Promise.all(late.map(async (one) => this.showPeers(one, await this.readPeers(one.networkId))));
  }

  /** Of all networks that are followed, and of `others`; by network. */
  async readAllPeers(others: readonly string[]): Promise<Map<string, PeersSnapshot>> {
    const ids = [...new Set([...this.followed.keys(), ...others])];
    return new Map(await Promise.all(ids.map(async (id) => [id, await this.readPeers(id)] as const)));
  }

  /** Tells what is new in it, and whatever happens from then on. `anew`: its revisions do not go on from those of before. */
  show(snapshot: Snapshot, peers: ReadonlyMap<string, PeersSnapshot>, anew: boolean): void {
    const { listener } = this.#parts;
    const { networks, hosts, revision } = snapshot;
    if (anew) this.revision = 0n;
    this.hosts.replace(hosts);
    const { added, removed } = this.networks.replace(networks);
    for (const network of added) this.#tell(() => listener.networkAdded(network));
    for (const [networkId, one] of peers) {
      const followed = this.followed.get(networkId);
      if (followed) this.showPeers(followed, one);
      else this.#checkOwn(networkId, one);
    }
    for (const id of removed) this.#networkRemoved(id);
    this.#watchAll(revision);
    this.#progress(revision);
    this.networks.told(revision, anew);
  }

  #watchAll(revision: bigint): void {
    const { keys, listener } = this.#parts;
    this.#watches = [
      this.#watch(keys.networks, revision, (events, at) => {
        for (const change of this.networks.apply(events)) {
          if ('added' in change) this.#tell(() => listener.networkAdded(change.added));
          else this.#networkRemoved(change.removed);
        }
        this.networks.told(at);
      }),
      this.#watch(keys.hosts, revision, (events) => this.hosts.apply(events)),
    ];
  }

  /** From the revision after this one on. */
  #watch(prefix: string, revision: bigint, changed: (events: readonly WatchEvent[], revision: bigint) => void): Watch {
    let stopped = false;
    const watch = this.#parts.contact.watch({ prefix }, revision + 1n, {
      events: (header, events) => {
        if (stopped) return;
        changed(events, header.revision);
        this.#progress(header.revision);
      },
      compacted: () => {
        if (!stopped) this.#parts.missed();
      },
    });
    return {
      close: () => {
        stopped = true;
        watch.close();
      },
    };
  }

  /** Nothing is told until it is shown again. */
  stopWatching(): void {
    for (const watch of this.#watches.splice(0)) watch.close();
    for (const one of this.followed.values()) {
      one.watch?.close();
      one.watch = undefined;
    }
  }

  /** Nothing is told any more. */
  end(): void {
    this.#ended = true;
    this.stopWatching();
  }

  follow(networkId: string): Followed {
    const known = this.followed.get(networkId);
    if (known) return known;
    const one = { networkId, peers: this.peersOf(networkId), synced: false, watch: undefined };
    this.followed.set(networkId, one);
    return one;
  }

  unfollow(networkId: string): void {
    this.followed.get(networkId)?.watch?.close();
    this.followed.delete(networkId);
  }

  /** Empty at first. */
  peersOf(networkId: string): Peers {
    const { keys, hostId } = this.#parts;
    return new Peers(networkId, {
      prefix: keys.endpoints(networkId),
      hostId,
      hostOf: this.hosts.share,
      bad: this.#report,
    });
  }

  /** A network that is not followed, though endpoints of this host are on it. */
  #checkOwn(networkId: string, { kvs, revision }: PeersSnapshot): void {
    const peers = this.peersOf(networkId);
    peers.replace(kvs);
    if (this.#parts.claims.compare(networkId, peers.own(), revision)) this.#parts.unsettled();
  }

  showPeers(one: Followed, { kvs, revision }: PeersSnapshot): void {
    const { claims, keys, unsettled } = this.#parts;
    const { networkId, peers } = one;
    if (this.followed.get(networkId) !== one) return;
    const change = peers.replace(kvs);
    this.#tellPeers(networkId, one.synced ? change : { ...change, whole: true });
    one.synced = true;
    if (claims.compare(networkId, peers.own(), revision)) unsettled();
    one.watch?.close();
    one.watch = this.#watch(keys.endpoints(networkId), revision, (events) => {
      this.#tellPeers(networkId, peers.apply(events));
      for (const event of events) {
        const { key, modRevision } = event.kind === 'put' ? event.kv : event;
        if (claims.touched(key, modRevision)) unsettled();
      }
    });
    this.#progress(revision);
  }

  #tellPeers(networkId: string, change: PeersChange & { whole?: true }): void {
    if (change.added.length + change.removed.length === 0 && !change.whole) return;
    this.#tell(() => this.#parts.listener.peersChanged(networkId, change));
  }

  /** Who was on it is told first. */
  #networkRemoved(networkId: string): void {
    this.#parts.claims.loseNetwork(networkId);
    this.tellLosses();
    const followed = this.followed.get(networkId);
    if (followed?.synced) this.#tellPeers(networkId, followed.peers.replace([]));
    this.unfollow(networkId);
    this.#tell(() => this.#parts.listener.networkRemoved(networkId));
    this.#parts.unsettled();
  }

  tellLosses(): void {
    for (const { endpointId, reason } of this.#parts.claims.takeLosses()) {
      this.#tell(() => this.#parts.listener.endpointLost(endpointId, reason));
    }
  }

  /** This host leaves the cluster: nothing of it is left here. Endpoints of this host's are lost before. */
  clear(): void {
    for (const networkId of this.networks.replace([]).removed) this.#networkRemoved(networkId);
    this.hosts.replace([]);
  }

  #tell(body: () => void): void {
    if (this.#ended) return;
    try {
      body();
    } catch (error) {
      this.#parts.log.error('a change in the cluster could not be followed', { error: messageOf(error) });
    }
  }

  #progress(revision: bigint): void {
    if (revision > this.revision) this.revision = revision;
  }

  readonly #report = (key: string, problem: string): void => {
    if (this.#reported.has(key) || this.#reported.size >= MAX_REPORTED) return;
    this.#reported.add(key);
    this.#parts.log.warn('a record in the cluster store is left out: it is not to be understood', { key, problem });
  };
}

/**
 * Endpoints of one network on other hosts: their addresses are taken here, their frames go to their hosts, their names are found. They
 * are in the store as well, so that a daemon that starts while the cluster store is away knows them.
 */
import type { HostRule, PeerPlan, TunnelPlan } from '../drivers/plan.ts';
import { messageOf } from '../errors.ts';
import { contains, formatAddress, parseInterface, parsePrefix } from '../ipam/address.ts';
import type { NamesElsewhere } from './attendant.ts';
import type { ClusterHost, PlacedEndpoint } from './cluster.ts';
import type { NetworkContext } from './context.ts';
import type { NetworkRecord } from './records.ts';
import { isEncrypted, securely } from './secure.ts';
import type { TunnelHosts } from './tunnel-hosts.ts';

/** So many are set in turns of some milliseconds instead of in one: each takes some 10 µs of the kernel's time, and as much of ours. */
const MANY = 500;

export interface PeerChange {
  added: readonly PlacedEndpoint[];
  removed: readonly PlacedEndpoint[];
  /** There are no others than those that were added. */
  whole?: boolean;
}

export class NetworkPeers {
  readonly #context: NetworkContext;
  readonly #network: NetworkRecord;
  readonly #hosts: TunnelHosts;
  /** By ID. */
  readonly #known = new Map<string, PlacedEndpoint>();
  /** The tunnel has, or is being told, all that is known. Before that there is no use in telling it of changes. */
  #isSet = false;

  constructor(context: NetworkContext, network: NetworkRecord, hosts: TunnelHosts) {
    this.#context = context;
    this.#network = network;
    this.#hosts = hosts;
  }

  all(): PlacedEndpoint[] {
    return [...this.#known.values()];
  }

  /** Where they are, each as often as it has endpoints. */
  *hosts(): Generator<ClusterHost> {
    for (const { host } of this.#known.values()) yield host;
  }

  /** Those that a daemon before this one knew. The tunnel has them already, or will be set. */
  async resume(stored: readonly PlacedEndpoint[]): Promise<void> {
    for (const peer of stored) this.#learn(peer);
    await this.#tellNames([], stored);
  }

  /** The tunnel, which was made, or made again, learns where everybody is. */
  async set(): Promise<void> {
    const tunnel = this.#tunnel();
    this.#isSet = true;
    if (tunnel) await this.#context.deps.kernel.setPeers(tunnel, this.#plans(this.all()));
  }

  /** The same, for whom nobody waits. */
  setSoon(): void {
    this.set().catch((error: unknown) => {
      this.#context.deps.log.warn('a network does not know where its containers on other hosts are', {
        network: this.#network.name,
        error: messageOf(error),
      });
    });
  }

  /** `prepare`: when they are known, and nothing is sent to them yet. */
  change({ added: all, removed, whole = false }: PeerChange, prepare: () => void): void {
    const { deps } = this.#context;
    const added = all.flatMap((peer) => this.#sensible(peer));
    const told = new Set(added.map(({ id }) => id));
    const gone = [...removed, ...(whole ? this.all().filter(({ id }) => !told.has(id)) : [])];
    // One that only has another name is where it was.
    const placed = added.filter((peer) => !this.#isThere(peer));
    const moved = placed.flatMap(({ id }) => this.#known.get(id) ?? []);
    deps.store.transaction(() => {
      for (const { id } of gone) {
        deps.store.delete('peer', id);
        this.#unlearn(id);
      }
      for (const peer of added) {
        deps.store.put('peer', peer.id, peer);
        this.#learn(peer);
      }
    });
    this.#hosts.tell();
    prepare();
    this.#send({ add: this.#plans(placed), remove: this.#plans([...gone, ...moved]) });
    void this.#tellNames(gone, added);
  }

  /** Nothing of them is needed any more. */
  async forget(): Promise<void> {
    const { deps } = this.#context;
    const all = this.all();
    deps.store.transaction(() => {
      for (const { id } of all) deps.store.delete('peer', id);
    });
    for (const { id } of all) this.#unlearn(id);
    this.#hosts.tell();
    await this.#tellNames(all, []);
  }

  /** Without addresses that no container of the network can have: another host may be wrong, or worse. Not at all when none is left. */
  #sensible(peer: PlacedEndpoint): PlacedEndpoint[] {
    const addresses = peer.addresses.filter((text) => this.#isAddress(text));
    if (addresses.length === peer.addresses.length) return [peer];
    this.#context.deps.log.warn('another host says of a container that it has an address that is not for containers', {
      network: this.#network.name,
      host: peer.host.name,
      addresses: peer.addresses.join(' '),
    });
    return addresses.length > 0 ? [{ ...peer, addresses }] : [];
  }

  /** In a subnet of the network, and not its gateway: this host would answer for it. */
  #isAddress(text: string): boolean {
    const address = parseInterface(text)?.address;
    return (
      address !== undefined &&
      this.#network.subnets.some(({ subnet, gateway }) => {
        const prefix = parsePrefix(subnet);
        return prefix?.family === address.family && contains(prefix, address) && formatAddress(address) !== gateway;
      })
    );
  }

  #learn(peer: PlacedEndpoint): void {
    const { addresses } = this.#context.state;
    // Its host says which it has, and may say something else.
    addresses.vacate(this.#network.id, this.#known.get(peer.id)?.addresses ?? [], peer.id);
    addresses.occupy(this.#network.id, peer.addresses, peer.id);
    this.#hosts.put(peer.id, this.#hostRule(peer));
    this.#known.set(peer.id, peer);
  }

  #unlearn(id: string): void {
    this.#context.state.addresses.vacate(this.#network.id, this.#known.get(id)?.addresses ?? [], id);
    this.#hosts.drop(id);
    this.#known.delete(id);
  }

  /** From where its packets come. */
  #hostRule(peer: PlacedEndpoint): HostRule | undefined {
    const [plan] = this.#plans([peer]);
    const port = this.#context.deps.cluster.underlay()?.port;
    return plan && port !== undefined ? { address: plan.host, port } : undefined;
  }

  #tunnel(): TunnelPlan | undefined {
    return this.#context.driverOf(this.#network).planNetwork(this.#context.configOf(this.#network)).tunnel;
  }

  #send(change: { add: readonly PeerPlan[]; remove: readonly PeerPlan[] }): void {
    const tunnel = this.#tunnel();
    const count = change.add.length + change.remove.length;
    if (!tunnel || !this.#isSet || count === 0) return;
    if (count > MANY) return this.setSoon();
    try {
      this.#context.deps.kernel.changePeers(tunnel, change);
    } catch (error) {
      // The tunnel may be gone, or not there yet: whoever makes it sets all its peers.
      this.#context.deps.log.warn('containers of other hosts cannot be reached yet', {
        network: this.#network.name,
        error: messageOf(error),
      });
    }
  }

  async #tellNames(gone: readonly PlacedEndpoint[], added: readonly PlacedEndpoint[]): Promise<void> {
    const { attendant, log } = this.#context.deps;
    try {
      await attendant.changeElsewhere({
        put: added.map((peer) => this.#namesOf(peer)),
        drop: gone.map(({ id }) => id),
      });
    } catch (error) {
      log.warn('names of containers on other hosts are not all known', {
        network: this.#network.name,
        error: messageOf(error),
      });
    }
  }

  /** Those that frames can be sent to: of an encrypted network nothing goes to a host that has no WireGuard. */
  #plans(endpoints: readonly PlacedEndpoint[]): PeerPlan[] {
    return endpoints.flatMap(({ mac, addresses, host: { address, secure } }) => {
      const host = isEncrypted(this.#network) ? securely(secure) : address;
      return host === undefined ? [] : [{ mac, addresses: addresses.map(bare), host }];
    });
  }

  #isThere(peer: PlacedEndpoint): boolean {
    const known = this.#known.get(peer.id);
    return known !== undefined && JSON.stringify(this.#plans([known])) === JSON.stringify(this.#plans([peer]));
  }

  #namesOf({ id, addresses, names }: PlacedEndpoint): NamesElsewhere {
    const { id: networkId, name: networkName } = this.#network;
    return { id, endpoint: { networkId, networkName, addresses: addresses.map(bare), names, links: {} } };
  }
}

const bare = (address: string): string => address.replace(/\/.*$/, '');

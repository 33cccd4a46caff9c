/** What the API asks about networks. */
import { BRIDGE_NAME } from '../drivers/bridge/options.ts';
import { askedParent } from '../drivers/parent-link.ts';
import { forbidden, messageOf, notFound } from '../errors.ts';
import type { Filters, Json } from '../model/json.ts';
import type { NetworkContext } from './context.ts';
import { planCreation } from './create.ts';
import type { Creation } from './create.ts';
import { ownerOf } from './instance.ts';
import { filterNetworks, findNetwork } from './lookup.ts';
import { lowerNetwork, raiseNetwork } from './network-life.ts';
import type { NetworkCreateRequest, Networks } from './port.ts';
import { isPredefined } from './predefined.ts';
import { prunable } from './prune.ts';
import type { NetworkRecord } from './records.ts';
import { isEncrypted, needWireguard } from './secure.ts';
import { clusterView, networkInspectView, networkView, scopeOf } from './views.ts';

export class NetworkController implements Networks {
  readonly #context: NetworkContext;
  /** Name of a bridge, or of a parent, that is being removed → its end: who wants one of that name waits. */
  readonly #leaving = new Map<string, Promise<void>>();
  /** Of all hosts, while the cluster is asked whether they may be: nobody here takes their names and subnets meanwhile. */
  readonly #coming = new Map<NetworkCreateRequest, NetworkRecord>();

  constructor(context: NetworkContext) {
    this.#context = context;
  }

  #find(ref: string): NetworkRecord {
    return findNetwork(this.#context.state.networks(), ref);
  }

  list(filters: Filters): Json[] {
    const { state } = this.#context;
    return filterNetworks(state.networks(), filters, ({ id }) => state.inUse(id)).map(networkView);
  }

  async inspect(ref: string, { scope }: { verbose: boolean; scope: string }): Promise<Json> {
    const network = this.#find(ref);
    if (scope !== '' && scope !== scopeOf(network)) throw notFound(`network ${ref} not found`);
    // What `verbose` adds are the services of a swarm.
    const view = networkInspectView(network, this.#context.state);
    return network.driver === 'overlay' ? { ...view, ...(await this.#ofCluster(network)) } : view;
  }

  /** Who is on it on all hosts; as far as it is known here when the cluster does not answer. */
  async #ofCluster(network: NetworkRecord): Promise<Json> {
    const { deps, overlays } = this.#context;
    try {
      return clusterView(await deps.cluster.endpoints(network.id), deps.cluster.hosts());
    } catch (error) {
      deps.log.warn('the cluster cannot be asked who is on a network', {
        network: network.name,
        error: messageOf(error),
      });
      return clusterView(overlays.known(network.id), deps.cluster.hosts());
    }
  }

  async create(request: NetworkCreateRequest): Promise<{ Id: string; Warning: string }> {
    const { deps, state } = this.#context;
    if (request.Driver === 'overlay' && !request.ConfigOnly) return this.#createForAll(request);
    const link = this.#wantedLink(request);
    for (let end = this.#leaving.get(link); end; end = this.#leaving.get(link)) await end;
    const { network, warning } = this.#plan(request, [...state.networks(), ...this.#coming.values()]);
    // From here on nobody else gets the name or the subnets; nothing was awaited since they were found free.
    state.putNetwork(network);
    this.#context.raising.add(network.id);
    try {
      await raiseNetwork(this.#context, network);
    } catch (error) {
      state.deleteNetwork(network.id);
      throw error;
    } finally {
      this.#context.raising.delete(network.id);
    }
    deps.attendant.prepare();
    deps.publish('network', 'create', network.id, { name: network.name, type: network.driver });
    return { Id: network.id, Warning: warning };
  }

  /** On this host it is made when a container comes. */
  async #createForAll(request: NetworkCreateRequest): Promise<{ Id: string; Warning: string }> {
    const { deps, state } = this.#context;
    let warning = '';
    const plan = (others: readonly NetworkRecord[]): NetworkRecord => {
      const own = new Set(others.map((network) => network.id));
      const networks = [...others, ...state.networks().filter((network) => !own.has(network.id))];
      const creation = this.#plan(request, networks);
      if (isEncrypted(creation.network)) needWireguard(deps.cluster.underlay(), 'create an encrypted network');
      ({ warning } = creation);
      this.#coming.set(request, creation.network);
      return creation.network;
    };
    try {
      const { id, name, driver } = await deps.cluster.createNetwork(plan);
      deps.publish('network', 'create', id, { name, type: driver });
      return { Id: id, Warning: warning };
    } finally {
      this.#coming.delete(request);
    }
  }

  /** Name that the request, or the network that it takes its settings from, gives the bridge or the parent; '' for none. */
  #wantedLink({ Options, ConfigFrom }: NetworkCreateRequest): string {
    const source = this.#context.state
      .networks()
      .find(({ name, configOnly }) => configOnly && name === ConfigFrom?.Network);
    const options = { ...source?.options, ...Options };
    return options[BRIDGE_NAME] ?? askedParent(options);
  }

  #plan(request: NetworkCreateRequest, networks: readonly NetworkRecord[]): Creation {
    const { deps } = this.#context;
    return planCreation(request, {
      settings: deps.settings,
      networks,
      // What is remembered may be some milliseconds old: not good enough to tell whose bridge of that name there is.
      survey: this.#wantedLink(request) !== '' ? deps.kernel.survey() : deps.kernel.present(),
      marks: ownerOf(deps.execRoot, ''),
      globalId: globalIdOf(networks),
      id: deps.randomHex(32),
      mac: `02:42:${deps.randomHex(4).replace(/(..)(?!$)/g, '$1:')}`,
      now: deps.now(),
    });
  }

  async remove(ref: string): Promise<void> {
    await this.#remove(this.#find(ref));
  }

  async #remove(network: NetworkRecord): Promise<void> {
    const { deps, state } = this.#context;
    const { id, name, driver, bridge, configOnly, options } = network;
    if (isPredefined(name)) throw forbidden(`${name} is a pre-defined network and cannot be removed`);
    if (this.#context.raising.has(id)) throw notFound(`network ${name} not found`);
    if (configOnly && state.networks().some(({ configFrom }) => configFrom === name)) {
      throw forbidden(`error while removing network: configuration network "${name}" is in use`);
    }
    if (state.inUse(id)) {
      const list = state
        .endpointsOf(id)
        .map(({ sandbox, endpoint }) => `name:"${sandbox.containerName}" id:"${endpoint.id.slice(0, 12)}"`);
      throw forbidden(`error while removing network: network ${name} has active endpoints (${list.join(', ')})`);
    }
    if (driver === 'overlay') {
      await deps.cluster.removeNetwork(id);
      deps.publish('network', 'destroy', id, { name, type: driver });
      return;
    }
    // First of all: nobody connects to it any more. What a crash leaves on the host bears our mark and is removed at the next
    // start.
    state.deleteNetwork(id);
    const end = lowerNetwork(this.#context, network).catch((error: unknown) => {
      // As in dockerd, the network is gone all the same.
      deps.log.warn('a removed network left something behind', { network: name, error: messageOf(error) });
    });
    const link = bridge || askedParent(options);
    if (link !== '') this.#leaving.set(link, end);
    await end;
    if (this.#leaving.get(link) === end) this.#leaving.delete(link);
    if (!configOnly) deps.publish('network', 'destroy', id, { name, type: driver });
  }

  async prune(filters: Filters): Promise<{ NetworksDeleted: string[] }> {
    const { deps, state } = this.#context;
    const { raising } = this.#context;
    const unused = prunable(state.networks(), filters, { now: deps.now() }).filter(
      ({ id }) => !state.inUse(id) && !raising.has(id),
    );
    // At once: bridges that go together take half the time.
    const removed = await Promise.all(unused.map(async (network) => this.#removeUnlessUsed(network)));
    const NetworksDeleted = unused.filter((_network, index) => removed[index]).map(({ name }) => name);
    deps.publish('network', 'prune', '', { reclaimed: '0' });
    return { NetworksDeleted };
  }

  /** What containers of other hosts use stays, and so does all of the cluster's while it does not answer. */
  async #removeUnlessUsed(network: NetworkRecord): Promise<boolean> {
    try {
      await this.#remove(network);
      return true;
    } catch (error) {
      if (network.driver !== 'overlay') throw error;
      return false;
    }
  }
}

/** `host` is there from the first start on, and its ID is random: as good as Docker's ID of the daemon. */
const globalIdOf = (networks: readonly NetworkRecord[]): string =>
  (networks.find(({ name }) => name === 'host')?.id ?? '').slice(0, 10).padEnd(10, '0');

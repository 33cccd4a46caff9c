/**
 * What somebody else took away is put right: bridges, veth pairs, addresses, routes, rules. Events only say where to look; what should
 * be there is planned anew from the state, so that nothing is restored that was meant to go.
 */
import { messageOf } from '../errors.ts';
import { healLinks, networksOn } from './host-links.ts';
import type { NetworkContext } from './context.ts';
import type { Placed } from './gateway.ts';
import type { KernelEvent, Survey } from './kernel.ts';
import type { NetworkRecord } from './records.ts';
import { placed, planInterface, planNamespace } from './sandbox-record.ts';

/** Milliseconds in which events are collected: whoever flushes a ruleset makes hundreds. */
const COLLECT = 50;
/** So many repairs of one thing within a minute, then it is left alone for one: somebody works against it. */
const PATIENCE = 20;
const MINUTE = 60_000;

/**
 * Somebody deleted our bridge: makes it again and gives it its ports back. False when it was complete, or is not ours to
 * make. A look at the host costs milliseconds: whoever heals many gives his own.
 */
export function healBridge(context: NetworkContext, network: NetworkRecord, survey?: Survey): boolean {
  const { deps, state } = context;
  const { bridge, tunnel, sysctls } = context.driverOf(network).planNetwork(context.configOf(network));
  if (!bridge) return healLinks(context, network, survey);
  if (network.configOnly || network.foreignBridge || !context.isHere(network)) return false;
  const { links, addresses, routes } = survey ?? deps.kernel.survey();
  const link = links.find(({ name }) => name === bridge.name);
  if (link && link.alias !== bridge.owner) return false;
  const ports = new Map(state.endpointsOf(network.id).map(({ endpoint }) => [endpoint.hostName, endpoint]));
  const strays = links.filter(({ name, master }) => ports.has(name) && master !== bridge.name);
  const outward = links.find(({ name }) => name === tunnel?.name);
  const complete =
    link !== undefined &&
    (!tunnel || (outward?.master === bridge.name && outward.up && outward.alias === tunnel.owner)) &&
    (tunnel?.link === undefined || context.overlays.secure.isComplete(links)) &&
    strays.length === 0 &&
    link.up &&
    bridge.addresses.every((address) => addresses.some((one) => one.link === bridge.name && one.address === address)) &&
    network.subnets
      .filter(({ gateway }) => gateway !== '' && bridge.addresses.some((address) => address.startsWith(`${gateway}/`)))
      .every(({ subnet }) => routes.some((one) => one.link === bridge.name && one.destination === subnet));
  if (complete) return false;
  deps.log.warn(`bridge ${bridge.name} was changed by someone else and is put right`, { network: network.name });
  deps.kernel.setSysctls(sysctls);
  deps.kernel.ensureBridge(bridge);
  for (const { name } of strays) {
    const endpoint = ports.get(name);
    const plan = endpoint && planInterface(context, { endpoint, network });
    if (plan?.kind === 'veth') deps.kernel.enslave(plan);
  }
  if (tunnel) {
    context.overlays.ensureTunnel(tunnel);
    context.overlays.setPeers(network.id);
  }
  return true;
}

/** Does what needs the bridges of these networks, a second time when somebody had deleted one of them a moment ago. */
export function onBridges(
  context: NetworkContext,
  endpoints: readonly Pick<Placed, 'network'>[],
  body: () => void,
): void {
  try {
    body();
  } catch (error) {
    if (!endpoints.map(({ network }) => healBridge(context, network)).includes(true)) throw error;
    body();
  }
}

/** False when nothing was missing. */
export function healSandbox(context: NetworkContext, containerId: string): boolean {
  const found = context.state.sandbox(containerId);
  if (found?.sandbox.kind !== 'own') return false;
  const { interfaces, defaults } = planNamespace(context, placed(context, found.endpoints));
  const { namespacePath, containerName } = found.sandbox;
  const repaired = context.deps.kernel.repairNamespace(namespacePath, interfaces, defaults);
  if (repaired)
    context.deps.log.warn('the network of a container was changed from outside and is put right', {
      container: containerName,
    });
  return repaired;
}

export class Healer {
  readonly #context: NetworkContext;
  readonly #networks = new Set<string>();
  readonly #containers = new Set<string>();
  #rules = false;
  #everything = false;
  #due = false;
  #ended = false;
  /** What was repaired → when, in milliseconds. */
  readonly #repairs = new Map<string, number[]>();
  readonly #leftAlone = new Set<string>();

  constructor(context: NetworkContext) {
    this.#context = context;
  }

  watch(): void {
    this.#context.deps.kernel.watch((event) => this.#take(event));
  }

  /** Nothing is made any more: the daemon takes its own away. */
  end(): void {
    this.#ended = true;
  }

  #take(event: KernelEvent): void {
    this.#note(event);
    if (this.#due || !(this.#everything || this.#rules || this.#networks.size + this.#containers.size > 0)) return;
    this.#due = true;
    this.#context.deps.later(COLLECT, () => {
      this.#due = false;
      void this.#heal();
    });
  }

  #note(event: KernelEvent): void {
    const { state } = this.#context;
    switch (event.kind) {
      case 'link-gone':
      case 'link-changed': {
        const network = state.networkOfLink(event.name);
        if (network) this.#networks.add(network.id);
        for (const id of this.#context.overlays.onLink(event.name)) this.#networks.add(id);
        this.#noteParent(event);
        const owner = state.sandboxOfLink(event.name);
        if (owner) this.#containers.add(owner.sandbox.containerId);
        for (const { hostName, networkId } of owner?.endpoints ?? []) {
          if (hostName === event.name) this.#networks.add(networkId);
        }
        return;
      }
      case 'link-made':
        this.#noteParent(event);
        return;
      case 'address-gone':
      case 'route-gone': {
        const network = state.networkOfLink(event.link);
        if (network) this.#networks.add(network.id);
        return;
      }
      case 'inside': {
        const owner = state.sandboxAt(event.path);
        // One that may change its own network does what it does on purpose.
        if (owner && !owner.sandbox.request.netAdmin) this.#containers.add(owner.sandbox.containerId);
        return;
      }
      case 'rules-gone':
        this.#rules = true;
        return;
      case 'lost':
        this.#everything = true;
    }
  }

  /** With a parent goes what stands on it, and it may come back: a network card, a link that its administrator makes anew. */
  #noteParent({ kind, name }: KernelEvent & { name: string }): void {
    const { state } = this.#context;
    for (const { id } of networksOn(state, name)) {
      this.#networks.add(id);
      if (kind === 'link-changed') continue;
      for (const { sandbox } of state.endpointsOf(id)) this.#containers.add(sandbox.containerId);
    }
  }

  async #heal(): Promise<void> {
    if (this.#ended) return;
    const { state } = this.#context;
    const all = this.#everything;
    const networks = all ? state.networks().map(({ id }) => id) : [...this.#networks];
    // What is put right for one network changes nothing of another's.
    const survey = networks.length > 0 ? this.#context.deps.kernel.survey() : undefined;
    const containers = all ? this.#damaged(survey?.links ?? []) : [...this.#containers];
    const rules = all || this.#rules;
    this.#everything = false;
    this.#rules = false;
    this.#networks.clear();
    this.#containers.clear();
    for (const id of networks) {
      await this.#attempt(id, () => {
        const network = state.network(id);
        return network !== undefined && healBridge(this.#context, network, survey);
      });
    }
    for (const id of containers) await this.#attempt(id, () => healSandbox(this.#context, id));
    if (rules) {
      await this.#attempt('rules', async () => {
        await this.#context.setRules();
        this.#context.deps.log.warn('firewall rules were deleted by someone else and are made again');
        return true;
      });
    }
  }

  /** Any may be, except that what one that may change its own network did inside was done on purpose. */
  #damaged(links: Survey['links']): string[] {
    const names = new Set(links.map(({ name }) => name));
    return this.#context.state
      .sandboxes()
      .filter(
        ({ sandbox, endpoints }) =>
          !sandbox.request.netAdmin || endpoints.some(({ hostName }) => hostName !== '' && !names.has(hostName)),
      )
      .map(({ sandbox }) => sandbox.containerId);
  }

  async #attempt(what: string, repair: () => boolean | Promise<boolean>): Promise<void> {
    const { log } = this.#context.deps;
    const now = Date.parse(this.#context.deps.now());
    const recent = (this.#repairs.get(what) ?? []).filter((time) => now - time < MINUTE);
    if (recent.length >= PATIENCE) {
      if (this.#leftAlone.has(what)) return;
      log.error('somebody keeps changing what Berth puts right: it is left alone for a minute', { what });
      this.#leftAlone.add(what);
      this.#context.deps.later(MINUTE, () => {
        this.#leftAlone.delete(what);
        // What happened meanwhile was not looked at.
        this.#take({ kind: 'lost' });
      });
      return;
    }
    try {
      if (await repair()) this.#repairs.set(what, [...recent, now]);
      else if (recent.length === 0) this.#repairs.delete(what);
    } catch (error) {
      log.error('the network could not be put right', { what, error: messageOf(error) });
    }
  }
}

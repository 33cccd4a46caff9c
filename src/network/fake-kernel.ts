/**
 * A kernel for unit tests. Strict: what the real one would refuse, or what would be a mistake of the caller, throws.
 * Links of a dropped namespace stay until linksGone(), as they do for some 30 ms in the real one.
 */
import type {
  BridgePlan,
  DefaultRoute,
  InterfacePlan,
  LinkPlan,
  PeerPlan,
  ShimPlan,
  TunnelPlan,
  VethPlan,
  WireguardPlan,
} from '../drivers/plan.ts';
import { formatPrefix, parseInterface } from '../ipam/address.ts';
import type { HostAddress, HostLink, HostRoute, Kernel, KernelEvent, TextFiles } from './kernel.ts';

export interface FakeNamespace {
  interfaces: readonly InterfacePlan[];
  defaults: readonly DefaultRoute[];
}

export class FakeKernel implements Kernel {
  readonly links = new Map<string, HostLink>();
  /** Ports that were made so again. */
  readonly isolated = new Set<string>();
  readonly addresses: HostAddress[] = [];
  readonly routes: HostRoute[] = [];
  /** By path. */
  readonly namespaces = new Map<string, FakeNamespace>();
  readonly sysctls = new Map<string, string>();
  /** Calls of setPeers(). */
  sets = 0;
  /** Tunnels whose peers this daemon has set. */
  readonly #peersKnown = new Set<string>();
  /** By name. */
  readonly tunnels = new Map<string, { plan: TunnelPlan; peers: ReadonlyMap<string, PeerPlan> }>();
  /** What was asked for last, by name. */
  readonly wireguards = new Map<string, WireguardPlan>();
  readonly adopted: { path: string; pid: number }[] = [];
  /** Says that something happened, as the kernel would. */
  tell: (event: KernelEvent) => void = () => undefined;
  /** Makes the next call of that name fail. */
  failNext: keyof Kernel | undefined;

  #mayFail(name: keyof Kernel): void {
    if (this.failNext !== name) return;
    this.failNext = undefined;
    throw new Error(`${name} failed`);
  }

  survey(): ReturnType<Kernel['survey']> {
    return { links: [...this.links.values()], addresses: [...this.addresses], routes: [...this.routes] };
  }

  present(): ReturnType<Kernel['survey']> {
    return this.survey();
  }

  watch(listener: (event: KernelEvent) => void): void {
    this.tell = listener;
  }

  ensureBridge(plan: BridgePlan): void {
    this.#mayFail('ensureBridge');
    const present = this.links.get(plan.name);
    if (present && present.kind !== 'bridge') throw new Error(`${plan.name} is no bridge`);
    if (present && plan.owner !== '' && present.alias !== plan.owner) throw new Error(`${plan.name} is another's`);
    if (!present && plan.owner === '') throw new Error(`${plan.name} must exist`);
    this.links.set(plan.name, present ?? { name: plan.name, kind: 'bridge', master: '', alias: plan.owner, up: true });
    for (const address of plan.addresses) {
      if (!this.addresses.some((one) => one.link === plan.name && one.address === address)) {
        this.addresses.push({ link: plan.name, address });
        // As the kernel does by itself.
        const prefix = parseInterface(address)?.prefix;
        if (prefix) this.routes.push({ link: plan.name, destination: formatPrefix(prefix) });
      }
    }
  }

  enslave({ hostName, bridge, isolated }: VethPlan): void {
    const link = this.links.get(hostName);
    if (!link || !this.links.has(bridge)) throw new Error(`no ${hostName} or no ${bridge}`);
    this.links.set(hostName, { ...link, master: bridge });
    if (isolated) this.isolated.add(hostName);
  }

  ensureLink({ kind, name, owner, ...plan }: LinkPlan): void {
    this.#mayFail('ensureLink');
    if ('parent' in plan && !this.links.has(plan.parent)) throw new Error(`no parent ${plan.parent}`);
    if (name.length > 15) throw new Error(`${name} is too long`);
    const present = this.links.get(name);
    this.links.set(
      name,
      present ?? { name, kind: kind === 'shim' ? 'macvlan' : kind, master: '', alias: owner, up: true },
    );
    if (!('addresses' in plan)) return;
    for (const address of plan.addresses) {
      if (!this.addresses.some((one) => one.link === name && one.address === address)) {
        this.addresses.push({ link: name, address });
      }
    }
  }

  needKind(): void {
    this.#mayFail('needKind');
  }

  setReach({ name }: ShimPlan, addresses: readonly string[]): void {
    if (!this.links.has(name)) return;
    const others = this.routes.filter(({ link }) => link !== name);
    const own = addresses.map((address) => ({
      link: name,
      destination: `${address}/${address.includes(':') ? 128 : 32}`,
    }));
    this.routes.splice(0, this.routes.length, ...others, ...own);
  }

  setSysctls(sysctls: readonly { name: string; value: string }[]): void {
    for (const { name, value } of sysctls) this.sysctls.set(name, value);
  }

  ensureTunnel(plan: TunnelPlan): void {
    this.#mayFail('ensureTunnel');
    const { name, bridge, owner } = plan;
    const present = this.links.get(name);
    if (present && present.kind !== 'vxlan') throw new Error(`${name} is no VXLAN device`);
    if (present && present.alias !== owner) throw new Error(`${name} is another's`);
    if (this.links.get(bridge)?.kind !== 'bridge') throw new Error(`no bridge ${bridge}`);
    this.#checkWay(plan, plan.local);
    this.links.set(name, { name, kind: 'vxlan', master: bridge, alias: owner, up: true });
    this.tunnels.set(name, { plan, peers: this.tunnels.get(name)?.peers ?? new Map<string, PeerPlan>() });
  }

  /** Another daemon: it knows nothing of what is there. */
  startAgain(): void {
    this.#peersKnown.clear();
  }

  async setPeers(plan: TunnelPlan, peers: readonly PeerPlan[]): Promise<void> {
    this.#mayFail('setPeers');
    this.sets++;
    this.#tunnel(plan);
    this.#peersKnown.add(plan.name);
    for (const { host } of peers) this.#checkWay(plan, host);
    this.tunnels.set(plan.name, { plan, peers: new Map(peers.map((peer) => [peer.mac, peer])) });
  }

  changePeers(plan: TunnelPlan, { add, remove }: { add: readonly PeerPlan[]; remove: readonly PeerPlan[] }): void {
    this.#mayFail('changePeers');
    const peers = new Map(this.#tunnel(plan).peers);
    // Whoever did not say who is there cannot take anybody away.
    if (this.#peersKnown.has(plan.name)) {
      for (const { mac, host } of remove) if (peers.get(mac)?.host === host) peers.delete(mac);
    }
    for (const { host } of add) this.#checkWay(plan, host);
    for (const peer of add) peers.set(peer.mac, peer);
    this.tunnels.set(plan.name, { plan, peers });
  }

  /** A tunnel that is bound to a link speaks link-local addresses, and only such a one does: nothing of it leaves otherwise. */
  #checkWay({ name, link }: TunnelPlan, address: string): void {
    if ((link !== undefined) !== address.startsWith('fe80:')) throw new Error(`${name} by ${link} to ${address}`);
    if (link !== undefined && !this.links.has(link)) throw new Error(`no link ${link} for ${name}`);
  }

  ensureWireguard(plan: WireguardPlan): void {
    this.#mayFail('ensureWireguard');
    const { name, owner, peers } = plan;
    const present = this.links.get(name);
    if (name.length > 15) throw new Error(`${name} is too long`);
    if (present && (present.kind !== 'wireguard' || present.alias !== owner)) throw new Error(`${name} is another's`);
    for (const list of [peers.map(({ publicKey }) => publicKey), [plan, ...peers].map(({ address }) => address)]) {
      if (new Set(list).size < list.length) throw new Error(`two peers of ${name} have the same of ${list.join(' ')}`);
    }
    this.links.set(name, { name, kind: 'wireguard', master: '', alias: owner, up: true });
    this.wireguards.set(name, plan);
  }

  #tunnel({ name }: TunnelPlan): { plan: TunnelPlan; peers: ReadonlyMap<string, PeerPlan> } {
    const found = this.tunnels.get(name);
    if (!found || !this.links.has(name)) throw new Error(`no tunnel ${name}`);
    return found;
  }

  createNamespace(path: string, interfaces: readonly InterfacePlan[], defaults: readonly DefaultRoute[]): void {
    this.#mayFail('createNamespace');
    if (this.namespaces.has(path)) throw new Error(`${path} exists`);
    for (const plan of interfaces) this.#check(plan);
    for (const plan of interfaces) this.#addLink(plan);
    this.namespaces.set(path, { interfaces, defaults });
  }

  addInterface(path: string, plan: InterfacePlan): void {
    this.#mayFail('addInterface');
    const namespace = this.#namespace(path);
    if (namespace.interfaces.some(({ name }) => name === plan.name)) throw new Error(`${plan.name} exists in ${path}`);
    this.#check(plan);
    this.#addLink(plan);
    this.namespaces.set(path, { ...namespace, interfaces: [...namespace.interfaces, plan] });
  }

  setDefaultRoutes(path: string, defaults: readonly DefaultRoute[]): void {
    this.#mayFail('setDefaultRoutes');
    const namespace = this.#namespace(path);
    for (const one of defaults) {
      if (!namespace.interfaces.some(({ name }) => name === one.interface))
        throw new Error(`no ${one.interface} in ${path}`);
    }
    this.namespaces.set(path, { ...namespace, defaults });
  }

  repairNamespace(path: string, interfaces: readonly InterfacePlan[], defaults: readonly DefaultRoute[]): boolean {
    this.#mayFail('repairNamespace');
    const present = this.namespaces.get(path)?.interfaces ?? [];
    const missing = interfaces.filter((plan) =>
      plan.kind === 'veth' ? !this.links.has(plan.hostName) : !present.some(({ name }) => name === plan.name),
    );
    for (const plan of missing) this.#addLink(plan);
    this.namespaces.set(path, { interfaces, defaults });
    return missing.length > 0;
  }

  /** Those interfaces of a namespace that are veth pairs. */
  pairs(path: string): VethPlan[] {
    return (this.namespaces.get(path)?.interfaces ?? []).filter((plan) => plan.kind === 'veth');
  }

  #namespace(path: string): FakeNamespace {
    const found = this.namespaces.get(path);
    if (!found) throw new Error(`no namespace ${path}`);
    return found;
  }

  #check(plan: InterfacePlan): void {
    const { mac } = plan;
    if (plan.kind !== 'veth') {
      if (!this.links.has(plan.parent)) throw new Error(`no parent ${plan.parent}`);
      if ((plan.kind === 'ipvlan') !== (mac === '')) throw new Error(`${plan.kind} with MAC '${mac}'`);
      return;
    }
    const { hostName, bridge } = plan;
    if (this.links.has(hostName)) throw new Error(`${hostName} exists`);
    if (hostName.length > 15) throw new Error(`${hostName} is too long`);
    if (this.links.get(bridge)?.kind !== 'bridge') throw new Error(`no bridge ${bridge}`);
    if (!/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(mac)) throw new Error(`bad MAC ${mac}`);
  }

  #addLink(plan: InterfacePlan): void {
    if (plan.kind !== 'veth') return;
    const { hostName: name, bridge: master } = plan;
    this.links.set(name, { name, kind: 'veth', master, alias: '', up: true });
  }

  adoptNamespace(path: string, pid: number): void {
    this.#mayFail('adoptNamespace');
    this.adopted.push({ path, pid });
    if (!this.namespaces.has(path)) this.namespaces.set(path, { interfaces: [], defaults: [] });
  }

  dropNamespace(path: string): void {
    this.#mayFail('dropNamespace');
    this.namespaces.delete(path);
  }

  listNamespaces(directory: string): string[] {
    return [...this.namespaces.keys()].flatMap((path) =>
      path.startsWith(`${directory}/`) ? [path.slice(directory.length + 1)] : [],
    );
  }

  removeDirectory(directory: string): void {
    if (this.listNamespaces(directory).length > 0) throw new Error(`${directory} is not empty`);
  }

  async interfacesGone(path: string, plans: readonly InterfacePlan[]): Promise<void> {
    this.#mayFail('interfacesGone');
    if (plans.some(({ kind }) => kind === 'veth')) throw new Error('a pair goes by its end on the host');
    const namespace = this.namespaces.get(path);
    if (!namespace) return;
    const gone = new Set(plans.map(({ name }) => name));
    this.namespaces.set(path, {
      interfaces: namespace.interfaces.filter(({ name }) => !gone.has(name)),
      defaults: namespace.defaults.filter((route) => !gone.has(route.interface)),
    });
  }

  async linksGone(names: readonly string[]): Promise<void> {
    this.#mayFail('linksGone');
    for (const name of names) {
      this.links.delete(name);
      this.tunnels.delete(name);
      // As the kernel does by itself.
      if (this.wireguards.delete(name)) {
        for (const { plan } of this.tunnels.values()) if (plan.link === name) await this.linksGone([plan.name]);
      }
      for (const [path, namespace] of this.namespaces) {
        const interfaces = namespace.interfaces.filter((plan) => plan.kind !== 'veth' || plan.hostName !== name);
        const defaults = namespace.defaults.filter((one) => interfaces.some((link) => link.name === one.interface));
        if (interfaces.length < namespace.interfaces.length) this.namespaces.set(path, { interfaces, defaults });
      }
      const kept = this.addresses.filter(({ link }) => link !== name);
      this.addresses.splice(0, this.addresses.length, ...kept);
      const routes = this.routes.filter(({ link }) => link !== name);
      this.routes.splice(0, this.routes.length, ...routes);
    }
  }
}

export class FakeFiles implements TextFiles {
  readonly texts = new Map<string, string>();
  /** A full disk. */
  full = false;

  read(path: string): string | undefined {
    return this.texts.get(path);
  }

  write(path: string, text: string): void {
    if (this.full) throw new Error('ENOSPC');
    this.texts.set(path, text);
  }
}

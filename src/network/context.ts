/** What the parts of the controller share. */
import { bridgeDriver } from '../drivers/bridge/driver.ts';
import type { Driver, NetworkConfig } from '../drivers/driver.ts';
import { messageOf } from '../errors.ts';
import { hostDriver } from '../drivers/host/driver.ts';
import { ipvlanDriver } from '../drivers/ipvlan/driver.ts';
import { macvlanDriver } from '../drivers/macvlan/driver.ts';
import { noneDriver } from '../drivers/none/driver.ts';
import { overlayDriver } from '../drivers/overlay/driver.ts';
import type { Firewall, FirewallChange, FirewallState } from '../firewall/firewall.ts';
import type { Logger } from '../log.ts';
import type { Publish } from '../model/events.ts';
import { PortAllocator } from '../ports/allocator.ts';
import type { Store } from '../store/store.ts';
import type { Attendant } from './attendant.ts';
import type { Cluster } from './cluster.ts';
import { ownerOf } from './instance.ts';
import type { Kernel, TextFiles } from './kernel.ts';
import { rulesOf } from './network-life.ts';
import { portRulesOf } from './ports.ts';
import { underlayConfig } from './secure.ts';
import { OverlayNetworks } from './overlay.ts';
import type { NetworkRecord } from './records.ts';
import type { NetworkSettings } from './settings.ts';
import { NetworkState } from './state.ts';

export interface NetworkDeps {
  settings: NetworkSettings;
  /** Directory of state that a reboot ends; namespaces are bound under <execRoot>/netns. */
  execRoot: string;
  store: Store;
  kernel: Kernel;
  firewall: Firewall;
  attendant: Attendant;
  cluster: Cluster;
  files: TextFiles;
  publish: Publish;
  log: Logger;
  /** Hex digits of so many random bytes. */
  randomHex: (this: void, bytes: number) => string;
  /** RFC 3339. */
  now(): string;
  /** Calls back once, so many milliseconds later. */
  later: (this: void, milliseconds: number, body: () => void) => void;
}

const DRIVERS: Readonly<Record<NetworkRecord['driver'], Driver>> = {
  bridge: bridgeDriver,
  host: hostDriver,
  null: noneDriver,
  macvlan: macvlanDriver,
  ipvlan: ipvlanDriver,
  overlay: overlayDriver,
};

export class NetworkContext {
  readonly deps: NetworkDeps;
  readonly state: NetworkState;
  readonly ports: PortAllocator;
  readonly overlays: OverlayNetworks;
  /** Networks whose rules do not stand yet: nothing is connected to them. */
  readonly raising = new Set<string>();
  /** Sandboxes that are being closed: what is lost or changes meanwhile brings nothing of them back. */
  readonly closing = new Set<string>();
  /** Interfaces on their way out: the kernel needs some 30 ms. shutdown() waits for them. */
  readonly leaving = new Set<Promise<void>>();

  constructor(deps: NetworkDeps) {
    this.deps = deps;
    this.state = new NetworkState(deps.store);
    this.ports = new PortAllocator(ephemeralPorts(deps.files));
    this.overlays = new OverlayNetworks(this);
  }

  get namespaceDirectory(): string {
    return `${this.deps.execRoot}/netns`;
  }

  /** --default-network-opt is looked at when a network is made; what is wrong with it is said at the start. */
  warnOfDefaultOptions(): void {
    const { settings, log } = this.deps;
    for (const [name, options] of Object.entries(settings.defaultNetworkOptions)) {
      const driver = Object.entries(DRIVERS).find(([type]) => type === name)?.[1];
      if (!driver) log.warn(`--default-network-opt: there is no network driver "${name}"`);
      try {
        driver?.checkOptions(options);
      } catch (error) {
        log.warn(`--default-network-opt: no network of driver "${name}" can be made with it: ${messageOf(error)}`);
      }
    }
  }

  driverOf(network: NetworkRecord): Driver {
    return DRIVERS[network.driver];
  }

  /** The mark on what the network makes on the host. */
  owner({ name, id }: NetworkRecord): string {
    return ownerOf(this.deps.execRoot, name === 'bridge' ? name : id);
  }

  configOf(network: NetworkRecord): NetworkConfig {
    const underlay = network.driver === 'overlay' ? this.deps.cluster.underlay() : undefined;
    const { ipForward, iptables, ip6tables, userlandProxy } = this.deps.settings;
    return {
      ...network,
      owner: this.owner(network),
      ...(underlay && { underlay: underlayConfig(underlay, this.deps.execRoot) }),
      ipForward,
      firewall: { 4: iptables, 6: iptables && ip6tables },
      hairpin: !userlandProxy,
    };
  }

  /** Networks that span hosts are on this one while a container of it is on them. */
  isHere(network: NetworkRecord): boolean {
    return network.driver !== 'overlay' || this.overlays.has(network.id);
  }

  /** The firewall as it shall be. */
  rules(): FirewallState {
    return {
      networks: this.state.networks().flatMap((network) => rulesOf(this, network)),
      ports: this.state.sandboxes().flatMap(({ sandbox }) => portRulesOf(this, sandbox.ports)),
      hosts: this.overlays.hosts.all(),
    };
  }

  /** Where `host-gateway` leads. */
  hostGateways(): readonly string[] {
    const { hostGatewayIps } = this.deps.settings;
    if (hostGatewayIps.length > 0) return hostGatewayIps;
    const bridge = this.state.networks().find(({ name }) => name === 'bridge');
    return bridge?.subnets.map(({ gateway }) => gateway) ?? [];
  }

  async setRules(): Promise<void> {
    if (this.deps.settings.iptables) await this.deps.firewall.set(this.rules());
  }

  async changeRules(change: FirewallChange): Promise<void> {
    if (this.deps.settings.iptables) await this.deps.firewall.change(change);
  }
}

/** Where random host ports come from: 'FIRST\tLAST' (ip-sysctl, ip_local_port_range); undefined for the kernel's default. */
function ephemeralPorts(files: TextFiles): { first: number; last: number } | undefined {
  const [first = 0, last = 0] = (files.read('/proc/sys/net/ipv4/ip_local_port_range') ?? '').split(/\s+/).map(Number);
  return first > 0 && last >= first ? { first, last } : undefined;
}

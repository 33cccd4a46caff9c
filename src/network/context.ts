/** What the parts of the controller share. */
import { bridgeDriver } from '../drivers/bridge/driver.ts';
import type { Driver, NetworkConfig } from '../drivers/driver.ts';
import { hostDriver } from '../drivers/host/driver.ts';
import { noneDriver } from '../drivers/none/driver.ts';
import type { NetworkRules } from '../drivers/plan.ts';
import type { Firewall } from '../firewall/firewall.ts';
import type { Logger } from '../log.ts';
import type { Publish } from '../model/events.ts';
import type { Store } from '../store/store.ts';
import { ownerOf } from './instance.ts';
import type { Kernel, TextFiles } from './kernel.ts';
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
  files: TextFiles;
  publish: Publish;
  log: Logger;
  /** Hex digits of so many random bytes. */
  randomHex: (this: void, bytes: number) => string;
  /** RFC 3339. */
  now(): string;
}

const DRIVERS: Readonly<Record<NetworkRecord['driver'], Driver>> = {
  bridge: bridgeDriver,
  host: hostDriver,
  null: noneDriver,
};

export class NetworkContext {
  readonly deps: NetworkDeps;
  readonly state: NetworkState;
  /** Interfaces on their way out: the kernel needs some 30 ms. shutdown() waits for them. */
  readonly leaving = new Set<Promise<void>>();

  constructor(deps: NetworkDeps) {
    this.deps = deps;
    this.state = new NetworkState(deps.store);
  }

  get namespaceDirectory(): string {
    return `${this.deps.execRoot}/netns`;
  }

  driverOf(network: NetworkRecord): Driver {
    return DRIVERS[network.driver];
  }

  configOf(network: NetworkRecord): NetworkConfig {
    const { settings } = this.deps;
    return {
      ...network,
      owner: ownerOf(this.deps.execRoot, network.name),
      ipForward: settings.ipForward,
      firewall: settings.iptables,
      directRouting: settings.allowDirectRouting,
    };
  }

  /** The desired state of the firewall: of all networks there are. */
  rules(): NetworkRules[] {
    const { ip6tables } = this.deps.settings;
    return this.state.networks().flatMap((network) => {
      const { rules } = this.driverOf(network).planNetwork(this.configOf(network));
      if (!rules) return [];
      return [ip6tables ? rules : { ...rules, subnets: rules.subnets.filter((subnet) => !subnet.includes(':')) }];
    });
  }

  /** Where `host-gateway` leads. */
  hostGateways(): readonly string[] {
    const { hostGatewayIps } = this.deps.settings;
    if (hostGatewayIps.length > 0) return hostGatewayIps;
    const bridge = this.state.networks().find(({ name }) => name === 'bridge');
    return bridge?.subnets.map(({ gateway }) => gateway) ?? [];
  }

  async applyRules(): Promise<void> {
    if (this.deps.settings.iptables) await this.deps.firewall.set(this.rules());
  }
}

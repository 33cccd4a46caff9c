/**
 * A firewall for unit tests. Strict: what a backend would carry out, but no caller should ask for, is a mistake of the caller:
 * something added twice, a port without its network, a network that goes before its ports. What is not there may be removed.
 */
import type { HostRule, NetworkRules, PortRule } from '../drivers/plan.ts';
import type { Firewall, FirewallChange, FirewallState } from './firewall.ts';
import { familyOf, hostKey, networkKey, portKey } from './state.ts';

export class FakeFirewall implements Firewall {
  /** How often each was called. */
  sets = 0;
  changes = 0;
  /** The next call that would change anything fails with this, and changes nothing. */
  failNext: Error | undefined;
  /** Before the first set(), and after remove(), there is nothing to change. */
  #networks: Map<string, NetworkRules> | undefined;
  #ports = new Map<string, PortRule>();
  #hosts = new Map<string, HostRule>();

  /** What is in force; without `hosts` where there are none. */
  state(): FirewallState {
    return {
      networks: [...(this.#networks?.values() ?? [])],
      ports: [...this.#ports.values()],
      ...(this.#hosts.size > 0 && { hosts: [...this.#hosts.values()] }),
    };
  }

  /** Whether set() was called, and remove() not since. */
  get up(): boolean {
    return this.#networks !== undefined;
  }

  async set(state: FirewallState): Promise<void> {
    this.#fail();
    const networks = new Map<string, NetworkRules>();
    const ports = new Map<string, PortRule>();
    const hosts = new Map<string, HostRule>();
    carryOut(networks, ports, { add: state });
    changeHosts(hosts, { add: state });
    this.#networks = networks;
    this.#ports = ports;
    this.#hosts = hosts;
    this.sets++;
  }

  async change(change: FirewallChange): Promise<void> {
    this.#fail();
    if (this.#networks === undefined) throw new Error('change() before set()');
    const networks = new Map(this.#networks);
    const ports = new Map(this.#ports);
    const hosts = new Map(this.#hosts);
    carryOut(networks, ports, change);
    changeHosts(hosts, change);
    this.#networks = networks;
    this.#ports = ports;
    this.#hosts = hosts;
    this.changes++;
  }

  async remove(): Promise<void> {
    this.#fail();
    this.#networks = undefined;
    this.#ports = new Map();
    this.#hosts = new Map();
  }

  #fail(): void {
    const error = this.failNext;
    this.failNext = undefined;
    if (error !== undefined) throw error;
  }
}

function changeHosts(hosts: Map<string, HostRule>, { remove, add }: FirewallChange): void {
  for (const host of remove?.hosts ?? []) hosts.delete(hostKey(host));
  for (const host of add?.hosts ?? []) {
    if (hosts.has(hostKey(host))) throw new Error(`added twice: host ${hostKey(host)}`);
    hosts.set(hostKey(host), host);
  }
}

function carryOut(
  networks: Map<string, NetworkRules>,
  ports: Map<string, PortRule>,
  { remove, add }: FirewallChange,
): void {
  // Ports first when they go, networks first when they come.
  for (const port of remove?.ports ?? []) ports.delete(portKey(port));
  for (const network of remove?.networks ?? []) networks.delete(networkKey(network));
  for (const network of add?.networks ?? []) {
    const { bridge, subnets, family } = network;
    if (bridge === '' || subnets.length === 0) throw new Error('rules for nothing');
    if (subnets.some((subnet) => familyOf(subnet) !== family)) throw new Error(`subnets of another family: ${bridge}`);
    if (networks.has(networkKey(network))) throw new Error(`added twice: network ${networkKey(network)}`);
    networks.set(networkKey(network), network);
  }
  for (const port of add?.ports ?? []) {
    if (familyOf(port.hostAddress) !== familyOf(port.address)) throw new Error(`two families: port ${portKey(port)}`);
    if (ports.has(portKey(port))) throw new Error(`added twice: port ${portKey(port)}`);
    ports.set(portKey(port), port);
  }
  for (const port of ports.values()) {
    const network = networks.get(`${familyOf(port.address)} ${port.bridge}`);
    if (network === undefined) throw new Error(`a port without its network: ${portKey(port)} on ${port.bridge}`);
  }
}

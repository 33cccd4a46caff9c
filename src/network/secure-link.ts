/** The WireGuard device of encrypted networks on this host: made for the first, gone after the last; what it shall be says secure.ts. */
import { messageOf } from '../errors.ts';
import type { ClusterHost } from './cluster.ts';
import type { NetworkContext } from './context.ts';
import type { HostLink } from './kernel.ts';
import { planSecure, secureDevice, securely } from './secure.ts';
import type { WireguardPlan } from '../drivers/plan.ts';

export class SecureLink {
  readonly #context: NetworkContext;
  readonly #hosts: () => Iterable<ClusterHost> | undefined;
  /** What the kernel was told last. */
  #told = '';
  /** The end of the device: whoever comes next waits for it. */
  #going: Promise<void> = Promise.resolve();
  /** Names of hosts of which it was said. */
  readonly #unreachable = new Set<string>();
  /** …and of this one. */
  #unable = false;

  /** `hosts`: with containers on encrypted networks of this host, possibly several times; undefined while there is no such network. */
  constructor(context: NetworkContext, hosts: () => Iterable<ClusterHost> | undefined) {
    this.#context = context;
    this.#hosts = hosts;
  }

  /** undefined while no encrypted network is here, and where the kernel has no WireGuard. */
  #plan(): WireguardPlan | undefined {
    const { cluster, execRoot } = this.#context.deps;
    const all = this.#hosts();
    const underlay = cluster.underlay();
    if (!all || !underlay) return undefined;
    // Some dozens of hosts have thousands of endpoints.
    const byName = new Map<string, ClusterHost>();
    for (const host of all) byName.set(host.name, host);
    const hosts = [...byName.values()];
    const plan = planSecure({ underlay, execRoot }, hosts);
    if (plan) this.#warnOf(hosts, plan);
    else if (!this.#unable) {
      this.#unable = true;
      this.#context.deps.log.warn(
        'the kernel has no WireGuard (CONFIG_WIREGUARD): containers on encrypted networks reach those of this host only',
      );
    }
    return plan;
  }

  #warnOf(hosts: readonly ClusterHost[], plan: WireguardPlan): void {
    const keys = new Map(plan.peers.map(({ publicKey, host }) => [publicKey, host]));
    // While it changes its address some of its endpoints are told with the former one.
    for (const { name, address, secure } of hosts) {
      if (secure && keys.get(secure.publicKey) === address) this.#unreachable.delete(name);
      else if (!this.#unreachable.has(name)) {
        this.#unreachable.add(name);
        this.#context.deps.log.warn(
          'containers of another host are not reached on encrypted networks: that host has no WireGuard, or the key of yet another',
          { host: name, address },
        );
      }
    }
  }

  /** undefined when there shall be none. Asked for each encrypted network: who is on them does not matter. */
  #device(): ReturnType<typeof secureDevice> | undefined {
    const { cluster, execRoot } = this.#context.deps;
    if (!this.#hosts() || securely(cluster.underlay()?.secure) === undefined) return undefined;
    return secureDevice(execRoot);
  }

  /** Name of the device; undefined when there shall be none. */
  get name(): string | undefined {
    return this.#device()?.name;
  }

  /** It is there, marked and up; or there shall be none. */
  isComplete(links: readonly HostLink[]): boolean {
    const device = this.#device();
    return !device || links.some(({ name, alias, up }) => name === device.name && alias === device.owner && up);
  }

  /** Makes the device, or makes it right. */
  ensure(): void {
    const plan = this.#plan();
    if (!plan) return;
    this.#told = '';
    this.#context.deps.kernel.ensureWireguard(plan);
    this.#told = JSON.stringify(plan);
  }

  /**
   * There may be other hosts, or others of their addresses, than the kernel was told of. When it cannot be told, the host goes on
   * without them until the next change: nothing is sent in the clear.
   */
  update(): void {
    try {
      if (JSON.stringify(this.#plan()) !== this.#told) this.ensure();
    } catch (error) {
      this.#context.deps.log.error('encrypted networks do not reach other hosts', { error: messageOf(error) });
    }
  }

  /** An encrypted network is gone from this host. */
  async release(): Promise<void> {
    if (this.#hosts()) return this.update();
    this.#told = '';
    const { kernel, execRoot } = this.#context.deps;
    const { name, owner } = secureDevice(execRoot);
    // Never somebody else's of that name.
    if (kernel.present().links.some((link) => link.name === name && link.alias !== owner)) return;
    this.#going = kernel.linksGone([name], 0);
    await this.#going;
  }

  /** None is on its way out any more. */
  async settled(): Promise<void> {
    await this.#going.catch(() => undefined);
  }
}

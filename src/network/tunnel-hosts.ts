/**
 * The other hosts that have containers on this host's networks, as the firewall knows them: from nobody else are packets of tunnels
 * taken in.
 */
import type { HostRule } from '../drivers/plan.ts';
import { messageOf } from '../errors.ts';
import { formatAddress, parseAddress } from '../ipam/address.ts';
import type { NetworkContext } from './context.ts';

type Rules = Map<string, HostRule>;

export class TunnelHosts {
  readonly #context: NetworkContext;
  /** Endpoint → key of its host. */
  readonly #places = new Map<string, string>();
  /** By key, with the number of endpoints there. */
  readonly #hosts = new Map<string, { rule: HostRule; endpoints: number }>();
  /** What the firewall was told; undefined before its rules stand. */
  #told: Rules | undefined;

  constructor(context: NetworkContext) {
    this.#context = context;
  }

  /** All, for a firewall that is set as a whole. From here on it is told of changes. */
  all(): HostRule[] {
    this.#told = this.#wanted();
    return [...this.#told.values()];
  }

  /** The endpoint of another host is there; undefined where it cannot be sent to. tell() follows. */
  put(endpointId: string, rule: HostRule | undefined): void {
    this.drop(endpointId);
    // What other hosts say of themselves becomes part of a rule.
    const parsed = rule && parseAddress(rule.address);
    if (!parsed) return;
    const address = formatAddress(parsed);
    const key = `${address} ${rule.port}`;
    this.#places.set(endpointId, key);
    this.#hosts.set(key, { rule: { ...rule, address }, endpoints: (this.#hosts.get(key)?.endpoints ?? 0) + 1 });
  }

  drop(endpointId: string): void {
    const key = this.#places.get(endpointId);
    const host = key === undefined ? undefined : this.#hosts.get(key);
    if (key === undefined || !host) return;
    this.#places.delete(endpointId);
    if (host.endpoints > 1) this.#hosts.set(key, { ...host, endpoints: host.endpoints - 1 });
    else this.#hosts.delete(key);
  }

  /** Without effect when no host came and none went. */
  tell(): void {
    const told = this.#told;
    if (!told) return;
    const wanted = this.#wanted();
    const missing = (from: Rules, other: Rules): HostRule[] =>
      [...from].flatMap(([key, rule]) => (other.has(key) ? [] : [rule]));
    const [add, remove] = [missing(wanted, told), missing(told, wanted)];
    if (add.length + remove.length === 0) return;
    this.#told = wanted;
    this.#context.changeRules({ add: { hosts: add }, remove: { hosts: remove } }).catch((error: unknown) => {
      // The next change, or the next setting of all rules, tells it again.
      this.#told = told;
      this.#context.deps.log.error(
        'the firewall does not know the hosts of the cluster: packets of others may be dropped',
        {
          error: messageOf(error),
        },
      );
    });
  }

  #wanted(): Rules {
    const { iptables, ip6tables } = this.#context.deps.settings;
    const served = ({ address }: HostRule): boolean => (address.includes(':') ? iptables && ip6tables : iptables);
    return new Map([...this.#hosts].flatMap(([key, { rule }]) => (served(rule) ? [[key, rule]] : [])));
  }
}

/** The hosts of the cluster, as the store has them. */
import type { ClusterHost } from '../network/cluster.ts';
import { BadRecord } from './decode.ts';
import type { HostRecord } from './deps.ts';
import type { HostIdentity } from './endpoint-record.ts';
import type { KeyValue, WatchEvent } from './etcd/port.ts';
import { decodeHost } from './host-record.ts';

export class Hosts {
  readonly #prefix: string;
  readonly #bad: (key: string, problem: string) => void;
  /** By name. */
  readonly #hosts = new Map<string, HostRecord>();
  /** '<name> <address> <key> <port>' → the one object for it. */
  readonly #shared = new Map<string, ClusterHost>();

  constructor(prefix: string, bad: (key: string, problem: string) => void) {
    this.#prefix = prefix;
    this.#bad = bad;
  }

  all(): HostRecord[] {
    return [...this.#hosts.values()];
  }

  replace(kvs: readonly KeyValue[]): void {
    this.#hosts.clear();
    for (const { key, value } of kvs) this.#put(key, value);
  }

  apply(events: readonly WatchEvent[]): void {
    for (const event of events) {
      if (event.kind === 'put') this.#put(event.kv.key, event.kv.value);
      else this.#hosts.delete(event.key.slice(this.#prefix.length));
    }
  }

  #put(key: string, value: Buffer): void {
    const name = key.slice(this.#prefix.length);
    this.#hosts.delete(name);
    try {
      const host = decodeHost(value);
      if (host.name !== name) throw new BadRecord('name: not the key');
      this.#hosts.set(name, host);
    } catch (error) {
      if (!(error instanceof BadRecord)) throw error;
      this.#bad(key, error.message);
    }
  }

  /** Endpoints say where they are themselves; many are on one host. */
  share = ({ name, address, secure }: HostIdentity): ClusterHost => {
    const key = `${name} ${address} ${secure?.publicKey ?? ''} ${secure?.port ?? ''}`;
    const known = this.#shared.get(key);
    if (known) return known;
    // Hosts come and go; those that are referred to stay with their endpoints.
    if (this.#shared.size >= 4096) this.#shared.clear();
    const host = { name, address, ...(secure && { secure }) };
    this.#shared.set(key, host);
    return host;
  };
}

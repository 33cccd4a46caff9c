/**
 * This host in the cluster: its lease, and the two keys by which nobody else has its name or its address. Everything of the host's
 * hangs on the lease; when the store has not heard of the host for so long, all of it is gone.
 */
import { BadRecord } from './decode.ts';
import type { Contact } from './contact.ts';
import type { Clock, ClusterSettings, HostRecord } from './deps.ts';
import { EtcdError } from './etcd/error.ts';
import type { KeyValue } from './etcd/port.ts';
import { decodeHost, encodeHost } from './host-record.ts';
import { clusterKeys } from './keys.ts';

/** The cluster has another host of that name or address; it may be in later. */
export class Refused extends Error {}

export interface Entry {
  lease: bigint;
  kept: boolean;
  granted: boolean;
  former: readonly bigint[];
}

export class Membership {
  readonly #contact: Contact;
  readonly #clock: Clock;
  readonly #ttl: number;
  readonly #keys: { host: string; underlay: string };
  readonly #host: HostRecord;
  readonly #value: Buffer;
  #lease = 0n;
  /** By the clock here, counted from before the store was asked: the store gives it at least as long. */
  #ends = 0;

  constructor(contact: Contact, clock: Clock, { prefix, leaseTtl }: ClusterSettings, host: HostRecord) {
    const keys = clusterKeys(prefix);
    this.#contact = contact;
    this.#clock = clock;
    this.#ttl = leaseTtl;
    this.#keys = { host: keys.host(host.name), underlay: keys.underlay(host.address) };
    this.#host = host;
    this.#value = encodeHost(host);
  }

  /** Seconds that the lease has left. */
  get left(): number {
    return this.#lease === 0n ? 0 : Math.max(0, (this.#ends - this.#clock.now()) / 1000);
  }

  /**
   * The host is in the cluster when it resolves. `fresh`: with a new lease, whatever there was. `kept`: the one that it had is not over.
   * `granted`: the lease is a new one, and nothing hangs on it yet (its ID may be one that was there before the store was restored). `former`: leases that this host had;
   * what still hangs on them when all that it has hangs on the new one is nobody's, and goes with revoke().
   */
  async enter({ fresh }: { fresh: boolean }): Promise<Entry> {
    const { host: hostKey, underlay: underlayKey } = this.#keys;
    const keys = [hostKey, underlayKey];
    const { results } = await this.#contact.read(keys.map((key) => ({ key })));
    const found = keys.map((_, i) => results[i]?.[0]);
    await this.#mayEnter(found);
    const former = new Set(found.flatMap((kv) => kv?.lease ?? []));
    if (this.#lease !== 0n) former.add(this.#lease);
    const kept = await this.keep();
    const granted = fresh || !kept;
    if (granted) await this.#grant();
    const lease = this.#lease;
    former.delete(lease);
    former.delete(0n);
    if (!found.every((kv) => kv && this.#isOurs(kv))) {
      const { succeeded } = await this.#contact.transact(
        keys.map((key, i) => ({ key, mod: '=', revision: found[i]?.modRevision ?? 0n })),
        keys.map((put) => ({ put, value: this.#value, lease })),
      );
      if (!succeeded) throw new EtcdError('unavailable', 'another host came in at the same moment');
    }
    return { lease, kept, granted, former: [...former] };
  }

  async #grant(): Promise<void> {
    const now = this.#clock.now();
    this.#lease = await this.#contact.grant(this.#ttl);
    this.#ends = now + this.#ttl * 1000;
  }

  /** False when the lease is over: whatever hung on it is gone. */
  async keep(): Promise<boolean> {
    if (this.#lease === 0n) return false;
    const now = this.#clock.now();
    const left = await this.#contact.keepAlive(this.#lease);
    if (left > 0) this.#ends = now + left * 1000;
    else this.#lease = 0n;
    return left > 0;
  }

  /** Whether the store has this host, with this lease. */
  async isThere(): Promise<boolean> {
    const { kvs } = await this.#contact.get({ key: this.#keys.host });
    return kvs.length === 1 && kvs.every((kv) => this.#isOurs(kv));
  }

  /** All that is this host's goes from the store at once. */
  async leave(): Promise<void> {
    const lease = this.#lease;
    this.#lease = 0n;
    if (lease !== 0n) await this.#contact.revoke(lease);
  }

  #isOurs({ lease, value }: KeyValue): boolean {
    return lease === this.#lease && value.equals(this.#value);
  }

  async #mayEnter([host, underlay]: readonly (KeyValue | undefined)[]): Promise<void> {
    const reason = this.#hindrance(host) ?? this.#hindrance(underlay);
    if (reason === undefined) return;
    await this.leave();
    throw new Refused(reason);
  }

  #hindrance(kv: KeyValue | undefined): string | undefined {
    if (!kv) return undefined;
    const { id, name, address } = this.#host;
    let other: HostRecord;
    try {
      other = decodeHost(kv.value);
    } catch (error) {
      if (!(error instanceof BadRecord)) throw error;
      return `what the cluster store has at ${kv.key} is not to be understood (${error.message})`;
    }
    if (other.id !== id) {
      return other.name === name
        ? `host name ${JSON.stringify(name)} is in use by another host, at ${other.address}: give this one another name (--cluster-name)`
        : `address ${address} is in use by host ${JSON.stringify(other.name)}`;
    }
    if (other.name === name && other.address === address) return undefined;
    return `this host is in the cluster already, as ${JSON.stringify(other.name)} at ${other.address}: it has just changed its name or address and is let in when the former lease is over, or it is a copy of that host and needs an ID of its own`;
  }
}

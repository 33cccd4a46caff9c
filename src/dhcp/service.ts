/**
 * The leases of all containers: a client for each, the address on its interface, and whoever wants to know. An address stands on its interface
 * exactly as long as its lease lasts, whether berthd is there or not.
 */
import { randomBytes } from 'node:crypto';
import { uptime } from 'node:os';
import { messageOf } from '../errors.ts';
import { HeldNamespace, identityOf, isNamespace } from '../linux/held-namespace.ts';
import { Readiness } from '../linux/listen-readiness.ts';
import { interfaceNamed, readdress } from '../linux/readdress.ts';
import type { Logger } from '../log.ts';
import type { Lease, LeaseChange, LeaseWish } from '../network/leases.ts';
import { DhcpClient } from './client.ts';
import type { Clock } from './wire.ts';
import { PacketWire } from './packet-wire.ts';

export interface LeaseServiceOptions {
  log: Logger;
  changed: (change: LeaseChange) => void;
}

interface Entry {
  wish: LeaseWish;
  namespace: HeldNamespace;
  wire: PacketWire;
  client: DhcpClient;
  /** It has no address now, and the container's default route left by it. */
  leadsOut: boolean;
  /** Who waits for the first lease. */
  first: PromiseWithResolvers<Lease> | undefined;
}

const clock: Clock = {
  now: uptime,
  later(seconds, body) {
    const timer = setTimeout(body, seconds * 1000);
    return () => clearTimeout(timer);
  },
};

/** Transaction numbers shall not be guessed by who does not hear them. */
const random = (): number => randomBytes(4).readUInt32BE() / 0x1_0000_0000;

export class LeaseService {
  readonly #options: LeaseServiceOptions;
  readonly #readiness = new Readiness();
  readonly #entries = new Map<string, Entry>();

  constructor(options: LeaseServiceOptions) {
    this.#options = options;
  }

  ids(): string[] {
    return [...this.#entries.keys()];
  }

  /** In the namespace at the first of `paths` that is one. Rejects when no server answers in time, or when it is dropped meanwhile. */
  async obtain(wish: LeaseWish, paths: readonly string[]): Promise<Lease> {
    const before = this.#sameEntry(wish, paths);
    // Whoever asks again lost the connection before the answer came.
    if (before?.client.lease) return before.client.lease;
    // Nothing is awaited until it is there: a drop() that comes next finds it.
    void this.drop(wish.endpointId, { release: false });
    const entry = this.#open(wish, paths);
    const first = Promise.withResolvers<Lease>();
    entry.first = first;
    try {
      entry.wire.begin();
      entry.client.start();
    } catch (error) {
      entry.first = undefined;
      void this.drop(wish.endpointId, { release: false });
      throw error;
    }
    return first.promise;
  }

  /** What the endpoint has now; undefined when it has lost it and another is being asked for. */
  keep(wish: LeaseWish, paths: readonly string[], lease: Lease | undefined): Lease | undefined {
    const before = this.#sameEntry(wish, paths);
    if (before) return before.client.lease;
    void this.drop(wish.endpointId, { release: false });
    const { client } = this.#open(wish, paths);
    client.resume(lease);
    return client.lease;
  }

  /** `release`: the server may give the address to others. Resolves when nothing of this keeps the namespace. */
  async drop(endpointId: string, { release }: { release: boolean }): Promise<void> {
    const entry = this.#entries.get(endpointId);
    if (!entry) return;
    this.#entries.delete(endpointId);
    if (release) entry.client.release();
    else entry.client.end();
    entry.first?.reject(new Error('the endpoint is gone'));
    await entry.wire.closed();
    entry.namespace.close();
  }

  close(): void {
    for (const id of this.ids()) void this.drop(id, { release: false });
    this.#readiness[Symbol.dispose]();
  }

  #sameEntry({ endpointId }: LeaseWish, paths: readonly string[]): Entry | undefined {
    const entry = this.#entries.get(endpointId);
    const path = pathOf(paths);
    return entry && path !== undefined && identityOf(path) === entry.namespace.identity ? entry : undefined;
  }

  #open(wish: LeaseWish, paths: readonly string[]): Entry {
    const path = pathOf(paths);
    if (path === undefined) throw new Error(`there is no network namespace at ${paths.at(-1)}`);
    const { endpointId, interfaceName } = wish;
    const { log } = this.#options;
    const namespace = new HeldNamespace(path);
    const found = namespace.run(() => interfaceNamed(interfaceName));
    if (!found) {
      namespace.close();
      throw new Error(`there is no interface ${interfaceName}`);
    }
    const mac = wish.mac || found.mac;
    const wire = new PacketWire({
      namespace,
      interfaceName,
      mac,
      log,
      readiness: this.#readiness,
      receive: (reply) => client.receive(reply),
      heard: (arp) => client.heard(arp),
    });
    const client = new DhcpClient(
      { ...wish, mac },
      {
        wire,
        clock,
        random,
        listener: {
          bound: (lease, before) => this.#bound(endpointId, lease, before),
          lost: (lease, reason) => this.#lost(endpointId, lease, reason),
          failed: (reason) => this.#failed(endpointId, reason),
        },
      },
    );
    const entry: Entry = { wish, namespace, wire, client, leadsOut: false, first: undefined };
    this.#entries.set(endpointId, entry);
    return entry;
  }

  #bound(endpointId: string, lease: Lease, before: Lease | undefined): void {
    const entry = this.#entries.get(endpointId);
    if (!entry) return;
    const { first } = entry;
    const fields = { endpoint: endpointId, address: lease.address, server: lease.server };
    if (lease.address === before?.address) this.#options.log.debug('a lease was renewed', fields);
    else this.#options.log.info('a lease was obtained', fields);
    try {
      if (lease.address !== before?.address || lease.gateway !== before.gateway || lease.mtu !== before.mtu) {
        this.#readdress(entry, before, lease);
      }
      first?.resolve(lease);
    } catch (error) {
      this.#complain(endpointId, lease, error);
      first?.reject(new Error(`the address ${lease.address} cannot be used: ${messageOf(error)}`, { cause: error }));
      if (first) void this.drop(endpointId, { release: true });
    }
    entry.first = undefined;
    // Routes by it can be made now.
    if (!first) this.#options.changed({ endpointId, lease, reason: '' });
  }

  #lost(endpointId: string, lease: Lease, reason: string): void {
    const entry = this.#entries.get(endpointId);
    if (!entry) return;
    this.#options.log.warn('a lease was lost', { endpoint: endpointId, address: lease.address, reason });
    try {
      this.#readdress(entry, lease, undefined);
    } catch (error) {
      this.#complain(endpointId, lease, error);
    }
    this.#options.changed({ endpointId, lease: undefined, reason });
  }

  #readdress(entry: Entry, before: Lease | undefined, after: Lease | undefined): void {
    const leaves = entry.namespace.run(() =>
      readdress({
        name: entry.wish.interfaceName,
        before,
        after,
        mtu: after?.mtu ?? 0,
        leadsOut: entry.leadsOut,
      }),
    );
    entry.leadsOut = after === undefined && leaves;
  }

  #failed(endpointId: string, reason: string): void {
    const entry = this.#entries.get(endpointId);
    if (!entry) return;
    entry.first?.reject(new Error(reason));
    entry.first = undefined;
    void this.drop(endpointId, { release: false });
  }

  #complain(endpointId: string, { address }: Lease, error: unknown): void {
    this.#options.log.error('the address of a lease could not be set', {
      endpoint: endpointId,
      address,
      error: messageOf(error),
    });
  }
}

const pathOf = (paths: readonly string[]): string | undefined => paths.find((path) => isNamespace(path));

/** The networks of the cluster, as they were told here, and how they are made and removed. */
import { forbidden, invalidParameter, notFound } from '../errors.ts';
import type { ClusterHost } from '../network/cluster.ts';
import type { NetworkRecord } from '../network/records.ts';
import type { Call } from './calls.ts';
import type { Contact } from './contact.ts';
import { BadRecord } from './decode.ts';
import { decodeEndpoint } from './endpoint-record.ts';
import { EtcdError } from './etcd/error.ts';
import type { KeyValue, WatchEvent } from './etcd/port.ts';
import type { ClusterKeys } from './keys.ts';
import { clashOf, decodeNetwork, encodeNetwork } from './network-record.ts';

/** Each one means that another host made a network at the same moment. */
const ATTEMPTS = 20;
/** In the text of a refusal. */
const MAX_LISTED = 50;

export type NetworkChange = { added: NetworkRecord } | { removed: string };

export class ClusterNetworks {
  readonly #contact: Contact;
  readonly #keys: ClusterKeys;
  readonly #bad: (key: string, problem: string) => void;
  readonly #known = new Map<string, NetworkRecord>();
  /** Up to which the listener was told, and who waits for more. */
  #revision = 0n;
  #waiting: { revision: bigint; resolve: () => void }[] = [];

  constructor(
    contact: Contact,
    keys: ClusterKeys,
    bad: (key: string, problem: string) => void,
    known: readonly NetworkRecord[],
  ) {
    this.#contact = contact;
    this.#keys = keys;
    this.#bad = bad;
    for (const network of known) this.#known.set(network.id, network);
  }

  get size(): number {
    return this.#known.size;
  }

  get(id: string): NetworkRecord | undefined {
    return this.#known.get(id);
  }

  ids(): string[] {
    return [...this.#known.keys()];
  }

  decode(kvs: readonly KeyValue[]): NetworkRecord[] {
    return kvs.flatMap(({ key, value }) => this.#decode(key, value) ?? []);
  }

  #decode(key: string, value: Buffer): NetworkRecord | undefined {
    try {
      return decodeNetwork(key.slice(this.#keys.networks.length), value);
    } catch (error) {
      if (!(error instanceof BadRecord)) throw error;
      this.#bad(key, error.message);
      return undefined;
    }
  }

  /** These are all; what is to be told comes back. */
  replace(networks: readonly NetworkRecord[]): { added: NetworkRecord[]; removed: string[] } {
    const now = new Set(networks.map(({ id }) => id));
    const removed = this.ids().filter((id) => !now.has(id));
    const added = networks.filter((network) => !isSame(this.#known.get(network.id), network));
    for (const id of removed) this.#known.delete(id);
    for (const network of added) this.#known.set(network.id, network);
    return { added, removed };
  }

  apply(events: readonly WatchEvent[]): NetworkChange[] {
    return events.flatMap((event): NetworkChange[] => {
      const network = event.kind === 'put' ? this.#decode(event.kv.key, event.kv.value) : undefined;
      const id = (event.kind === 'put' ? event.kv.key : event.key).slice(this.#keys.networks.length);
      const known = this.#known.get(id);
      if (!network) return this.#known.delete(id) ? [{ removed: id }] : [];
      this.#known.set(id, network);
      return isSame(known, network) ? [] : [{ added: network }];
    });
  }

  /** All up to this revision was told. `anew`: the store has gone back to it. */
  told(revision: bigint, anew = false): void {
    if (anew || revision > this.#revision) this.#revision = revision;
    const done = this.#waiting.filter((one) => one.revision <= this.#revision);
    this.#waiting = this.#waiting.filter((one) => one.revision > this.#revision);
    for (const { resolve } of done) resolve();
  }

  async reached(revision: bigint): Promise<void> {
    if (revision <= this.#revision) return;
    await new Promise<void>((resolve) => this.#waiting.push({ revision, resolve }));
  }

  /** Resolves to the revision at which it was made. `asked`: those that were tried before in this call; the last may be there. */
  async create(
    plan: (networks: readonly NetworkRecord[]) => NetworkRecord,
    asked: NetworkRecord[],
    call: Call,
  ): Promise<{ network: NetworkRecord; revision: bigint }> {
    for (let attempt = 0; attempt < ATTEMPTS && !call.over; attempt++) {
      const { networks, guard, revision } = await this.#read();
      const made = asked.find(({ id }) => networks.some((network) => network.id === id));
      if (made) return { network: made, revision };
      const network = plan(networks);
      this.#check(network);
      asked.push(network);
      const answer = await this.#putNew(network, guard);
      if (answer.succeeded) return { network, revision: answer.revision };
    }
    throw new EtcdError('unavailable', 'other hosts make networks all the time');
  }

  async #read(): Promise<{ networks: NetworkRecord[]; guard: bigint; revision: bigint }> {
    const { results, revision } = await this.#contact.read([{ prefix: this.#keys.networks }, { key: this.#keys.plan }]);
    const [networks = [], [guard] = []] = results;
    return { networks: this.decode(networks), guard: guard?.modRevision ?? 0n, revision };
  }

  async #putNew(network: NetworkRecord, guard: bigint): ReturnType<Contact['transact']> {
    const key = this.#keys.network(network.id);
    return this.#contact.transact(
      [
        { key: this.#keys.plan, mod: '=', revision: guard },
        { key, create: '=', revision: 0n },
      ],
      [
        { put: key, value: encodeNetwork(network) },
        { put: this.#keys.plan, value: Buffer.from(network.id) },
      ],
    );
  }

  /** What the other hosts would not take. */
  #check(network: NetworkRecord): void {
    try {
      decodeNetwork(network.id, encodeNetwork(network));
    } catch (error) {
      if (!(error instanceof BadRecord)) throw error;
      throw invalidParameter(`network ${network.name} cannot span hosts: ${error.message}`);
    }
  }

  /** Networks that a restored store has forgotten, though hosts take part in them. Those that it has no place for are left out. */
  async putBack(networks: readonly NetworkRecord[], log: (text: string, network: string) => void): Promise<void> {
    for (const network of networks) {
      for (let done = false; !done;) {
        const { networks: there, guard } = await this.#read();
        const clash = there.flatMap((other) => clashOf(network, other) ?? [])[0];
        if (there.some(({ id }) => id === network.id)) break;
        if (clash !== undefined) {
          log(
            `the cluster store was restored from a backup without a network, and it cannot be put back: ${clash}`,
            network.name,
          );
          break;
        }
        done = (await this.#putNew(network, guard)).succeeded;
        if (done) log('the cluster store was restored from a backup without a network: it was put back', network.name);
      }
    }
  }

  /** Resolves to the revision at which it was removed. `tried`: this call may have removed it before. */
  async remove(id: string, tried: boolean): Promise<bigint> {
    const key = this.#keys.network(id);
    const prefix = this.#keys.endpoints(id);
    const { succeeded, results, revision } = await this.#contact.transact(
      [
        { key, create: '>', revision: 0n },
        { prefix, create: '=', revision: 0n },
      ],
      [{ delete: { key } }],
      [{ get: { key } }, { get: { prefix } }],
    );
    if (succeeded) return revision;
    const [[network] = [], endpoints = []] = results;
    if (!network && tried) return revision;
    if (!network) throw notFound(`network ${id} not found`);
    const name = this.#decode(network.key, network.value)?.name ?? id;
    throw forbidden(
      `error while removing network: network ${name} has active endpoints (${listed(id, prefix, endpoints)})`,
    );
  }
}

function listed(networkId: string, prefix: string, kvs: readonly KeyValue[]): string {
  const list = kvs.flatMap(({ key, value }) => {
    try {
      const hostOf = (host: ClusterHost): ClusterHost => host;
      const found = decodeEndpoint(networkId, key.slice(prefix.length), value, hostOf)?.endpoint;
      return found ? `name:"${found.containerName}" id:"${found.id.slice(0, 12)}" host:"${found.host.name}"` : [];
    } catch {
      // It is in the way all the same.
      return key;
    }
  });
  return list.length > MAX_LISTED
    ? `${list.slice(0, MAX_LISTED).join(', ')} and ${list.length - MAX_LISTED} more`
    : list.join(', ');
}

const isSame = (a: NetworkRecord | undefined, b: NetworkRecord): boolean =>
  a !== undefined && JSON.stringify(a) === JSON.stringify(b);

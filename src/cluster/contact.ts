/**
 * The store as this host sees it: every call passes here, so that it is known when it answered last, what it said otherwise, and
 * whether it is still the one it was.
 */
import { forbidden, messageOf, system, unavailable } from '../errors.ts';
import type { BerthError } from '../errors.ts';
import type { ClusterDeps, ClusterSettings } from './deps.ts';
import { EtcdError } from './etcd/error.ts';
import type { Compare, Etcd, Header, Keys, Operation, Result, Watch, WatchListener } from './etcd/port.ts';

export class Contact {
  readonly #etcd: Etcd;
  readonly #clock: ClusterDeps['clock'];
  readonly #memory: ClusterDeps['memory'];
  readonly #endpoints: string;
  readonly #began: number;
  #answered: number | undefined;
  #trouble = '';
  /** It answered, though not as it should. */
  #refuses = false;
  /** The highest that was seen. */
  #header: Header | undefined;
  #unsaved = false;
  #restores = 0;

  constructor({ connect, clock, memory }: ClusterDeps, { store, timeout }: ClusterSettings) {
    this.#etcd = connect({ ...store, timeout: Math.min(store.timeout, timeout) });
    this.#clock = clock;
    this.#memory = memory;
    this.#endpoints = store.endpoints.join(', ');
    this.#began = clock.now();
    this.#header = parseHeader(memory?.load());
  }

  /**
   * How often the store has gone back: another cluster's ID, or a revision below one that was seen (etcd keeps its ID when it is restored
   * with the same members and token). What it has since says nothing of what was removed.
   */
  get restores(): number {
    return this.#restores;
  }

  /** Milliseconds since the store answered; undefined: never. */
  get since(): number | undefined {
    return this.#answered === undefined ? undefined : this.#clock.now() - this.#answered;
  }

  /** What it said last; '' after an answer. */
  get trouble(): string {
    return this.#trouble;
  }

  get revision(): bigint {
    return this.#header?.revision ?? 0n;
  }

  get: Etcd['get'] = async (keys, options) => this.#observe(this.#etcd.get(keys, options));

  /** `what` is done if all of `when` holds, otherwise `otherwise`: one write when it writes. */
  async transact(
    when: readonly Compare[],
    what: readonly Operation[],
    otherwise: readonly Operation[] = [],
  ): ReturnType<Etcd['transact']> {
    const answer = await this.#observe(this.#etcd.transact({ when, then: what, otherwise }));
    this.#unsaved ||= answer.succeeded && what.some((operation) => !('get' in operation));
    return answer;
  }

  /** All at one revision. */
  async read(keys: readonly Keys[]): Promise<Header & { results: readonly Result[] }> {
    return this.transact(
      [],
      keys.map((get) => ({ get })),
    );
  }

  grant = async (ttl: number): Promise<bigint> => this.#heard(this.#etcd.grant(ttl));
  keepAlive = async (lease: bigint): Promise<number> => this.#heard(this.#etcd.keepAlive(lease));
  revoke = async (lease: bigint): Promise<void> => this.#heard(this.#etcd.revoke(lease));

  watch(keys: Keys, from: bigint, listener: WatchListener): Watch {
    return this.#etcd.watch(keys, from, listener);
  }

  /** It shows that it did. */
  wentBack(): void {
    this.#restores++;
  }

  /** So that a daemon that starts later knows how far the store was; only when this host has written something, unless `always`. */
  save(always = false): void {
    if (!this.#header || !(always || this.#unsaved)) return;
    this.#unsaved = false;
    this.#memory?.save(`${this.#header.clusterId} ${this.#header.revision}`);
  }

  /** For good: the host leaves this cluster. */
  forget(): void {
    this.#memory?.save('');
  }

  close(): void {
    this.#etcd.close();
  }

  /** What a call that needs the store rejects with. `trouble`: what it met itself, while others may have been answered. */
  refusal(trouble = ''): BerthError {
    const seconds = ((this.since ?? this.#clock.now() - this.#began) / 1000).toFixed(0);
    const said = this.#trouble || trouble;
    let how = `has not answered for ${seconds} s`;
    if (this.#trouble === '' && trouble !== '') how = 'did not do it in time';
    if (this.#trouble !== '' && this.#refuses) how = 'refuses this host';
    return unavailable(`the cluster store (${this.#endpoints}) ${how}${said === '' ? '' : `: ${said}`}`);
  }

  /** What a caller makes of it that trying again would not help; undefined where it might. */
  hopeless(error: EtcdError): BerthError | undefined {
    if (error.code === 'denied') return forbidden(`the cluster store (${this.#endpoints}) refuses: ${error.message}`);
    return error.code === 'invalid' ? system('the cluster store did not understand', error) : undefined;
  }

  async #heard<T>(call: Promise<T>): Promise<T> {
    try {
      const answer = await call;
      this.#answered = this.#clock.now();
      this.#trouble = '';
      return answer;
    } catch (error) {
      this.#trouble = messageOf(error);
      this.#refuses = error instanceof EtcdError && error.code !== 'unavailable';
      if (this.#refuses) this.#answered = this.#clock.now();
      throw error;
    }
  }

  async #observe<T extends Header>(call: Promise<T>): Promise<T> {
    // Answers overtake each other: only what was seen before it was asked counts.
    const before = this.#header;
    const answer = await this.#heard(call);
    const { clusterId, revision } = answer;
    const back = before && (before.clusterId !== clusterId || revision < before.revision);
    if (back) this.wentBack();
    if (back || !this.#header || revision > this.#header.revision) this.#header = { clusterId, revision };
    return answer;
  }
}

/** '<cluster's ID> <revision>' */
function parseHeader(text: string | undefined): Header | undefined {
  const [, clusterId, revision] = /^(\d{1,20}) (\d{1,20})$/.exec(text ?? '') ?? [];
  return clusterId !== undefined && revision !== undefined
    ? { clusterId: BigInt(clusterId), revision: BigInt(revision) }
    : undefined;
}

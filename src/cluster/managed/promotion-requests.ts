/**
 * `berth cluster promote HOST` for another host: the wish goes to it through etcd, and so does the answer. A wish hangs on a
 * lease; whoever is asked after its end is not asked any more.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { BerthError, conflict, messageOf, notFound, unavailable } from '../../errors.ts';
import type { KeyValue, Watch } from '../etcd/port.ts';
import type { ManagedContext } from './context.ts';
import { promotionKey } from './secrets.ts';

/** Seconds. */
const LIFE = 120;
const PAUSE = 200;
/** The lists of notes and the messages are short. */
const LONGEST = 4096;

interface Wish {
  state: 'wanted' | 'done' | 'failed';
  /** Of whoever asks: one wish is not taken for another. */
  by: string;
  notes: string[];
}

const encode = (wish: Wish): Buffer => Buffer.from(JSON.stringify(wish));

function decode({ value }: KeyValue): Wish | undefined {
  try {
    const { state, by, notes } = JSON.parse(value.subarray(0, LONGEST).toString()) as Partial<Wish>;
    if (state !== 'wanted' && state !== 'done' && state !== 'failed') return undefined;
    if (typeof by !== 'string' || !Array.isArray(notes) || notes.some((note) => typeof note !== 'string'))
      return undefined;
    return { state, by, notes };
  } catch {
    return undefined;
  }
}

/** Resolves with what the other host says. NotFound when there is none of that name, Unavailable when it does not answer. */
export async function askToPromote(context: ManagedContext, host: string): Promise<string[]> {
  const { prefix } = context.member('promote');
  const { hosts, state } = context.deps.registry.status();
  if (state !== 'joined')
    throw unavailable('this host is not in touch with its cluster: "berth cluster status" says more');
  if (!hosts.some(({ name }) => name === host)) {
    throw notFound(
      `there is no host ${host} in the cluster now: there are ${hosts.map(({ name }) => name).join(', ')}`,
    );
  }
  const { etcd } = context;
  const key = promotionKey(prefix, host);
  const by = context.deps.randomHex(8);
  const lease = await etcd.grant(LIFE);
  try {
    const put = { put: key, value: encode({ state: 'wanted', by, notes: [] }), lease };
    const { succeeded } = await etcd.transact({ when: [{ key, create: '=', revision: 0n }], then: [put] });
    if (!succeeded)
      throw conflict(`${host} is just being promoted, or was a moment ago: "berth cluster status" shows it`);
    for (;;) {
      const { kvs } = await etcd.get({ key });
      const wish = kvs[0] && decode(kvs[0]);
      if (wish?.by !== by)
        throw unavailable(`${host} did not say in time whether it is a member: "berth cluster status" shows it`);
      if (wish.state === 'done') return wish.notes;
      if (wish.state === 'failed') throw conflict(`${host}: ${wish.notes.join('; ')}`);
      await sleep(PAUSE);
    }
  } finally {
    await etcd.revoke(lease).catch(() => undefined);
  }
}

/** This host's side: does what is wished, one after the other, until it is closed. */
export class PromotionRequests {
  readonly #context: ManagedContext;
  readonly #promote: () => Promise<string[]>;
  #watch: Watch | undefined;
  #closed = false;
  #turn = Promise.resolve();

  constructor(context: ManagedContext, promote: () => Promise<string[]>) {
    this.#context = context;
    this.#promote = promote;
    void this.#begin();
  }

  close(): void {
    this.#closed = true;
    this.#watch?.close();
  }

  async #begin(): Promise<void> {
    while (!this.#closed) {
      const { membership } = this.#context;
      if (!membership) return;
      const key = promotionKey(membership.prefix, membership.hostName);
      try {
        const { kvs, revision } = await this.#context.etcd.get({ key });
        for (const kv of kvs) this.#hear(kv);
        if (this.#closed) return;
        this.#watch = this.#context.etcd.watch({ key }, revision + 1n, {
          events: (_header, events) => {
            for (const event of events) if (event.kind === 'put') this.#hear(event.kv);
          },
          compacted: () => void this.#begin(),
        });
        return;
      } catch (error) {
        // etcd is away, and so is whoever could wish.
        this.#context.deps.log.debug('wishes for a promotion are not heard', { error: messageOf(error) });
      }
      await sleep(1000);
    }
  }

  #hear(kv: KeyValue): void {
    const wish = decode(kv);
    if (wish?.state !== 'wanted') return;
    this.#turn = this.#turn.then(async () => this.#fulfil(kv, wish));
  }

  async #fulfil({ key, modRevision, lease }: KeyValue, { by }: Wish): Promise<void> {
    if (this.#closed) return;
    const answer: Wish = await this.#promote().then(
      (notes) => ({ state: 'done', by, notes }),
      (error: unknown) => {
        this.#context.deps.log.warn('this host did not become a member of etcd', { error: messageOf(error) });
        return {
          state: 'failed',
          by,
          notes: [error instanceof BerthError ? error.message : 'internal error: see its log'],
        };
      },
    );
    try {
      // Not there any more when the daemon ends.
      await this.#context.etcd.transact({
        when: [{ key, mod: '=', revision: modRevision }],
        then: [{ put: key, value: encode(answer), lease }],
      });
    } catch (error) {
      this.#context.deps.log.warn('nobody could be told of a promotion', { error: messageOf(error) });
    }
  }
}

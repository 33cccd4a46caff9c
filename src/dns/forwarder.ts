/**
 * Names that no container has: asked of the servers outside, each question once for all who wait for it. The first server is asked at
 * once, the next ones when it does not answer within a fifth of a second or refuses; the first good answer is taken. Docker asks one
 * after the other, with 4 seconds for each.
 */
import { AnswerCache } from './cache.ts';
import type { Response } from './codec-response.ts';
import { RCODE } from './codec.ts';
import type { Listener, Question, Upstream } from './upstream.ts';

const STAGGER = 200;
/** When the servers are asked (again), in ms: datagrams get lost. resolv.conf(5)'s own timeout is 5 s. */
const ROUNDS = [0, 1000, 2500];
const GIVE_UP = 4500;
/** A server that others had to stand in for is asked last for so long. */
const SLOW_FOR = 10_000;

/** Who is asked, and for whom answers are kept. */
export interface Servers {
  /** Answers are shared by those who have the same scope. */
  scope: string;
  list: readonly Upstream[];
}

/** undefined: no server has an answer. Called once. */
export type Receiver = (response: Response | undefined) => void;

export interface ForwardQuestion extends Question {
  /** What else decides about the answer (flags, EDNS). */
  variant: string;
  keep: boolean;
}

interface Pending {
  question: ForwardQuestion;
  id: string;
  servers: Servers;
  order: readonly Upstream[];
  receivers: Receiver[];
  failed: Set<Upstream>;
  /** Asked and not yet heard of. */
  waiting: Map<Upstream, (() => void)[]>;
  step: number;
  started: number;
  timer: NodeJS.Timeout | undefined;
}

export class Forwarder {
  readonly #cache = new AnswerCache();
  readonly #pending = new Map<string, Pending>();
  readonly #now: () => number;

  /** `now`: milliseconds that never go back. */
  constructor(now: () => number) {
    this.#now = now;
  }

  cached(scope: string, variant: string, key: string): { response: Response; age: number } | undefined {
    return this.#cache.get(idOf(scope, variant, key), this.#now() / 1000);
  }

  ask(question: ForwardQuestion, servers: Servers, receiver: Receiver): void {
    const id = idOf(servers.scope, question.variant, question.key);
    const same = this.#pending.get(id);
    if (same) {
      same.receivers.push(receiver);
      return;
    }
    if (servers.list.length === 0) {
      receiver(undefined);
      return;
    }
    const started = this.#now();
    const pending: Pending = {
      question,
      id,
      servers,
      order: [...servers.list].sort((a, b) => Number(a.slowUntil > started) - Number(b.slowUntil > started)),
      receivers: [receiver],
      failed: new Set(),
      waiting: new Map(),
      step: 0,
      started,
      timer: undefined,
    };
    this.#pending.set(id, pending);
    this.#advance(pending);
  }

  /** Those servers are not there any more: whoever waits is told, once the caller, who may be in the middle of a query, is done. */
  abandon(scope: string): void {
    for (const pending of this.#pending.values()) {
      if (pending.servers.scope !== scope) continue;
      const receivers = pending.receivers.splice(0);
      this.#finish(pending, undefined);
      setImmediate(() => {
        for (const receiver of receivers) receiver(undefined);
      });
    }
  }

  forget(): void {
    this.#cache.clear();
  }

  /** Takes the next step: another server, another round, or the end. */
  #advance(pending: Pending): void {
    clearTimeout(pending.timer);
    const { order } = pending;
    const index = pending.step++;
    const server = order[index % order.length];
    if (!server || index >= order.length * ROUNDS.length) {
      this.#finish(pending, undefined);
      return;
    }
    // A refusal may hand the turn on before ask() returns: the timer is set first.
    const next = pending.step;
    const at =
      next >= order.length * ROUNDS.length
        ? GIVE_UP
        : (ROUNDS[Math.floor(next / order.length)] ?? GIVE_UP) + (next % order.length) * STAGGER;
    pending.timer = setTimeout(() => this.#advance(pending), Math.max(1, pending.started + at - this.#now()));
    if (pending.failed.has(server)) this.#advance(pending);
    else this.#ask(pending, server);
  }

  #ask(pending: Pending, server: Upstream): void {
    let truncated: Response | undefined;
    const byStream: Listener = {
      answered: (response) => this.#answered(pending, server, response),
      // Better half an answer, which says so, than none.
      failed: () => (truncated ? this.#answered(pending, server, truncated) : undefined),
    };
    const byDatagram: Listener = {
      answered: (response) => {
        if (!response.truncated) {
          this.#answered(pending, server, response);
          return;
        }
        truncated = response;
        if (this.#pending.get(pending.id) === pending) keep(server.askStream(pending.question, byStream));
      },
      failed: () => this.#refused(pending, server),
    };
    const keep = (giveUp: () => void): void => {
      const list = pending.waiting.get(server) ?? [];
      list.push(giveUp);
      pending.waiting.set(server, list);
    };
    keep(server.askDatagram(pending.question, byDatagram));
  }

  #answered(pending: Pending, server: Upstream, response: Response): void {
    // As Docker: these two may be this server's trouble alone.
    if (response.rcode === RCODE.serverFailure || response.rcode === RCODE.refused) {
      this.#refused(pending, server);
      return;
    }
    const now = this.#now();
    server.slowUntil = 0;
    for (const other of pending.waiting.keys()) {
      if (other === server || pending.failed.has(other)) continue;
      // It was asked earlier and has not answered yet.
      if (pending.order.indexOf(other) < pending.order.indexOf(server)) other.slowUntil = now + SLOW_FOR;
    }
    if (pending.question.keep) this.#cache.put(pending.id, response, now / 1000);
    this.#finish(pending, response);
  }

  #refused(pending: Pending, server: Upstream): void {
    if (this.#pending.get(pending.id) !== pending || pending.failed.has(server)) return;
    pending.failed.add(server);
    pending.waiting.delete(server);
    if (pending.failed.size === pending.order.length) this.#finish(pending, undefined);
    else if (pending.waiting.size === 0) this.#advance(pending);
  }

  #finish(pending: Pending, response: Response | undefined): void {
    if (this.#pending.get(pending.id) !== pending) return;
    this.#pending.delete(pending.id);
    clearTimeout(pending.timer);
    for (const list of pending.waiting.values()) for (const giveUp of list) giveUp();
    for (const receiver of pending.receivers) receiver(response);
  }
}

const idOf = (scope: string, variant: string, key: string): string => `${scope} ${variant} ${key}`;

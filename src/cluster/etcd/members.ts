/**
 * The members as one: each call goes to the one that answered last, and to the others when it does not.
 *
 * Reads, and what may be done twice without harm, leave a silent member after a part of the deadline and go round until the deadline.
 * Writes do so only as long as they certainly were not carried out: while there is no connection, and when a member refuses before it
 * asks the others (it has no leader, it is a learner). With the header `hasleader` a member that is cut off from its leader says so
 * at once.
 */
import type { OutgoingHttpHeaders } from 'node:http2';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../errors.ts';
import { Connection, normalEndpoint } from './connection.ts';
import { Credentials } from './credentials.ts';
import { EtcdError } from './error.ts';
import type { Call, CallHandlers } from './grpc.ts';
import { GrpcError, callOnce, startCall } from './grpc.ts';
import type { EtcdOptions } from './port.ts';
import { ProtobufError } from './protobuf.ts';
import { codeOf, notCarriedOut, tokenRefused } from './status.ts';

/** Milliseconds between rounds in which no member could be asked; doubled each time, up to the second. */
const PAUSE = { first: 50, longest: 500 };
/** Milliseconds that a member has at least before another one is asked. */
const LEAST_PATIENCE = 200;

/** A member without a leader shall refuse (api/v3rpc/rpctypes/md.go). */
const LEADER = { hasleader: 'true' };
const AUTHENTICATE = '/etcdserverpb.Auth/Authenticate';

export interface CallOptions {
  /** It may be carried out twice without harm, or it changes nothing. */
  again: boolean;
  /** A member that knows no leader may answer too. */
  leaderless?: boolean;
}

export class Members {
  readonly #options: EtcdOptions;
  readonly #connections: readonly Connection[];
  /** Index of the one that is asked first. */
  #preferred: number;
  readonly #credentials: Credentials | undefined;
  readonly #closing = new AbortController();

  constructor(options: EtcdOptions) {
    if (options.endpoints.length === 0) throw new EtcdError('invalid', 'no address of an etcd member was given');
    this.#options = options;
    const endpoints = new Set(options.endpoints.map(normalEndpoint));
    this.#connections = [...endpoints].map((endpoint) => new Connection(endpoint, options));
    if (options.user) {
      this.#credentials = new Credentials(options.user, (request) =>
        this.#ask(AUTHENTICATE, request, { again: true }, () => Promise.resolve(LEADER)),
      );
    }
    // Hosts are told the same list: not all shall go to its first member.
    this.#preferred = Math.floor(Math.random() * this.#connections.length);
  }

  get closed(): boolean {
    return this.#closing.signal.aborted;
  }

  /** `decode` gets the answer. Rejects with EtcdError only. */
  async call<T>(method: string, request: Buffer, decode: (answer: Buffer) => T, options: CallOptions): Promise<T> {
    const answer = await this.#ask(method, request, options, (deadline) => this.#metadata(options, deadline));
    try {
      return decode(answer);
    } catch (error) {
      if (error instanceof ProtobufError)
        throw new EtcdError('unavailable', `an answer is no message: ${error.message}`);
      throw error;
    }
  }

  async #ask(
    method: string,
    request: Buffer,
    options: CallOptions,
    metadata: (deadline: number) => Promise<OutgoingHttpHeaders>,
  ): Promise<Buffer> {
    const deadline = performance.now() + this.#options.timeout;
    const failures = new Map<string, string>();
    let renewed = false;
    for (let pause = PAUSE.first; ; pause = Math.min(2 * pause, PAUSE.longest)) {
      for (const connection of this.#inOrder()) {
        const headers = await metadata(deadline);
        const left = deadline - performance.now();
        if (this.closed || left <= 0) throw this.#unavailable(failures);
        try {
          const answer = await this.#attempt(connection, method, request, headers, left, options);
          this.#prefer(connection);
          return answer;
        } catch (error) {
          const reason = messageOf(error);
          // That time ran out says less than what was found before.
          if (!reason.endsWith('in time') || !failures.has(connection.endpoint))
            failures.set(connection.endpoint, reason);
          if (!(error instanceof GrpcError)) continue;
          if (this.#credentials && !renewed && method !== AUTHENTICATE && deniedByToken(error, headers)) {
            renewed = true;
            this.#credentials.refused(tokenIn(headers));
            continue;
          }
          if (notCarriedOut(error)) continue;
          const code = codeOf(error);
          const text = `${method} at ${connection.endpoint}: ${error.message}`;
          if (code !== 'unavailable') throw new EtcdError(code, text, { cause: error });
          if (!options.again) throw this.#unavailable(failures, error);
        }
      }
      await this.pause(Math.min(pause, deadline - performance.now()));
    }
  }

  /** Rejects with GrpcError when the member was asked, with another error when there is no connection. */
  async #attempt(
    connection: Connection,
    method: string,
    request: Buffer,
    metadata: OutgoingHttpHeaders,
    left: number,
    { again }: CallOptions,
  ): Promise<Buffer> {
    const alone = this.#connections.length === 1;
    const patience = alone
      ? left
      : Math.min(left, Math.max(LEAST_PATIENCE, this.#options.timeout / (this.#connections.length + 1)));
    const started = performance.now();
    let doubting: NodeJS.Timeout | undefined;
    try {
      const session = await connection.open(patience);
      // A write waits for its answer to the end, unless the member is found to be gone.
      doubting = setTimeout(() => connection.suspect(), patience / 2);
      const timeout = Math.max(1, (again ? patience : left) - (performance.now() - started));
      return await callOnce(session, method, request, { metadata, timeout });
    } catch (error) {
      if (!(error instanceof GrpcError) || codeOf(error) === 'unavailable') this.#leave(connection);
      throw error;
    } finally {
      clearTimeout(doubting);
    }
  }

  /**
   * A call whose answers do not end, at the first member that can be asked and is not `avoid` (if there is another). Rejects with EtcdError
   * when no member is connected within the deadline. `denied()` is for a refusal in such an answer: the next call gets a new token.
   */
  async stream(
    method: string,
    request: Buffer,
    handlers: CallHandlers,
    avoid: string | undefined,
  ): Promise<Call & { endpoint: string; denied(): void }> {
    const deadline = performance.now() + this.#options.timeout;
    const metadata = await this.#metadata({ again: true }, deadline);
    const failures = new Map<string, string>();
    const patience = Math.max(LEAST_PATIENCE, this.#options.timeout / (this.#connections.length + 1));
    for (const connection of this.#inOrder(avoid)) {
      if (this.closed) break;
      try {
        const session = await connection.open(patience);
        if (this.closed) break;
        const release = connection.watching();
        const end = (error: GrpcError | undefined): void => {
          release();
          if (error && tokenRefused(error)) this.#credentials?.refused(tokenIn(metadata));
          handlers.end(error);
        };
        const call = startCall(session, method, request, { ...handlers, end }, { metadata, open: true });
        const cancel = (): void => {
          release();
          call.cancel();
        };
        const denied = (): void => this.#credentials?.refused(tokenIn(metadata));
        return { cancel, denied, endpoint: connection.endpoint };
      } catch (error) {
        failures.set(connection.endpoint, messageOf(error));
        this.#leave(connection);
      }
    }
    throw this.#unavailable(failures);
  }

  /** No answer came from there in time: the connection is looked at, and ended if it is dead. */
  suspect(endpoint: string): void {
    this.#connections.find((one) => one.endpoint === endpoint)?.suspect();
  }

  /** Ends early, without a word, when all is closed. */
  async pause(milliseconds: number): Promise<void> {
    await sleep(Math.max(0, milliseconds), undefined, { signal: this.#closing.signal }).catch(() => undefined);
  }

  close(): void {
    this.#closing.abort();
    for (const connection of this.#connections) connection.close();
  }

  #inOrder(avoid?: string): Connection[] {
    const ordered = [...this.#connections.slice(this.#preferred), ...this.#connections.slice(0, this.#preferred)];
    return [...ordered.filter((one) => one.endpoint !== avoid), ...ordered.filter((one) => one.endpoint === avoid)];
  }

  #prefer(connection: Connection): void {
    this.#preferred = this.#connections.indexOf(connection);
  }

  /** Whoever asks next begins with another one. */
  #leave(connection: Connection): void {
    if (this.#connections[this.#preferred] !== connection) return;
    this.#preferred = (this.#preferred + 1) % this.#connections.length;
  }

  async #metadata(options: CallOptions, deadline: number): Promise<OutgoingHttpHeaders> {
    const leader = options.leaderless ? {} : LEADER;
    const token = this.#credentials ? await this.#within(this.#credentials.token(), deadline) : '';
    return token === '' ? leader : { ...leader, token };
  }

  async #within<T>(asked: Promise<T>, deadline: number): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const timer = setTimeout(() => reject(this.#unavailable(new Map())), deadline - performance.now());
    asked.then(resolve, reject);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
    }
  }

  #unavailable(failures: ReadonlyMap<string, string>, cause?: unknown): EtcdError {
    if (this.closed) return new EtcdError('unavailable', 'the connection to etcd was closed');
    const reasons = [...failures].map(([endpoint, reason]) => `${endpoint}: ${reason}`);
    const text = reasons.length > 0 ? reasons.join('; ') : 'no answer in time';
    return new EtcdError('unavailable', `etcd does not answer: ${text}`, cause === undefined ? {} : { cause });
  }
}

const tokenIn = ({ token }: OutgoingHttpHeaders): string => String(token ?? '');

/** Without a token because etcd wanted none at first; now it goes by the name in the certificate, or by none. */
const deniedByToken = (error: GrpcError, headers: OutgoingHttpHeaders): boolean =>
  tokenRefused(error) || (tokenIn(headers) === '' && codeOf(error) === 'denied');

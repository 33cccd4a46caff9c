/**
 * One watch that goes on whatever happens to the connection, without a change lost or told twice.
 *
 * Each time that a stream is opened it asks for the changes after the last one told. Before the first of them is passed on, a read of
 * the same revision (one that all members agree on) makes sure that it still is the same history: the revision is neither
 * compacted nor ahead of the store, the cluster has its ID, its raft term has not gone back, and the change that was told last is there,
 * with its value: a history that somebody began anew may have as many changes, of the same keys.
 * A store that was restored from a backup fails in one of these; in a cluster that was restored with the same names, addresses and
 * token, the ID is none of them. (It also covers versions that lose a deletion at exactly the compacted revision: etcd issues 18089 and
 * 19179.)
 *
 * How far it has come while nothing happens is learnt by `progress_notify` only. The answer to a WatchProgressRequest may overtake
 * events (issue 15220, mended after Debian 12's version).
 */
import { messageOf } from '../../errors.ts';
import { EtcdError } from './error.ts';
import type { FullHeader } from './messages.ts';
import { decodeRange, encodeRange, encodeWatch, headerOf, rangeOf } from './messages.ts';
import type { Members } from './members.ts';
import type { Keys, Watch, WatchEvent, WatchListener } from './port.ts';
import { deniedReason, futureRevision } from './status.ts';
import type { WatchResponse } from './watch-messages.ts';
import { decodeWatchResponse } from './watch-messages.ts';

/** Milliseconds before a stream is opened again; doubled while that does not help. */
const PAUSE = { first: 50, longest: 2000 };

/** How a stream ended; `worked`: changes were told meanwhile, or would have been. */
interface End {
  worked: boolean;
  endpoint: string | undefined;
  error: EtcdError;
}

export class ResumingWatch implements Watch {
  readonly #members: Members;
  readonly #keys: Keys;
  readonly #listener: WatchListener;
  /** Milliseconds for a stream to start. */
  readonly #timeout: number;
  #next: bigint;
  /** The change that was told last; without revision and value when it was a deletion. */
  #last: { key: string; revision?: bigint; value?: Buffer } | undefined;
  /** As the last check saw it. */
  #seen: FullHeader | undefined;
  #started = false;
  #interrupted = false;
  #closed = false;
  /** Ends the current stream. */
  #end: (error: EtcdError) => void = () => undefined;

  constructor(members: Members, keys: Keys, from: bigint, listener: WatchListener, timeout: number) {
    this.#members = members;
    this.#keys = keys;
    this.#next = from;
    this.#listener = listener;
    this.#timeout = timeout;
    void this.#run();
  }

  close(): void {
    this.#closed = true;
    this.#end(unavailable('the watch was closed'));
  }

  get #done(): boolean {
    return this.#closed || this.#members.closed;
  }

  async #run(): Promise<void> {
    let avoid: string | undefined;
    for (let pause = PAUSE.first; !this.#done; pause = Math.min(2 * pause, PAUSE.longest)) {
      const { worked, endpoint, error } = await this.#once(avoid);
      if (this.#done) return;
      if (worked) pause = PAUSE.first;
      avoid = endpoint;
      if (!this.#interrupted) this.#tell(() => this.#listener.interrupted?.(error));
      this.#interrupted = true;
      await this.#members.pause(pause);
    }
  }

  /** One stream, from its opening to its end. */
  async #once(avoid: string | undefined): Promise<End> {
    const { promise: ended, resolve: end } = Promise.withResolvers<EtcdError>();
    this.#end = end;
    let worked = false;
    let over = false;
    /** What came before the check was done. */
    const waiting: WatchResponse[] = [];
    const begin = (same: boolean): void => {
      if (this.#done || over) return;
      if (!same) return this.#lost(this.#next - 1n);
      worked = true;
      this.#announce();
      for (const response of waiting) this.#take(response);
    };
    const message = (bytes: Buffer): void => {
      if (this.#done) return;
      const response = decodeWatchResponse(bytes);
      if (!response) return end(unavailable('what came on the watch is no message'));
      if (response.canceled) {
        if (response.compactRevision > 0n) return this.#lost(response.compactRevision);
        return end(new EtcdError(deniedReason(response.reason) ? 'denied' : 'unavailable', response.reason));
      }
      if (response.created) void this.#sameHistory().then(begin, (error: unknown) => end(asEtcdError(error)));
      else if (worked) this.#take(response);
      else waiting.push(response);
    };
    let stream;
    try {
      const request = encodeWatch(rangeOf(this.#keys), this.#next);
      const handlers = { message, end: (error?: Error) => end(unavailable(error?.message ?? 'the stream ended')) };
      stream = await this.#members.stream('/etcdserverpb.Watch/Watch', request, handlers, avoid);
    } catch (error) {
      return { worked, endpoint: undefined, error: asEtcdError(error) };
    }
    const { endpoint } = stream;
    const late = setTimeout(() => {
      if (worked) return;
      this.#members.suspect(endpoint);
      end(unavailable(`${endpoint}: the watch did not start in time`));
    }, this.#timeout);
    if (this.#done) end(unavailable('the watch was closed'));
    const error = await ended;
    over = true;
    if (error.code === 'denied') stream.denied();
    clearTimeout(late);
    stream.cancel();
    return { worked, endpoint, error };
  }

  /** Whether the store still is the one whose changes before #next were told, and has all that followed. */
  async #sameHistory(): Promise<boolean> {
    const last = this.#last;
    const key = last ? Buffer.from(last.key) : rangeOf(this.#keys).key;
    const request = encodeRange({ key }, { limit: 1, revision: this.#next - 1n });
    try {
      const { header, kvs } = await this.#members.call(
        '/etcdserverpb.KV/Range',
        request,
        (answer) => ({ header: headerOf(answer), ...decodeRange(answer) }),
        { again: true },
      );
      const seen = this.#seen;
      this.#seen = header;
      if (seen && (header.clusterId !== seen.clusterId || header.term < seen.term)) return false;
      const [now] = kvs;
      return (
        !last ||
        (now?.modRevision === last.revision && Buffer.compare(now?.value ?? NOTHING, last.value ?? NOTHING) === 0)
      );
    } catch (error) {
      if (error instanceof EtcdError && (error.code === 'compacted' || futureRevision(error))) return false;
      throw error;
    }
  }

  #announce(): void {
    const header = { clusterId: this.#seen?.clusterId ?? 0n, revision: this.#next };
    if (!this.#started) this.#tell(() => this.#listener.started?.(header));
    else if (this.#interrupted) this.#tell(() => this.#listener.resumed?.(header));
    this.#started = true;
    this.#interrupted = false;
  }

  #take({ header, events }: WatchResponse): void {
    if (this.#done) return;
    // A member that lags behind, or takes over a snapshot, may tell what was told before (etcd issues 15271 and 20221).
    const fresh = events.filter((event) => revisionOf(event) >= this.#next);
    const last = fresh.at(-1);
    if (last) {
      const revision = revisionOf(last);
      // A copy: the event's holds the whole answer in which it came.
      this.#last =
        last.kind === 'put' ? { key: last.kv.key, revision, value: Buffer.from(last.kv.value) } : { key: last.key };
      this.#next = revision + 1n;
      this.#tell(() => this.#listener.events({ clusterId: header.clusterId, revision }, fresh));
    } else if (events.length === 0 && header.revision >= this.#next) {
      // Progress: nothing that is watched was changed up to there, so compaction up to there loses nothing.
      this.#next = header.revision + 1n;
    }
  }

  #lost(revision: bigint): void {
    this.close();
    this.#tell(() => this.#listener.compacted(revision));
  }

  /** What a listener throws is its own: it comes up as an uncaught exception, and the watch goes on. */
  #tell(body: () => void): void {
    try {
      body();
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}

const NOTHING = Buffer.alloc(0);
const revisionOf = (event: WatchEvent): bigint => (event.kind === 'put' ? event.kv.modRevision : event.modRevision);
const unavailable = (message: string): EtcdError => new EtcdError('unavailable', message);
const asEtcdError = (error: unknown): EtcdError => (error instanceof EtcdError ? error : unavailable(messageOf(error)));

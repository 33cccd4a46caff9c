/** GET /events: what happened since, then what happens until, one JSON object a line. */
import type { ServerResponse } from 'node:http';
import { invalidParameter } from '../errors.ts';
import type { EngineEvent, EventBus } from '../model/events.ts';
import { eventMatcher } from './events-filter.ts';
import type { Exchange } from './exchange.ts';
import type { Route } from './router.ts';
import { versionRead } from './versions.ts';

/** Bytes that may wait for a client that does not read; then it is cut off rather than kept in memory. */
const BACKLOG = 4 * 1024 * 1024;
/** setTimeout's limit: 2^31 - 1 milliseconds. */
const LONGEST_TIMER = 2_147_483_647;

/** Streams that are written to in one go: what else the daemon has to answer comes between. */
const STREAMS_AT_ONCE = 8;

/** Before 1.52 container and image events repeat themselves in the fields of API 1.21. */
function shape(event: EngineEvent, version: number): object {
  if (version >= 52 || (event.Type !== 'container' && event.Type !== 'image')) return event;
  const from = event.Type === 'container' ? { from: event.Actor.Attributes['image'] ?? '' } : {};
  return { status: event.Action, id: event.Actor.ID, ...from, ...event };
}

/** An event as text: every stream of its kind sends the same, so it is made once. */
class Lines {
  #event: EngineEvent | undefined;
  readonly #texts = new Map<boolean, string>();

  of(event: EngineEvent, version: number): string {
    if (this.#event !== event) this.#texts.clear();
    this.#event = event;
    const current = version >= 52;
    const text = this.#texts.get(current) ?? `${JSON.stringify(shape(event, version))}\n`;
    this.#texts.set(current, text);
    return text;
  }
}

/**
 * What streams have yet to be sent. A write costs some 15 µs, so an event for 200 streams would hold everyone else for 3 ms: a few
 * streams are written to at a time, and what happens before a stream's turn goes with the same write.
 */
class Outbox {
  readonly #waiting = new Map<ServerResponse, string>();
  #due = false;

  put(response: ServerResponse, line: string): void {
    this.#waiting.set(response, (this.#waiting.get(response) ?? '') + line);
    this.#schedule();
  }

  /** Sends a stream what waits for it, now. */
  flush(response: ServerResponse): void {
    const text = this.#waiting.get(response);
    if (text === undefined) return;
    this.#waiting.delete(response);
    response.write(text);
    if (response.writableLength > BACKLOG) response.destroy();
  }

  forget(response: ServerResponse): void {
    this.#waiting.delete(response);
  }

  #schedule(): void {
    if (this.#due || this.#waiting.size === 0) return;
    this.#due = true;
    setImmediate(() => {
      this.#due = false;
      let turns = STREAMS_AT_ONCE;
      for (const response of this.#waiting.keys()) {
        this.flush(response);
        if (--turns === 0) break;
      }
      this.#schedule();
    });
  }
}

function stream(events: EventBus, lines: Lines, outbox: Outbox, x: Exchange): Promise<void> {
  const since = x.query.timestamp('since');
  const until = x.query.timestamp('until');
  if (since !== undefined && until !== undefined && since > until) {
    throw invalidParameter('`since` time cannot be after `until` time');
  }
  const matches = eventMatcher(x.query.filters(undefined));
  x.endless = true;
  const response = x.stream('application/json');
  const version = versionRead(x.version, x.request.headers['user-agent']);
  const nanoseconds = (seconds: number): number => seconds * 1e9;
  const send = (event: EngineEvent): void => {
    if (until !== undefined && event.timeNano > nanoseconds(until)) return;
    if (!matches(event)) return;
    outbox.put(response, lines.of(event, version));
  };
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined;
    const unsubscribe = events.subscribe(send);
    response.once('close', () => {
      unsubscribe();
      outbox.forget(response);
      clearTimeout(timer);
      resolve();
    });
    if (since !== undefined) {
      for (const event of events.history()) if (event.timeNano >= nanoseconds(since)) send(event);
    }
    if (until === undefined) return;
    const end = (): void => {
      outbox.flush(response);
      response.end();
    };
    const left = until * 1000 - Date.now();
    if (left <= 0) end();
    else timer = setTimeout(end, Math.min(left, LONGEST_TIMER));
  });
}

export function eventRoutes(events: EventBus): Route[] {
  const lines = new Lines();
  const outbox = new Outbox();
  return [{ method: 'GET', path: '/events', handle: (x) => stream(events, lines, outbox, x) }];
}

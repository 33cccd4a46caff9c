/** GET /events: what happened since, then what happens until, one JSON object a line. */
import { invalidParameter } from '../errors.ts';
import type { EngineEvent, EventBus } from '../model/events.ts';
import { eventMatcher } from './events-filter.ts';
import type { Exchange } from './exchange.ts';
import type { Route } from './router.ts';

/** Bytes that may wait for a client that does not read; then it is cut off rather than kept in memory. */
const BACKLOG = 4 * 1024 * 1024;
/** setTimeout's limit: 2^31 - 1 milliseconds. */
const LONGEST_TIMER = 2_147_483_647;

/** Before 1.52 container and image events repeat themselves in the fields of API 1.21. */
function shape(event: EngineEvent, version: number): object {
  if (version >= 52 || (event.Type !== 'container' && event.Type !== 'image')) return event;
  const from = event.Type === 'container' ? { from: event.Actor.Attributes['image'] ?? '' } : {};
  return { status: event.Action, id: event.Actor.ID, ...from, ...event };
}

function stream(events: EventBus, x: Exchange): Promise<void> {
  const since = x.query.timestamp('since');
  const until = x.query.timestamp('until');
  if (since !== undefined && until !== undefined && since > until) {
    throw invalidParameter('`since` time cannot be after `until` time');
  }
  const matches = eventMatcher(x.query.filters(undefined));
  x.endless = true;
  const response = x.stream('application/json');
  const nanoseconds = (seconds: number): number => seconds * 1e9;
  const send = (event: EngineEvent): void => {
    if (until !== undefined && event.timeNano > nanoseconds(until)) return;
    if (!matches(event)) return;
    response.write(`${JSON.stringify(shape(event, x.version))}\n`);
    if (response.writableLength > BACKLOG) response.destroy();
  };
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined;
    const unsubscribe = events.subscribe(send);
    response.once('close', () => {
      unsubscribe();
      clearTimeout(timer);
      resolve();
    });
    if (since !== undefined) {
      for (const event of events.history()) if (event.timeNano >= nanoseconds(since)) send(event);
    }
    if (until === undefined) return;
    const left = until * 1000 - Date.now();
    if (left <= 0) response.end();
    else timer = setTimeout(() => response.end(), Math.min(left, LONGEST_TIMER));
  });
}

export function eventRoutes(events: EventBus): Route[] {
  return [{ method: 'GET', path: '/events', handle: (x) => stream(events, x) }];
}

/** /containers/{id}/stats: samples as JSON, one a line. */
import type { Containers } from '../engine/port.ts';
import type { Json } from '../model/json.ts';
import type { Exchange } from './exchange.ts';
import { drained } from './framing.ts';
import type { Route } from './router.ts';

/** `os_type` is new in 1.52. */
function statsShape(stats: Json, version: number): Json {
  if (version >= 52) return stats;
  const { os_type: _, ...older } = stats;
  return older;
}

async function sendStats(containers: Containers, x: Exchange): Promise<void> {
  const stream = x.query.bool('stream', true);
  // Older clients know no other answer than one that compares.
  const oneShot = x.version >= 41 && x.query.bool('one-shot');
  x.endless = stream;
  const answers = await containers.stats(x.param('id'), { stream, oneShot }, x.signal);
  if (!stream) {
    for await (const stats of answers) return x.json(200, statsShape(stats, x.version));
    // Nobody is left to be answered, or the container was removed in the meantime.
    return x.json(200, {});
  }
  const response = x.stream('application/json');
  for await (const stats of answers) {
    response.write(`${JSON.stringify(statsShape(stats, x.version))}\n`);
    await drained(response);
    if (response.destroyed) return;
  }
  response.end();
}

export function statsRoutes(containers: Containers): Route[] {
  return [{ method: 'GET', path: '/containers/{id}/stats', handle: (x) => sendStats(containers, x) }];
}

/** A client that stands still in the middle of a copy does not keep a container from whoever else wants it. */
import type { Lock } from '../lock.ts';
import type { Work } from './worker.ts';

/** Milliseconds that others wait for a client that takes and sends nothing. */
const PATIENCE = 10_000;
/** Milliseconds between two looks. */
const LOOK_AGAIN = 1000;

/** While `work` holds `lock`: calls `end` when it only waits for its client, and somebody else for the lock. */
export function giveWay(lock: Lock, work: Work, end: () => void): void {
  let since = performance.now();
  let before = -1;
  const timer = setInterval(() => {
    const moved = work.moved();
    const standsStill = lock.wanted && work.waitsForClient() && moved === before;
    if (!standsStill) [since, before] = [performance.now(), moved];
    else if (performance.now() - since >= PATIENCE) end();
  }, LOOK_AGAIN).unref();
  void work.ended.then(() => clearInterval(timer));
}

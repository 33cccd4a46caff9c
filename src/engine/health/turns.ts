/** Spawning holds the main thread for some 10 ms: probes that are due at the same moment begin one after the other. */
import { setImmediate as immediate, setTimeout as sleep } from 'node:timers/promises';

/** Milliseconds from one begin to the next; more where a container's own files make a begin slow: half of the time stays for clients. */
const DISTANCE = 20;

export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /** Resolves when it is the caller's turn. Whoever gives up meanwhile holds nobody up: rejects when `signal` is aborted. */
  async next(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const before = this.#last;
    this.#last = before.then(async () => {
      if (signal.aborted) return;
      const begun = performance.now();
      // What whoever's turn it is does at once is done by then: the probe is under way.
      await immediate(undefined, { ref: false });
      await sleep(Math.max(DISTANCE, performance.now() - begun), undefined, { ref: false });
    });
    const given = Promise.withResolvers<never>();
    const giveUp = (): void => given.reject(new Error('the turn is not wanted any more'));
    signal.addEventListener('abort', giveUp);
    try {
      await Promise.race([before, given.promise]);
      signal.throwIfAborted();
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
  }
}

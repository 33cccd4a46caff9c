/** Spawning holds the main thread for some 10 ms: probes that are due at the same moment begin one after the other. */
import { setTimeout as sleep } from 'node:timers/promises';

/** Milliseconds from one begin to the next: half of the time stays for clients. */
const DISTANCE = 20;

export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /** Resolves when it is the caller's turn. Whoever gives up meanwhile holds nobody up: rejects when `signal` is aborted. */
  async next(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const before = this.#last;
    this.#last = before.then(async () => (signal.aborted ? undefined : sleep(DISTANCE, undefined, { ref: false })));
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

/** Spawning holds the main thread for some 10 ms: probes that are due at the same moment begin one after the other. */
import { setTimeout as sleep } from 'node:timers/promises';

/** Milliseconds from one begin to the next: half of the time stays for clients. */
const DISTANCE = 20;

export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /** Resolves when it is the caller's turn. */
  async next(): Promise<void> {
    const before = this.#last;
    this.#last = before.then(() => sleep(DISTANCE, undefined, { ref: false }));
    await before;
  }
}

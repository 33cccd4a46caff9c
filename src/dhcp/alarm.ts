/** One alarm at a time, by the clock that goes on while the host sleeps. Pure. */
import type { Clock } from './wire.ts';

/** Seconds. Timers are set for so long at most: they do not count the time that the host sleeps, the clock does. */
const NAP = 600;

export class Alarm {
  readonly #clock: Clock;
  #cancel: () => void = () => undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes the place of the one before. `time`: of the clock; one that has passed is due at once. */
  at(time: number, body: () => void): void {
    this.#cancel();
    const left = time - this.#clock.now();
    this.#cancel = this.#clock.later(Math.max(0, Math.min(left, NAP)), () => {
      if (left > NAP) this.at(time, body);
      else body();
    });
  }

  cancel(): void {
    this.#cancel();
  }
}

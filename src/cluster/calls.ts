/** Calls that need the store: how long they wait for it, and what waits for them. */
import type { Clock } from './deps.ts';

/** `over`: whoever called was told that it failed; what is done from now on must be undone. */
export interface Call {
  readonly over: boolean;
}

/** Rejects with `refuse()` when `body` has not ended so many milliseconds later. */
export async function bounded<T>(
  clock: Clock,
  milliseconds: number,
  refuse: () => Error,
  body: (call: Call) => Promise<T>,
): Promise<T> {
  const call = { over: false };
  const { promise, reject } = Promise.withResolvers<never>();
  const cancel = clock.later(milliseconds, () => {
    call.over = true;
    reject(refuse());
  });
  try {
    return await Promise.race([body(call), promise]);
  } finally {
    cancel();
  }
}

export const pause = async (clock: Clock, milliseconds: number): Promise<void> =>
  new Promise((resolve) => clock.later(milliseconds, resolve));

/** Open while this host is in the cluster. Nobody comes in while it is closed, and whoever closes it can wait for those inside. */
export class Gate {
  readonly #inside = new Set<Promise<unknown>>();
  #opened = Promise.withResolvers<void>();
  #isOpen = false;

  get isOpen(): boolean {
    return this.#isOpen;
  }

  open(): void {
    this.#isOpen = true;
    this.#opened.resolve();
  }

  close(): void {
    if (this.#isOpen) this.#opened = Promise.withResolvers();
    this.#isOpen = false;
  }

  async opened(): Promise<void> {
    while (!this.#isOpen) await this.#opened.promise;
  }

  async pass<T>(body: () => Promise<T>): Promise<T> {
    const work = body();
    this.#inside.add(work);
    try {
      return await work;
    } finally {
      this.#inside.delete(work);
    }
  }

  /** Everybody who was inside is out. */
  async empty(): Promise<void> {
    await Promise.allSettled(this.#inside);
  }
}

/** Somebody waits, at most so long, for something to do. */
export class Bell {
  readonly #clock: Clock;
  #rung = false;
  #wake: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  async wait(milliseconds: number): Promise<void> {
    if (!this.#rung) {
      await new Promise<void>((resolve) => {
        const cancel = this.#clock.later(milliseconds, resolve);
        this.#wake = () => {
          cancel();
          resolve();
        };
      });
    }
    this.#wake = undefined;
    this.#rung = false;
  }
}

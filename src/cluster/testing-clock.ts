/** A clock that goes on by hand, and with it the leases of a fake etcd. */
import type { Clock } from './deps.ts';
import type { FakeEtcd } from './etcd/fake-etcd.ts';

export class TestClock implements Clock {
  #now = 0;
  readonly #timers = new Set<{ at: number; body: () => void }>();
  readonly #etcd: FakeEtcd;

  constructor(etcd: FakeEtcd) {
    this.#etcd = etcd;
  }

  now(): number {
    return this.#now;
  }

  later(milliseconds: number, body: () => void): () => void {
    const timer = { at: this.#now + milliseconds, body };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  /** Everything that is due happens, in its order, and what follows from it before the next. */
  async advance(milliseconds: number): Promise<void> {
    const ends = this.#now + milliseconds;
    for (;;) {
      await settled();
      const due = [...this.#timers].filter(({ at }) => at <= ends).toSorted((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.#go(due.at);
      this.#timers.delete(due);
      due.body();
    }
    this.#go(ends);
    await settled();
  }

  #go(to: number): void {
    const passed = Math.max(0, to - this.#now);
    this.#now += passed;
    if (passed > 0) this.#etcd.advance(passed / 1000);
  }
}

/** All that can happen without time going by has happened: promises and microtasks have run dry. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
}

/**
 * One sampler for each container that somebody watches: it looks once a second, whoever watches gets the same sample, and
 * with the last watcher it ends.
 */
import type { Sample } from './view.ts';

/** Undefined: the container does not run now. */
export type Look = () => Promise<Sample | undefined>;

/** Milliseconds from one look to the next, as dockerd's. */
const INTERVAL = 1000;

interface Watcher {
  /** The newest one that was not taken yet: who is slow misses some, and nothing piles up. */
  waiting: { sample: Sample | undefined } | undefined;
  ended: boolean;
  wake: () => void;
}

class Sampler {
  readonly #look: Look;
  readonly #watchers = new Set<Watcher>();
  #timer: NodeJS.Timeout | undefined;

  constructor(look: Look) {
    this.#look = look;
  }

  get watched(): boolean {
    return this.#watchers.size > 0;
  }

  add(watcher: Watcher): void {
    this.#watchers.add(watcher);
    if (this.#watchers.size === 1) void this.#round();
  }

  remove(watcher: Watcher): void {
    this.#watchers.delete(watcher);
    if (this.watched) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  async #round(): Promise<void> {
    const sample = await this.#look().catch(() => undefined);
    for (const watcher of this.#watchers) {
      watcher.waiting = { sample };
      watcher.wake();
    }
    // Whoever came while this one looked must not get a second row of rounds.
    if (!this.watched || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#round();
    }, INTERVAL).unref();
  }

  end(): void {
    for (const watcher of this.#watchers) {
      watcher.ended = true;
      watcher.wake();
    }
  }
}

export class Samplers {
  readonly #byContainer = new Map<string, Sampler>();

  /** Ends with the signal, and when the container is removed (`forget`). The first sample comes at once. */
  async *watch(id: string, look: Look, signal: AbortSignal): AsyncGenerator<Sample | undefined> {
    let news = Promise.withResolvers<void>();
    const watcher: Watcher = { waiting: undefined, ended: signal.aborted, wake: () => news.resolve() };
    const abort = (): void => {
      watcher.ended = true;
      watcher.wake();
    };
    signal.addEventListener('abort', abort);
    const sampler = this.#samplerOf(id, look);
    sampler.add(watcher);
    try {
      for (;;) {
        await news.promise;
        news = Promise.withResolvers<void>();
        if (watcher.ended) return;
        const { waiting } = watcher;
        watcher.waiting = undefined;
        if (waiting !== undefined) yield waiting.sample;
      }
    } finally {
      signal.removeEventListener('abort', abort);
      sampler.remove(watcher);
      if (!sampler.watched && this.#byContainer.get(id) === sampler) this.#byContainer.delete(id);
    }
  }

  #samplerOf(id: string, look: Look): Sampler {
    let sampler = this.#byContainer.get(id);
    if (sampler === undefined) this.#byContainer.set(id, (sampler = new Sampler(look)));
    return sampler;
  }

  /** The container is gone: its watchers' streams end. */
  forget(id: string): void {
    this.#byContainer.get(id)?.end();
    this.#byContainer.delete(id);
  }

  /** Containers that are being looked at. */
  get size(): number {
    return this.#byContainer.size;
  }
}

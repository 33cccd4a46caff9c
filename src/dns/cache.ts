/**
 * Answers of servers outside, for as long as they may be kept (RFC 1035 section 7.4, RFC 2308). Bounded in number and bytes; the
 * oldest goes first. Pure.
 */
import type { Response } from './codec-response.ts';

const MOST = 4096;
const MOST_BYTES = 4 * 1024 * 1024;
/** A record larger than this is asked for again. */
const LARGEST = 16 * 1024;
/** What an entry takes beside its bytes, roughly. */
const OVERHEAD = 256;

interface Entry {
  response: Response;
  /** Seconds of the caller's clock. */
  since: number;
}

export class AnswerCache {
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;

  put(key: string, response: Response, now: number): void {
    this.#remove(key);
    if (response.lifetime <= 0 || response.bytes.length > LARGEST) return;
    // A slice of Buffer's pool would keep all 8 kB of it.
    const bytes = Buffer.allocUnsafeSlow(response.bytes.length);
    response.bytes.copy(bytes);
    this.#entries.set(key, { response: { ...response, bytes }, since: now });
    this.#bytes += response.bytes.length + OVERHEAD;
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= MOST && this.#bytes <= MOST_BYTES) break;
      this.#remove(oldest);
    }
  }

  /** With its age in whole seconds. */
  get(key: string, now: number): { response: Response; age: number } | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    const age = Math.floor(now - entry.since);
    if (age >= entry.response.lifetime || age < 0) {
      this.#remove(key);
      return undefined;
    }
    return { response: entry.response, age };
  }

  clear(): void {
    this.#entries.clear();
    this.#bytes = 0;
  }

  get size(): number {
    return this.#entries.size;
  }

  #remove(key: string): void {
    const entry = this.#entries.get(key);
    if (!entry) return;
    this.#entries.delete(key);
    this.#bytes -= entry.response.bytes.length + OVERHEAD;
  }
}

/**
 * Docker's notation of the keys that detach. The daemon acts on them; the client watches for the same keys to know why
 * the output ended. Pure.
 */
export const DEFAULT_DETACH_KEYS = 'ctrl-p,ctrl-q';

/** 'ctrl-p,ctrl-q' → [16, 17]; 'a' is itself, ctrl- goes with a-z @ [ \ ] ^ _. */
export function parseDetachKeys(text: string): number[] {
  return text.split(',').map((key) => {
    if (key.length === 1) return key.charCodeAt(0);
    const letter = /^ctrl-([a-z@[\\\]^_])$/.exec(key)?.[1];
    if (letter === undefined) throw new Error(`invalid detach keys (${text}): Unknown character: '${key}'`);
    return letter.toUpperCase().charCodeAt(0) & 0x1f;
  });
}

/** True from the chunk on in which the sequence was complete. */
export class DetachWatcher {
  readonly #keys: readonly number[];
  #matched = 0;
  #seen = false;

  constructor(keys: readonly number[]) {
    this.#keys = keys;
  }

  push(chunk: Uint8Array): boolean {
    for (const byte of chunk) {
      if (this.#seen) break;
      if (byte === this.#keys[this.#matched]) this.#matched += 1;
      else this.#matched = byte === this.#keys[0] ? 1 : 0;
      this.#seen = this.#matched === this.#keys.length && this.#keys.length > 0;
    }
    return this.#seen;
  }
}

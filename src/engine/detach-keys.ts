/** The keys that end an attached session and leave the process alone, in Docker's notation. Pure. */
import { invalidParameter } from '../errors.ts';

const DEFAULT = 'ctrl-p,ctrl-q';

/** Bytes of 'a,ctrl-p,…': one byte for each key; '' is the default. */
export function parseDetachKeys(text: string): Uint8Array {
  return Uint8Array.from((text || DEFAULT).split(','), (key) => {
    if (key.length === 1 && key.charCodeAt(0) < 128) return key.charCodeAt(0);
    const control = /^ctrl-([a-zA-Z@[\\\]^_])$/.exec(key)?.[1];
    if (control !== undefined) return control.toUpperCase().charCodeAt(0) & 0x1f;
    throw invalidParameter(`Invalid detach keys (${text}) provided`);
  });
}

/**
 * Looks for `keys` in what is typed. A beginning of the sequence is held back until the next byte decides: then it is
 * passed on, or the sequence is complete and nothing of it reaches the process.
 */
export class DetachScanner {
  readonly #keys: Uint8Array;
  #matched = 0;

  constructor(keys: Uint8Array) {
    this.#keys = keys;
  }

  /** What the process gets; `detached` when the sequence was typed: nothing after it counts. */
  scan(input: Uint8Array): { pass: Uint8Array; detached: boolean } {
    const pass: number[] = [];
    for (const byte of input) {
      if (byte === this.#keys[this.#matched]) {
        this.#matched++;
        if (this.#matched === this.#keys.length) return { pass: Uint8Array.from(pass), detached: true };
        continue;
      }
      pass.push(...this.#keys.subarray(0, this.#matched));
      this.#matched = 0;
      if (byte === this.#keys[0]) this.#matched = 1;
      else pass.push(byte);
    }
    return { pass: Uint8Array.from(pass), detached: false };
  }
}

/** What a probe printed, as far as it is kept. */

/** Bytes; dockerd's limit. */
const MOST = 4096;

export class ProbeOutput {
  readonly #parts: Buffer[] = [];
  #length = 0;
  #cut = false;

  add(data: Buffer): void {
    const kept = data.subarray(0, MOST - this.#length);
    if (kept.length > 0) this.#parts.push(kept);
    this.#length += kept.length;
    this.#cut ||= kept.length < data.length;
  }

  get full(): boolean {
    return this.#cut;
  }

  /** '...' stands for what was left out. */
  get text(): string {
    return Buffer.concat(this.#parts).toString() + (this.#cut ? '...' : '');
  }
}

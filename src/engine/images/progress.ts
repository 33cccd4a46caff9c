/** Turns what is known of a pull into Docker's progress lines. Pure. */
import type { Json } from '../../model/json.ts';

export interface BlobSize {
  /** 'sha256:…' of the compressed layer. */
  digest: string;
  /** Bytes. */
  size: number;
}

type Stage = 'waiting' | 'downloading' | 'downloaded' | 'complete';

/** As the CLI shows a layer: the first 12 digits. */
export const shortDigest = (digest: string): string => digest.replace(/^[a-z0-9]+:/, '').slice(0, 12);

/**
 * skopeo writes the blobs it fetches to files numbered in the order of its 'Copying blob' lines; their growth is the
 * progress. That order may be another one; the sizes tell in the end. What is said to be complete is in the store.
 */
export class PullProgress {
  readonly #emit: (line: Json) => void;
  readonly #sizes = new Map<string, number>();
  readonly #stages = new Map<string, Stage>();
  readonly #order: string[] = [];
  readonly #shown = new Map<string, number>();
  readonly #extracted = new Map<string, number>();

  /** `present`: digests that the store has already. */
  constructor(layers: readonly BlobSize[], present: ReadonlySet<string>, emit: (line: Json) => void) {
    this.#emit = emit;
    for (const { digest, size } of layers) {
      if (this.#stages.has(digest)) continue;
      this.#sizes.set(digest, size);
      const here = present.has(digest);
      this.#stages.set(digest, here ? 'complete' : 'waiting');
      this.#say(digest, here ? 'Already exists' : 'Pulling fs layer');
    }
  }

  #say(digest: string, status: string, progressDetail: Json = {}): void {
    this.#emit({ status, progressDetail, id: shortDigest(digest) });
  }

  /** A line that skopeo printed. */
  line(text: string): void {
    const digest = /^Copying blob (\S+:[0-9a-f]+)/.exec(text)?.[1];
    if (digest !== undefined && this.#stages.get(digest) === 'waiting' && !this.#order.includes(digest)) {
      this.#order.push(digest);
    }
    if (text.startsWith('Copying config')) for (const layer of this.#stages.keys()) this.#downloaded(layer);
  }

  /** Sizes of skopeo's files in the order of their numbers, in bytes. */
  files(sizes: readonly number[]): void {
    for (const i of sizes.keys()) this.#straighten(sizes, i);
    for (const [i, current] of sizes.entries()) {
      const digest = this.#order[i];
      const total = digest === undefined ? undefined : this.#sizes.get(digest);
      if (digest === undefined || total === undefined) continue;
      const stage = this.#stages.get(digest);
      if (stage !== 'waiting' && stage !== 'downloading') continue;
      if (current >= total) this.#downloaded(digest);
      else if (current > 0 && this.#shown.get(digest) !== current) {
        this.#stages.set(digest, 'downloading');
        this.#shown.set(digest, current);
        this.#say(digest, 'Downloading', { current, total });
      }
    }
  }

  /** A file that is larger than its layer is another one's: the two are exchanged. */
  #straighten(sizes: readonly number[], at: number): void {
    const totalOf = (i: number): number => this.#sizes.get(this.#order[i] ?? '') ?? 0;
    const [size = 0, digest] = [sizes[at], this.#order[at]];
    if (digest === undefined || size <= totalOf(at)) return;
    const other = this.#order.findIndex((_, i) => totalOf(i) >= size && (sizes[i] ?? 0) <= totalOf(at));
    const taken = this.#order[other];
    if (taken === undefined) return;
    this.#order[at] = taken;
    this.#order[other] = digest;
  }

  #downloaded(digest: string): void {
    const stage = this.#stages.get(digest);
    if (stage === 'downloaded' || stage === 'complete') return;
    this.#stages.set(digest, 'downloaded');
    this.#say(digest, 'Verifying Checksum');
    this.#say(digest, 'Download complete');
  }

  /** The file of this number is being unpacked, and was read so far (bytes). */
  unpacking(number: number, current: number): void {
    const digest = this.#order[number];
    const total = digest === undefined ? undefined : this.#sizes.get(digest);
    if (digest === undefined || total === undefined || current <= 0) return;
    if (this.#stages.get(digest) !== 'downloaded' || this.#extracted.get(digest) === current) return;
    this.#extracted.set(digest, current);
    this.#say(digest, 'Extracting', { current: Math.min(current, total), total });
  }

  /** Digests of layers that are in the store now. */
  unpacked(digests: Iterable<string>): void {
    for (const digest of digests) {
      const stage = this.#stages.get(digest);
      if (stage === undefined || stage === 'complete') continue;
      this.#downloaded(digest);
      const total = this.#sizes.get(digest) ?? 0;
      if (this.#extracted.get(digest) !== total) this.#say(digest, 'Extracting', { current: total, total });
      this.#stages.set(digest, 'complete');
      this.#say(digest, 'Pull complete');
    }
  }

  finish(): void {
    this.unpacked([...this.#stages.keys()]);
  }
}

/** Turns what is known of a push into Docker's progress lines. Pure. */
import type { Json } from '../../model/json.ts';
import { shortDigest, type BlobSize } from './progress.ts';

type Stage = 'preparing' | 'pushing' | 'done';

/** A file that a layer was written to, uncompressed, and from which it is being sent. */
export interface LayerFile {
  inode: number;
  size: number;
  /** Bytes that were sent of it. */
  position: number;
}

/**
 * skopeo tells (--debug) which layers the registry has, and which it begins to send. It sends each from a file of its own;
 * which one belongs to which layer is told by its size. Of two layers of one size the bars may be swapped, no more.
 */
export class PushProgress {
  readonly #emit: (line: Json) => void;
  readonly #sizes: ReadonlyMap<string, number>;
  readonly #stages = new Map<string, Stage>();
  readonly #layerOf = new Map<number, string>();
  readonly #shown = new Map<string, number>();

  /** `layers`: digests and sizes of the uncompressed layers. */
  constructor(layers: readonly BlobSize[], emit: (line: Json) => void) {
    this.#emit = emit;
    this.#sizes = new Map(layers.map(({ digest, size }) => [digest, size]));
    for (const digest of this.#sizes.keys()) {
      this.#stages.set(digest, 'preparing');
      this.#say(digest, 'Preparing');
    }
  }

  #say(digest: string, status: string, progressDetail: Json = {}): void {
    this.#emit({ status, progressDetail, id: shortDigest(digest) });
  }

  /** A line that skopeo logged. */
  line(text: string): void {
    const skipped = /Skipping blob (sha256:[0-9a-f]{64}) \(already present\)/.exec(text)?.[1];
    if (skipped !== undefined) return this.#finish(skipped, 'Layer already exists');
    const sent = /exporting filesystem layer .* for blob \\?"(sha256:[0-9a-f]{64})/.exec(text)?.[1];
    if (sent !== undefined && this.#stages.get(sent) === 'preparing') {
      this.#stages.set(sent, 'pushing');
      this.#say(sent, 'Pushing', { current: 0, total: this.#sizes.get(sent) ?? 0 });
    }
  }

  files(files: readonly LayerFile[]): void {
    for (const { inode, size, position } of files) {
      const digest = this.#layerAt(inode, size) ?? this.#claim(inode, size);
      if (digest === undefined || position === 0 || this.#shown.get(digest) === position) continue;
      // A look that began before the end may come after it.
      if (this.#stages.get(digest) !== 'pushing') continue;
      this.#shown.set(digest, position);
      this.#say(digest, 'Pushing', { current: position, total: size });
    }
  }

  /** The next file may get the number of one that is gone. */
  #layerAt(inode: number, size: number): string | undefined {
    const digest = this.#layerOf.get(inode);
    return digest !== undefined && this.#sizes.get(digest) === size ? digest : undefined;
  }

  #claim(inode: number, size: number): string | undefined {
    const claimed = new Set(this.#layerOf.values());
    const digest = [...this.#stages.keys()].find(
      (layer) => this.#stages.get(layer) === 'pushing' && this.#sizes.get(layer) === size && !claimed.has(layer),
    );
    if (digest !== undefined) this.#layerOf.set(inode, digest);
    return digest;
  }

  #finish(digest: string, status: string): void {
    const stage = this.#stages.get(digest);
    if (stage === undefined || stage === 'done') return;
    this.#stages.set(digest, 'done');
    this.#say(digest, status);
  }

  /** Everything is in the registry. */
  finish(): void {
    for (const digest of this.#stages.keys()) this.#finish(digest, 'Pushed');
  }
}

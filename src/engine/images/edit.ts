/**
 * Changes the shared store by hand, under the locks that Podman, Buildah and skopeo take (in their order: layers,
 * images, containers). Each file is replaced whole: written beside, synced, renamed.
 *
 * Removal is crash safe by a journal: the layers that will be nobody's are noted below `tmpDir` first, then images.json
 * forgets the image, then layers.json its layers, then the directories go. recover() finishes what a kill interrupted.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { mkdir, mkdtemp, open, readdir, readFile, readlink, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { system } from '../../errors.ts';
import { lockFile } from '../../linux/lockfile.ts';
import type { FileLock } from '../../linux/lockfile.ts';
import type { Logger } from '../../log.ts';
import type { ImageEntry, Layout, LayerEntry, Snapshot } from './layout.ts';

const JOURNAL = 'image-journal-';
const SCRATCH = 'image-scratch-';
/** What containers/storage and replaceFile() write beside a file before they rename it. A kill leaves it. */
const HALF_WRITTEN = /^\.(?:tmp-)?(?:volatile-)?(?:layers|images)\.json/;

/** What a journal file holds: layers to drop if nobody uses them. */
interface JournalEntry {
  /** Layers by ID. */
  layers: string[];
  /** Layers that a pull brought: those not in `before`, with one of these compressed digests or half unpacked. */
  digests: string[];
  before: string[];
}

export async function replaceFile(path: string, text: string): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}`);
  try {
    const handle = await open(temporary, 'wx', 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw diskError(error, path);
  }
  const directory = await open(dirname(path), 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** Says what to do where the system says ENOSPC. */
export function diskError(error: unknown, path: string): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return system(`no space left on device: make room on the file system of ${path}`, error);
  }
  if (code === 'EROFS' || code === 'EACCES') return system(`${path} cannot be written`, error);
  return error;
}

export interface Scratch {
  path: string;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface Edit {
  readonly snapshot: Snapshot;
  /** Replaces images.json. */
  readonly writeImages: (images: readonly ImageEntry[]) => Promise<void>;
  /** Replaces layers.json. */
  readonly writeLayers: (layers: readonly LayerEntry[]) => Promise<void>;
}

export class StoreEditor {
  readonly #layout: Layout;
  readonly #tmpDir: string;
  readonly #log: Logger;
  /** skopeo processes at work on the store; layers they brought may look like nobody's. */
  #writers = 0;
  #pending: string[] = [];
  /** A writer failed: what it was writing may be left. */
  #failed = false;

  constructor(layout: Layout, tmpDir: string, log: Logger) {
    this.#layout = layout;
    this.#tmpDir = tmpDir;
    this.#log = log;
  }

  /** A private directory below tmpDir; removed when disposed, or by recover() after a kill. */
  async scratch(): Promise<Scratch> {
    try {
      await mkdir(this.#tmpDir, { recursive: true, mode: 0o700 });
      const path = await mkdtemp(join(this.#tmpDir, SCRATCH));
      return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
    } catch (error) {
      throw diskError(error, this.#tmpDir);
    }
  }

  /** Runs `body` alone on the store: no other program writes to it meanwhile. */
  async edit<T>(body: (edit: Edit) => Promise<T>): Promise<T> {
    const layout = this.#layout;
    for (const part of ['overlay-layers', 'overlay-images', 'overlay-containers']) {
      mkdirSync(layout.path(part), { recursive: true, mode: 0o700 });
    }
    const locks: FileLock[] = [];
    const lock = async (file: string, mode: 'read' | 'write'): Promise<FileLock> => {
      const held = await lockFile(layout.path(file), mode);
      locks.unshift(held);
      return held;
    };
    try {
      const layersLock = await lock('overlay-layers/layers.lock', 'write');
      const imagesLock = await lock('overlay-images/images.lock', 'write');
      await lock('overlay-containers/containers.lock', 'read');
      return await body({
        snapshot: layout.snapshot(),
        writeImages: async (images) => {
          imagesLock.touch();
          await replaceFile(layout.path('overlay-images', 'images.json'), JSON.stringify(images));
        },
        writeLayers: async (layers) => {
          layersLock.touch();
          await replaceFile(layout.path('overlay-layers', 'layers.json'), JSON.stringify(layers));
        },
      });
    } catch (error) {
      throw diskError(error, layout.root);
    } finally {
      for (const held of locks) held.release();
    }
  }

  /** Those of `candidates` that no image, container or staying layer needs. */
  #unused(snapshot: Snapshot, images: readonly ImageEntry[], candidates: Iterable<string>): Set<string> {
    const used = new Set(images.flatMap((image) => [image.layer ?? '', ...(image['mapped-layers'] ?? [])]));
    for (const container of this.#layout.containers()) if (container.layer) used.add(container.layer);
    for (const layer of this.#layout.volatileLayers()) if (layer.parent) used.add(layer.parent);
    const gone = new Set([...candidates].filter((id) => snapshot.layers.has(id)));
    for (let changed = true; changed;) {
      changed = false;
      const parents = new Set([...snapshot.layers.values()].filter((l) => !gone.has(l.id)).map((l) => l.parent));
      for (const id of gone) {
        if (used.has(id) || parents.has(id)) {
          gone.delete(id);
          changed = true;
        }
      }
    }
    return gone;
  }

  /** Returns the layers that went, topmost first, with the bytes they took. */
  async #dropLayers(
    edit: Edit,
    images: readonly ImageEntry[],
    candidates: Iterable<string>,
  ): Promise<{ layers: LayerEntry[]; bytes: number }> {
    const gone = this.#unused(edit.snapshot, images, candidates);
    const layers = [...candidates].flatMap((id) => (gone.has(id) ? [edit.snapshot.layers.get(id)!] : []));
    if (gone.size > 0)
      await edit.writeLayers([...edit.snapshot.layers.values()].filter((layer) => !gone.has(layer.id)));
    // Also those that layers.json forgot before a kill: their directories may be left.
    for (const id of candidates) if (gone.has(id) || !edit.snapshot.layers.has(id)) await this.#removeFiles(id);
    return { layers, bytes: layers.reduce((sum, layer) => sum + (layer['diff-size'] ?? 0), 0) };
  }

  /** After a failure or a kill. Under the locks nobody is writing: what is half written stays so. */
  async #cleanUp(edit: Edit, candidates: Iterable<string>): Promise<{ layers: LayerEntry[]; bytes: number }> {
    for (const part of ['overlay-layers', 'overlay-images']) {
      const names = (await readdir(this.#layout.path(part))).filter((name) => HALF_WRITTEN.test(name));
      for (const name of names) await rm(this.#layout.path(part, name), { force: true });
    }
    return this.#dropLayers(edit, edit.snapshot.images, candidates);
  }

  async #removeFiles(layer: string): Promise<void> {
    if (!/^[0-9a-f]{64}$/.test(layer)) return;
    const directory = this.#layout.path('overlay', layer);
    const link = await readFile(join(directory, 'link'), 'utf8').catch(() => '');
    if (/^[A-Z0-9]+$/.test(link.trim())) {
      const short = this.#layout.path('overlay', 'l', link.trim());
      const target = await readlink(short).catch(() => '');
      if (target.includes(layer)) await rm(short, { force: true });
    }
    await rm(directory, { recursive: true, force: true });
    await rm(this.#layout.path('overlay-layers', `${layer}.tar-split.gz`), { force: true });
  }

  async #writeJournal(entry: JournalEntry): Promise<string> {
    await mkdir(this.#tmpDir, { recursive: true, mode: 0o700 });
    const path = join(this.#tmpDir, JOURNAL + randomBytes(8).toString('hex'));
    await replaceFile(path, JSON.stringify(entry));
    return path;
  }

  /** Removes an image that nothing is to refer to any more. The caller decided that it may go. */
  async removeImage(edit: Edit, image: ImageEntry): Promise<{ layers: LayerEntry[]; bytes: number }> {
    const { snapshot } = edit;
    const images = snapshot.images.filter((other) => other.id !== image.id);
    const candidates = [...(image['mapped-layers'] ?? [])];
    for (let id = image.layer; id && !candidates.includes(id); id = snapshot.layers.get(id)?.parent)
      candidates.push(id);
    const journal = await this.#writeJournal({ layers: candidates, digests: [], before: [] });
    await edit.writeImages(images);
    await rm(this.#layout.path('overlay-images', image.id), { recursive: true, force: true });
    const result = await this.#dropLayers(edit, images, candidates);
    await rm(journal, { force: true });
    return result;
  }

  /**
   * Runs `body`, which lets skopeo write layers into the store. When it fails, the layers it left behind go: those that
   * were not there before, that nobody uses, and that have one of `digests` or are half unpacked.
   */
  async writing<T>(digests: readonly string[], body: () => Promise<T>): Promise<T> {
    mkdirSync(this.#layout.root, { recursive: true, mode: 0o700 });
    const before = [...this.#layout.snapshot().layers.keys()];
    const entry = { layers: [], digests: [...digests], before };
    const journal = await this.#writeJournal(entry);
    this.#writers++;
    let leftovers = false;
    try {
      return await body();
    } catch (error) {
      leftovers = true;
      throw error;
    } finally {
      this.#writers--;
      this.#failed ||= leftovers;
      if (leftovers) this.#pending.push(...this.#broughtBy(entry));
      await this.#settle();
      await rm(journal, { force: true });
    }
  }

  #broughtBy(entry: JournalEntry): string[] {
    const before = new Set(entry.before);
    const digests = new Set(entry.digests);
    return [...this.#layout.snapshot().layers.values()]
      .filter((l) => !before.has(l.id))
      .filter(
        (l) =>
          l.flags?.incomplete === true ||
          digests.has(l['compressed-diff-digest'] ?? '') ||
          digests.has(l['diff-digest'] ?? ''),
      )
      .map((l) => l.id);
  }

  /** Drops what failed writers left, once no writer is left that may be about to use it. */
  async #settle(): Promise<void> {
    if (this.#writers > 0 || !this.#failed) return;
    const candidates = new Set(this.#pending);
    this.#pending = [];
    this.#failed = false;
    try {
      await this.edit((edit) => this.#cleanUp(edit, candidates));
    } catch (error) {
      this.#log.warn('layers of a failed transfer are left in the image store', { error: String(error) });
    }
  }

  /** Finishes what a kill interrupted: call it once, before the first use. */
  async recover(): Promise<void> {
    const names = await readdir(this.#tmpDir).catch(() => []);
    for (const name of names.filter((n) => n.startsWith(SCRATCH))) {
      await rm(join(this.#tmpDir, name), { recursive: true, force: true });
    }
    for (const name of names.filter((n) => n.startsWith(JOURNAL))) {
      const path = join(this.#tmpDir, name);
      const entry = await readFile(path, 'utf8').then(
        (text) => JSON.parse(text) as JournalEntry,
        () => undefined,
      );
      if (entry !== undefined) {
        const candidates = new Set([...entry.layers, ...this.#broughtBy(entry)]);
        const dropped = await this.edit((edit) => this.#cleanUp(edit, candidates));
        this.#log.info('finished an interrupted change of the image store', { layers: dropped.layers.length });
      }
      await rm(path, { force: true });
    }
  }
}

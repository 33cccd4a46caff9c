/**
 * Reads the store that Podman, Buildah and skopeo share (containers/storage, overlay driver):
 *
 *   overlay-images/images.json        images: id, names, layer (the topmost), digests
 *   overlay-images/<id>/=<base64>     an image's documents: its manifest(s), its configuration
 *   overlay-layers/layers.json        layers: id, parent, sizes; those of running programs in volatile-layers.json
 *   overlay/<layer>/{diff,link,lower} a layer's files, and its short name below overlay/l/
 *   overlay-containers/*.json         containers of Podman and Buildah
 *
 * Every file is replaced by rename, so a read without the lock sees one whole state of it.
 */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { system } from '../../errors.ts';
import { understood } from './config.ts';
import type { ImageDefaults, ImageRecord } from './port.ts';

/** An entry of images.json; what is not named here is kept as it is. */
export interface ImageEntry {
  id: string;
  digest?: string;
  names?: string[];
  'names-history'?: string[];
  layer?: string;
  'mapped-layers'?: string[];
  created?: string;
  'big-data-names'?: string[];
}

export interface LayerEntry {
  id: string;
  parent?: string;
  created?: string;
  'compressed-diff-digest'?: string;
  'diff-digest'?: string;
  /** Bytes of the layer's tar. */
  'diff-size'?: number;
  flags?: { incomplete?: boolean };
}

export interface ContainerEntry {
  id: string;
  names?: string[];
  image?: string;
  layer?: string;
}

/** OCI image-spec config.md, with the fields that Docker adds. */
export interface ImageConfig {
  created?: string;
  author?: string;
  architecture?: string;
  variant?: string;
  os?: string;
  docker_version?: string;
  /** Of an image that a container's changes made: 'sha256:…' of the one below. Docker's field. */
  parent?: string;
  comment?: string;
  config?: ImageDefaults & { OnBuild?: string[] | null };
  rootfs?: { type?: string; diff_ids?: string[] };
  history?: { created?: string; created_by?: string; author?: string; comment?: string; empty_layer?: boolean }[];
}

export interface StoredManifest {
  config?: { digest?: string };
  layers?: { digest?: string; size?: number }[];
}

/** Both lists at one moment, indexed. */
export interface Snapshot {
  images: readonly ImageEntry[];
  imageById: ReadonlyMap<string, ImageEntry>;
  imageByName: ReadonlyMap<string, ImageEntry>;
  layers: ReadonlyMap<string, LayerEntry>;
}

/** Larger documents are refused: a configuration has a few kilobytes. */
const LARGEST_DOCUMENT = 8 << 20;

interface Cached<T> {
  stamp: string;
  value: T;
}

const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');

export class Layout {
  readonly root: string;
  #files = new Map<string, Cached<unknown[]>>();
  #snapshot: Cached<Snapshot> | undefined;
  /** Keyed by image; an image's configuration never changes, since the ID is its digest. */
  #configs = new Map<string, ImageConfig>();
  #records = new Map<string, ImageRecord>();

  constructor(root: string) {
    this.root = root;
  }

  path(...parts: string[]): string {
    return join(this.root, ...parts);
  }

  /** The array in a JSON file, [] when there is no file; read again only when its time, size or inode changed. */
  #read<T>(path: string): Cached<T[]> {
    const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
    const stamp = stat === undefined ? 'none' : `${stat.mtimeNs} ${stat.size} ${stat.ino}`;
    const known = this.#files.get(path);
    if (known?.stamp === stamp) return known as Cached<T[]>;
    let value: T[] = [];
    if (stat !== undefined) {
      try {
        const parsed: unknown = JSON.parse(readFileSync(path, 'utf8') || '[]');
        if (Array.isArray(parsed)) value = parsed as T[];
      } catch (error) {
        if (!isMissing(error)) throw system(`the image store's ${path} cannot be read`, error);
      }
    }
    const fresh: Cached<T[]> = { stamp, value };
    this.#files.set(path, fresh);
    return fresh;
  }

  snapshot(): Snapshot {
    const images = this.#read<ImageEntry>(`${this.root}/overlay-images/images.json`);
    const layers = this.#read<LayerEntry>(`${this.root}/overlay-layers/layers.json`);
    const stamp = `${images.stamp}|${layers.stamp}`;
    if (this.#snapshot?.stamp === stamp) return this.#snapshot.value;
    const value: Snapshot = {
      images: images.value,
      imageById: new Map(images.value.map((image) => [image.id, image])),
      imageByName: new Map(images.value.flatMap((image) => (image.names ?? []).map((name) => [name, image]))),
      layers: new Map(layers.value.map((layer) => [layer.id, layer])),
    };
    this.#snapshot = { stamp, value };
    this.#records.clear();
    for (const id of this.#configs.keys()) if (!value.imageById.has(id)) this.#configs.delete(id);
    return value;
  }

  /** Layers that only running programs know; their parents must stay. */
  volatileLayers(): LayerEntry[] {
    return this.#read<LayerEntry>(this.path('overlay-layers', 'volatile-layers.json')).value;
  }

  /** Podman's and Buildah's containers. */
  containers(): ContainerEntry[] {
    return ['containers.json', 'volatile-containers.json'].flatMap(
      (file) => this.#read<ContainerEntry>(this.path('overlay-containers', file)).value,
    );
  }

  #document(image: string, name: string): unknown {
    // containers/storage keeps plain names as they are and writes the others in base64 behind '='.
    const file = /^[a-z0-9.]+$/.test(name) ? name : `=${Buffer.from(name).toString('base64')}`;
    const path = this.path('overlay-images', image, file);
    const size = statSync(path, { throwIfNoEntry: false })?.size;
    if (size === undefined) return undefined;
    if (size > LARGEST_DOCUMENT) throw system(`${name} of image ${image} is larger than ${LARGEST_DOCUMENT} bytes`);
    try {
      return JSON.parse(readFileSync(path, 'utf8'));
    } catch (error) {
      throw system(`${name} of image ${image} cannot be read`, error);
    }
  }

  manifest(image: ImageEntry): StoredManifest {
    return (this.#document(image.id, 'manifest') as StoredManifest | undefined) ?? {};
  }

  /** 'sha256:…': the storage's own ID is the configuration's digest, but for images in pre-2016 formats. */
  idOf(image: ImageEntry): string {
    return `sha256:${image.id}`;
  }

  config(image: ImageEntry): ImageConfig {
    const known = this.#configs.get(image.id);
    if (known !== undefined) return known;
    let found = this.#document(image.id, `sha256:${image.id}`);
    if (found === undefined) {
      const digest = this.manifest(image).config?.digest;
      if (digest !== undefined) found = this.#document(image.id, digest);
    }
    const config = understood((found as ImageConfig | undefined) ?? {});
    this.#configs.set(image.id, config);
    return config;
  }

  /** The bytes of the configuration, whose digest is the ID. */
  configBytes(image: ImageEntry): Buffer {
    const file = `=${Buffer.from(`sha256:${image.id}`).toString('base64')}`;
    return readFileSync(this.path('overlay-images', image.id, file));
  }

  /** Topmost first; ends early where another program's half-made state lacks a layer. */
  chain(snapshot: Snapshot, top: string | undefined): LayerEntry[] {
    const chain: LayerEntry[] = [];
    const seen = new Set<string>();
    for (let id = top; id !== undefined && id !== '' && !seen.has(id);) {
      const layer = snapshot.layers.get(id);
      if (layer === undefined) break;
      seen.add(id);
      chain.push(layer);
      id = layer.parent;
    }
    return chain;
  }

  /**
   * A layer's directory by its short name: mount(2) takes one page of options, which 40 full paths would fill.
   * The full one where the short one is missing.
   */
  #lowerDir(layer: string): string {
    try {
      const short = this.path('overlay', 'l', readFileSync(this.path('overlay', layer, 'link'), 'utf8').trim());
      if (statSync(short, { throwIfNoEntry: false }) !== undefined) return short;
    } catch (error) {
      if (!isMissing(error)) throw system(`layer ${layer} cannot be read`, error);
    }
    return this.path('overlay', layer, 'diff');
  }

  record(snapshot: Snapshot, image: ImageEntry): ImageRecord {
    const known = this.#records.get(image.id);
    if (known !== undefined) return known;
    const config = this.config(image);
    const layers = this.chain(snapshot, image.layer);
    const base = layers.at(-1);
    if (image.layer && (base === undefined || base.parent)) {
      throw system(`layer ${base?.parent ?? image.layer} of image ${image.id} is missing from the image store`);
    }
    const record: ImageRecord = {
      id: this.idOf(image),
      names: image.names ?? [],
      defaults: config.config ?? {},
      os: config.os ?? 'linux',
      architecture: config.architecture ?? '',
      lowerDirs: layers.map((layer) => this.#lowerDir(layer.id)),
    };
    this.#records.set(image.id, record);
    return record;
  }
}

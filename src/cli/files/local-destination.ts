/**
 * A container's archive onto local files. What is in it is the container's doing: nothing is written through a symbolic
 * link below the destination, and no device is made. Everything becomes the caller's own.
 */
import { constants, type Stats } from 'node:fs';
import {
  chmod,
  link,
  lstat,
  lutimes,
  mkdir,
  open,
  readlink,
  rm,
  stat as statOf,
  symlink,
  type FileHandle,
} from 'node:fs/promises';
import { posix } from 'node:path';
import { TarParser, type ParsedEntry } from '../../tar/parser.ts';
import { textOf, toBytes } from '../../tar/header.ts';
import { splitEntry } from './paths.ts';
import type { Side } from './plan.ts';
import { worded } from './words.ts';

const MOST_LINKS = 10;

const look = async (path: string): Promise<Stats | undefined> =>
  lstat(toBytes(path)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw worded('lstat', textOf(path), error);
  });

/** A link as the destination is followed; what it leads to, or its directory, must be there. */
export async function localDestination(given: string): Promise<Side> {
  let path = given;
  for (let links = 0; ; links++) {
    const stat = await lstat(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw worded('lstat', path, error);
    });
    if (stat === undefined) break;
    if (!stat.isSymbolicLink()) return { path, exists: true, isDirectory: stat.isDirectory(), rename: '' };
    if (links > MOST_LINKS) throw new Error(`too many symlinks in ${given}`);
    path = posix.resolve(splitEntry(path).directory, await readlink(path));
  }
  const { directory } = splitEntry(path);
  const parent = await statOf(directory).catch((error: unknown) => {
    throw worded('stat', directory, error);
  });
  if (!parent.isDirectory()) throw new Error('not a directory');
  return { path, exists: false, isDirectory: false, rename: '' };
}

export class LocalUnpacker {
  readonly #root: string;
  readonly #naming: (name: string) => string;
  readonly #parser = new TarParser();
  readonly #directories = new Map<string, ParsedEntry>();
  /** Devices and pipes, which are not made outside of a container. */
  readonly skipped: string[] = [];
  #open: { handle: FileHandle; entry: ParsedEntry } | undefined;

  /** `root`: byte string of a directory. `naming`: from an entry's name to the one that it gets here. */
  constructor(root: string, naming: (name: string) => string) {
    this.#root = root === '/' ? '' : root.replace(/\/\.?$/, '');
    this.#naming = naming;
  }

  async push(chunk: Buffer): Promise<void> {
    for (const event of this.#parser.push(chunk)) {
      if (event.kind === 'entry') await this.#begin(event.entry);
      else if (event.kind === 'data') await this.#open?.handle.writeFile(event.data);
      else await this.#finish();
    }
  }

  async end(): Promise<void> {
    this.#parser.end();
    // A directory that its owner may not write to gets that mode when all is in it.
    for (const [path, { mode, mtime }] of [...this.#directories].toReversed()) {
      await chmod(toBytes(path), mode);
      await lutimes(toBytes(path), mtime, mtime);
    }
  }

  async close(): Promise<void> {
    await this.#open?.handle.close();
    this.#open = undefined;
  }

  #nameOf(name: string): string {
    const shown = this.#naming(name);
    const clean = posix.normalize(`./${shown}`).replace(/\/$/, '');
    if (clean === '..' || clean.startsWith('../')) {
      throw new Error(`${JSON.stringify(textOf(shown))} is outside of ${JSON.stringify(textOf(this.#root || '/'))}`);
    }
    return clean;
  }

  async #begin(given: ParsedEntry): Promise<void> {
    const name = this.#nameOf(given.name);
    const entry = { ...given, linkName: given.type === '1' ? this.#nameOf(given.linkName) : given.linkName };
    if (name === '.') return;
    const path = `${this.#root}/${name}`;
    await this.#makeWay(name);
    try {
      await this.#create(path, entry, await look(path));
    } catch (error) {
      throw (error as NodeJS.ErrnoException).errno === undefined ? error : worded('open', textOf(path), error);
    }
  }

  /** The directories on the way; none of them is a link, which would lead who knows where. */
  async #makeWay(name: string): Promise<void> {
    let path = this.#root;
    for (const part of name.split('/').slice(0, -1)) {
      path = `${path}/${part}`;
      const stat = await look(path);
      if (stat === undefined) await mkdir(toBytes(path));
      else if (!stat.isDirectory())
        throw new Error(`${JSON.stringify(textOf(path))} is not a directory: nothing is written below it`);
    }
  }

  async #create(path: string, entry: ParsedEntry, present: Stats | undefined): Promise<void> {
    const bytes = toBytes(path);
    const wanted = entry.type === '5';
    if (present !== undefined) {
      if (present.isDirectory() !== wanted) {
        const [old, fresh] = wanted ? ['non-directory', 'directory'] : ['directory', 'non-directory'];
        throw new Error(
          `cannot overwrite ${old} ${JSON.stringify(textOf(path))} with ${fresh} ${JSON.stringify(textOf(this.#root || '/'))}`,
        );
      }
      if (!wanted) await rm(bytes);
    }
    if (entry.type === '0') {
      const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
      this.#open = { handle: await open(bytes, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600), entry };
    } else if (wanted) {
      if (present === undefined) await mkdir(bytes, 0o700);
      this.#directories.set(path, entry);
    } else if (entry.type === '1') await this.#link(entry.linkName, bytes);
    else if (entry.type === '2') {
      await symlink(toBytes(entry.linkName), bytes);
      await lutimes(bytes, entry.mtime, entry.mtime);
    } else this.skipped.push(textOf(path));
  }

  /** Of a file that this archive brought: no link is followed on the way to it. */
  async #link(target: string, bytes: Buffer): Promise<void> {
    await this.#makeWay(target);
    const source = `${this.#root}/${target}`;
    const stat = await look(source);
    if (stat === undefined || stat.isDirectory())
      throw new Error(`invalid hardlink to ${JSON.stringify(textOf(target))}`);
    await link(toBytes(source), bytes);
  }

  async #finish(): Promise<void> {
    const done = this.#open;
    if (done === undefined) return;
    await done.handle.chmod(done.entry.mode);
    await done.handle.utimes(done.entry.mtime, done.entry.mtime);
    await this.close();
  }
}

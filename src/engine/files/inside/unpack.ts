/**
 * An archive into a directory of the container, by Docker's rules. Entries may name what they like: '..' and links that
 * lead elsewhere are refused where Docker refuses them, and nothing is above this process's root in any case.
 */
import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  futimesSync,
  lchownSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  openSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { posix } from 'node:path';
import { invalidParameter } from '../../../errors.ts';
import { makeNode, setAttribute } from '../../../linux/node-files.ts';
import { TarParser, type ParsedEntry } from '../../../tar/parser.ts';
import { textOf, toBytes } from '../../../tar/header.ts';
import { lookAt, type Stat } from './bytes.ts';
import { writeAll } from './channel.ts';

export interface UnpackOptions {
  noOverwriteDirNonDir: boolean;
  /** To whom everything goes; undefined: to whom the archive says. */
  owner: { uid: number; gid: number } | undefined;
}

const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
/** Seconds since 1970 that fit into 64 bits as nanoseconds. */
const LATEST = 2 ** 63 / 1e9;
/** Of directories that no entry describes. */
const IMPLIED_MODE = 0o755;

export class Unpacker {
  readonly #root: string;
  readonly #options: UnpackOptions;
  readonly #parser = new TarParser();
  /** The file that is being written. */
  #fd: number | undefined;
  #entry: ParsedEntry | undefined;
  /** Set last, since what is put into a directory changes its time. */
  readonly #directories = new Map<string, number>();

  /** `root`: the absolute path of a directory, free of links. */
  constructor(root: string, options: UnpackOptions) {
    this.#root = root;
    this.#options = options;
  }

  push(chunk: Buffer): void {
    for (const event of this.#parser.push(chunk)) {
      if (event.kind === 'entry') this.#begin(event.entry);
      else if (event.kind === 'data') {
        if (this.#fd !== undefined) writeAll(this.#fd, event.data);
      } else this.#finish();
    }
  }

  /** After the last chunk. */
  end(): void {
    this.#parser.end();
    for (const [path, mtime] of this.#directories) {
      if (lookAt(path)?.isDirectory()) lutimesSync(toBytes(path), timeOf(mtime), timeOf(mtime));
    }
  }

  /** Whatever happened: closes what is open. */
  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  #begin(entry: ParsedEntry): void {
    this.#entry = entry;
    const name = posix.normalize(entry.name).replace(/\/$/, '') || '.';
    const path = posix.join(this.#root, name);
    if (!isWithin(this.#root, path) || /^\.\.(?:\/|$)/.test(name)) {
      throw invalidParameter(`${quoted(path)} is outside of ${quoted(this.#root)}`);
    }
    const present = lookAt(path);
    if (path !== this.#root) this.#makeParents(posix.dirname(path));
    if (present !== undefined && !this.#makeRoom(path, present, entry)) {
      this.#entry = undefined;
      return;
    }
    this.#create(path, entry, present?.isDirectory() === true);
  }

  #makeParents(directory: string): void {
    if (lookAt(directory) !== undefined || directory === '/') return;
    this.#makeParents(posix.dirname(directory));
    mkdirSync(toBytes(directory), { mode: IMPLIED_MODE });
    const { uid, gid } = this.#options.owner ?? { uid: 0, gid: 0 };
    lchownSync(toBytes(directory), uid, gid);
  }

  /** Takes away what is in an entry's place; false when the entry has nothing to say about it. */
  #makeRoom(path: string, present: Stat, entry: ParsedEntry): boolean {
    const wanted = entry.type === '5';
    if (this.#options.noOverwriteDirNonDir && present.isDirectory() !== wanted) {
      const [old, fresh] = wanted ? ['non-directory', 'directory'] : ['directory', 'non-directory'];
      // The destination itself as '.': it is there, and that is all.
      if (path === this.#root) return false;
      throw invalidParameter(`cannot overwrite ${old} ${quoted(path)} with ${fresh} ${quoted(this.#root)}`);
    }
    if (path === this.#root) return false;
    if (!present.isDirectory() || !wanted) rmSync(toBytes(path), { recursive: true, force: true });
    return true;
  }

  #create(path: string, entry: ParsedEntry, isThere: boolean): void {
    const bytes = toBytes(path);
    const { type, mode, mtime, linkName } = entry;
    const device = { major: entry.major, minor: entry.minor };
    if (type === '0') {
      this.#fd = openSync(bytes, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode & 0o777);
      return;
    }
    if (type === '5') {
      if (!isThere) mkdirSync(bytes, { mode: mode & 0o777 });
      this.#directories.set(path, mtime);
    } else if (type === '1') {
      const target = posix.join(this.#root, linkName);
      if (!isWithin(this.#root, target)) {
        throw invalidParameter(`invalid hardlink ${quoted(target)} -> ${quoted(linkName)}`);
      }
      linkSync(toBytes(target), bytes);
      // Owner and mode are those of the file.
      return;
    } else if (type === '2') {
      const target = posix.join(posix.dirname(path), linkName);
      if (!isWithin(this.#root, target)) {
        throw invalidParameter(`invalid symlink ${quoted(path)} -> ${quoted(linkName)}`);
      }
      symlinkSync(toBytes(linkName), bytes);
    } else if (type === '3' || type === '4') {
      makeNode(bytes, type === '3' ? 'character' : 'block', mode & 0o777, device);
    } else if (type === '6') makeNode(bytes, 'pipe', mode & 0o777, device);
    else throw invalidParameter(`unhandled tar header type ${type.charCodeAt(0)}`);
    const { uid, gid } = this.#options.owner ?? entry;
    lchownSync(bytes, uid, gid);
    this.#setAttributes(path, entry);
    if (type !== '2') chmodSync(bytes, mode);
    if (type !== '5') lutimesSync(bytes, timeOf(mtime), timeOf(mtime));
  }

  #finish(): void {
    const entry = this.#entry;
    if (this.#fd === undefined || entry === undefined) return;
    const { uid, gid } = this.#options.owner ?? entry;
    fchownSync(this.#fd, uid, gid);
    this.#setAttributes(posix.join(this.#root, posix.normalize(entry.name)), entry);
    // After the owner: a change of it takes setuid away.
    fchmodSync(this.#fd, entry.mode);
    futimesSync(this.#fd, timeOf(entry.mtime), timeOf(entry.mtime));
    this.close();
  }

  #setAttributes(path: string, { xattrs }: ParsedEntry): void {
    for (const [name, value] of xattrs) setAttribute(toBytes(path), name, toBytes(value));
  }
}

/** As dockerd's: what cannot be a time of Linux is its beginning. Node takes a negative one for now. */
const timeOf = (mtime: number): number => (mtime < 0 || mtime > LATEST ? 0 : mtime);

const isWithin = (root: string, path: string): boolean => root === '/' || path === root || path.startsWith(`${root}/`);

const quoted = (path: string): string => JSON.stringify(textOf(path));

/** Files into a tar. What changes or goes away meanwhile changes the archive's content, never its form. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { posix } from 'node:path';
import { attribute, attributeNames, deviceParts } from '../../../linux/node-files.ts';
import { encodeEntry, endOfArchive, padding, toBytes, type NewEntry } from '../../../tar/header.ts';
import { codeOf, linkAt, lookAt, namesIn, secondsOf, type Stat } from './bytes.ts';
import type { Output } from './channel.ts';

const PIECE = 256 * 1024;
const zeros = Buffer.alloc(PIECE);

/** Attributes that go along: what files of a package have, and what users gave them; not those of overlay itself. */
const travels = (name: string): boolean =>
  name === 'security.capability' || (name.startsWith('user.') && !name.startsWith('user.overlay.'));

function attributesOf(path: string, stat: Stat): Map<string, string> {
  const found = new Map<string, string>();
  if (!stat.isFile() && !stat.isDirectory()) return found;
  const bytes = toBytes(path);
  for (const name of attributeNames(bytes).filter(travels)) {
    const value = attribute(bytes, name);
    if (value !== undefined) found.set(name, value.toString('latin1'));
  }
  return found;
}

type Kind = NonNullable<NewEntry['type']>;

function kindOf(stat: Stat): Kind | undefined {
  if (stat.isFile()) return '0';
  if (stat.isDirectory()) return '5';
  if (stat.isSymbolicLink()) return '2';
  if (stat.isCharacterDevice()) return '3';
  if (stat.isBlockDevice()) return '4';
  if (stat.isFIFO()) return '6';
  // A socket is nothing without the process that listens on it.
  return undefined;
}

export class Packer {
  readonly #output: Output;
  readonly #piece = Buffer.allocUnsafe(PIECE);
  /** Names in the archive of files that have several, by device and inode. */
  readonly #links = new Map<string, string>();

  constructor(output: Output) {
    this.#output = output;
  }

  /** One entry, without what is in a directory. */
  add(name: string, path: string, stat: Stat): void {
    const type = kindOf(stat);
    if (type === undefined) return;
    const key = `${stat.dev}:${stat.ino}`;
    const known = type !== '5' && stat.nlink > 1n ? this.#links.get(key) : undefined;
    const { major, minor } = type === '3' || type === '4' ? deviceParts(Number(stat.rdev)) : { major: 0, minor: 0 };
    const entry: NewEntry = {
      name: type === '5' && !name.endsWith('/') ? `${name}/` : name,
      type,
      mode: Number(stat.mode) & 0o7777,
      uid: Number(stat.uid),
      gid: Number(stat.gid),
      mtime: Number(secondsOf(stat.mtimeNs)[0]),
      major,
      minor,
    };
    if (known !== undefined) return this.#output.write(encodeEntry({ ...entry, type: '1', linkName: known }));
    if (type === '0') {
      // Nothing may link to what is not in the archive.
      if (!this.#addFile(entry, path, stat)) return;
    } else
      this.#output.write(
        encodeEntry(type === '2' ? { ...entry, linkName: linkAt(path) } : entry, attributesOf(path, stat)),
      );
    if (type !== '5' && stat.nlink > 1n) this.#links.set(key, name);
  }

  /** An empty file of root's: the marks of layers. */
  addMark(name: string): void {
    this.#output.write(encodeEntry({ name, mode: 0o600 }));
  }

  end(): void {
    this.#output.write(endOfArchive());
    this.#output.flush();
  }

  /** False when it is another file by now. */
  #addFile(entry: NewEntry, path: string, seen: Stat): boolean {
    // The file may be another one by now: a pipe is not waited for, a link not followed.
    const fd = openSync(toBytes(path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const stat = fstatSync(fd, { bigint: true });
      if (!stat.isFile() || stat.ino !== seen.ino) return false;
      const size = Number(stat.size);
      this.#output.write(encodeEntry({ ...entry, size }, attributesOf(path, stat)));
      let left = size;
      while (left > 0) {
        const read = readSync(fd, this.#piece, 0, Math.min(left, PIECE), null);
        if (read === 0) break;
        this.#output.write(this.#piece.subarray(0, read));
        left -= read;
      }
      // It was cut off meanwhile: the size was promised.
      for (; left > 0; left -= Math.min(left, PIECE)) this.#output.write(zeros.subarray(0, Math.min(left, PIECE)));
      this.#output.write(padding(size));
      return true;
    } finally {
      closeSync(fd);
    }
  }
}

/** Adds `path` under `name` with all that is in it. What cannot be read any more is left out. */
export function addTree(packer: Packer, name: string, path: string, stat: Stat): void {
  try {
    packer.add(name, path, stat);
  } catch (error) {
    if (!isGone(error)) throw error;
    return;
  }
  if (stat.isDirectory()) addContents(packer, name.endsWith('/') ? name : `${name}/`, path);
}

/** What is in the directory `path`, each name behind `prefix`. */
export function addContents(packer: Packer, prefix: string, path: string): void {
  for (const name of namesIn(path)) {
    const below = posix.join(path, name);
    const stat = lookAt(below);
    if (stat !== undefined) addTree(packer, `${prefix}${name}`, below, stat);
  }
}

const isGone = (error: unknown): boolean =>
  ['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO', 'ENAMETOOLONG', 'ESTALE'].includes(codeOf(error));

/** The name that an archive of `path` (absolute(), with its end) begins with: Docker's, whatever `path` leads to. */
export function archiveName(path: string): string {
  if (path === '/') return '/';
  if (path.endsWith('/.')) return '.';
  return posix.basename(path);
}

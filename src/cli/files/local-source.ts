/** A local file or directory as a tar. What goes away or changes meanwhile changes the content of the archive, not its form. */
import { constants, type BigIntStats } from 'node:fs';
import { lstat, open, readdir, readlink, realpath } from 'node:fs/promises';
import { byteString, encodeEntry, endOfArchive, padding, toBytes, textOf, type NewEntry } from '../../tar/header.ts';
import { clean, keepEnd, namesContents, renamed, splitEntry } from './paths.ts';
import { rebased, type Side } from './plan.ts';
import { worded } from './words.ts';

/** Links before the last '/' are followed, the last one with `follow`. */
export async function localSource(path: string, follow: boolean): Promise<Side> {
  const { path: found, rename } = await resolved(path, follow);
  const stat = await lstat(found).catch((error: unknown) => {
    throw worded('lstat', found, error);
  });
  return { path: found, exists: true, isDirectory: stat.isDirectory(), rename };
}

async function resolved(path: string, follow: boolean): Promise<{ path: string; rename: string }> {
  const real = async (what: string): Promise<string> =>
    realpath(what).catch((error: unknown) => {
      throw worded('lstat', what, error);
    });
  // '/a/' and '/a/.' are what '/a' leads to, under the name 'a'.
  if (follow || path.endsWith('/')) return renamed(path, await real(path));
  if (namesContents(path)) return { path: keepEnd(await real(clean(path)), path), rename: '' };
  const { directory, name } = splitEntry(path);
  return { path: clean(`${await real(directory)}/${name}`), rename: '' };
}

const PIECE = 256 * 1024;

/** `rebase` as of a plan. */
export async function* packed(source: Side, rebase: { from: string; to: string } | undefined): AsyncGenerator<Buffer> {
  const { name: base } = splitEntry(source.path);
  const links = new Map<string, string>();
  const nameOf = (name: string): string => {
    const shown =
      source.rename === '' ? name : rebased(name, { from: byteString(base), to: byteString(source.rename) });
    return rebase === undefined ? shown : rebased(shown, { from: byteString(rebase.from), to: byteString(rebase.to) });
  };
  const path = byteString(clean(source.path));
  yield* entries(path, byteString(base), nameOf, links);
  yield endOfArchive();
}

type Naming = (name: string) => string;

async function* entries(
  path: string,
  name: string,
  nameOf: Naming,
  links: Map<string, string>,
): AsyncGenerator<Buffer> {
  const stat = await lstat(toBytes(path), { bigint: true }).catch(gone);
  if (stat === undefined) return;
  yield* one(path, nameOf(name), stat, links);
  if (!stat.isDirectory()) return;
  const names = await readdir(toBytes(path), { encoding: 'buffer' }).catch((error: unknown) => {
    throw worded('open', textOf(path), error);
  });
  const sorted = names.map((each) => each.toString('latin1')).toSorted((a, b) => (a < b ? -1 : 1));
  for (const each of sorted)
    yield* entries(`${path === '/' ? '' : path}/${each}`, `${name === '/' ? '' : name}/${each}`, nameOf, links);
}

async function* one(path: string, name: string, stat: BigIntStats, links: Map<string, string>): AsyncGenerator<Buffer> {
  const device = Number(stat.rdev);
  const entry: NewEntry = {
    name: stat.isDirectory() && !name.endsWith('/') ? `${name}/` : name,
    mode: Number(stat.mode) & 0o7777,
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    mtime: Number(stat.mtimeNs / 1_000_000_000n),
    // makedev(3), for numbers below 2^12 and 2^8 as devices have them.
    major: (device >> 8) & 0xfff,
    minor: (device & 0xff) | ((device >> 12) & 0xfff00),
  };
  const key = `${stat.dev}:${stat.ino}`;
  const known = stat.nlink > 1n && !stat.isDirectory() ? links.get(key) : undefined;
  if (known !== undefined) yield encodeEntry({ ...entry, type: '1', linkName: known });
  else if (stat.isFile()) yield* file(path, entry);
  else if (stat.isDirectory()) yield encodeEntry({ ...entry, type: '5' });
  else if (stat.isSymbolicLink()) {
    const target = await readlink(toBytes(path), { encoding: 'buffer' });
    yield encodeEntry({ ...entry, type: '2', linkName: target.toString('latin1') });
  } else if (stat.isCharacterDevice()) yield encodeEntry({ ...entry, type: '3' });
  else if (stat.isBlockDevice()) yield encodeEntry({ ...entry, type: '4' });
  else if (stat.isFIFO()) yield encodeEntry({ ...entry, type: '6' });
  else return;
  if (!stat.isDirectory() && stat.nlink > 1n) links.set(key, name);
}

async function* file(path: string, entry: NewEntry): AsyncGenerator<Buffer> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const handle = await open(toBytes(path), flags).catch((error: unknown) => {
    throw worded('open', textOf(path), error);
  });
  try {
    const { size } = await handle.stat();
    yield encodeEntry({ ...entry, size });
    let left = size;
    while (left > 0) {
      const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(Math.min(left, PIECE)));
      // It was cut off meanwhile: the size was promised.
      yield bytesRead === 0 ? Buffer.alloc(Math.min(left, PIECE)) : buffer.subarray(0, bytesRead);
      left -= bytesRead === 0 ? Math.min(left, PIECE) : bytesRead;
    }
    yield padding(size);
  } finally {
    await handle.close();
  }
}

function gone(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
}

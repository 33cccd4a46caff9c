/** Where a copy goes and what its entries are called there, from what both sides are. Pure. */
import { assertsDirectory, splitEntry } from './paths.ts';

export interface Side {
  path: string;
  exists: boolean;
  isDirectory: boolean;
  /** Of a source whose link was followed: the name that it keeps; '' for its own. */
  rename: string;
}

export interface Plan {
  /** Where the archive is unpacked. */
  directory: string;
  /** The first part of the entries' names is replaced. */
  rebase: { from: string; to: string } | undefined;
}

/** Throws docker's errors. */
export function planCopy(source: Side, destination: Side): Plan {
  if (destination.exists && destination.isDirectory) return { directory: destination.path, rebase: undefined };
  if (destination.exists && source.isDirectory) throw new Error('cannot copy directory');
  if (!destination.exists && !source.isDirectory && assertsDirectory(destination.path)) {
    throw new Error('no such directory');
  }
  const { directory, name } = splitEntry(destination.path);
  return { directory, rebase: { from: source.rename || splitEntry(source.path).name, to: name } };
}

/** `name` of an entry, byte string. The root's entries all begin with '/', which stays. */
export function rebased(name: string, { from, to }: { from: string; to: string }): string {
  const old = from === '/' ? '' : from;
  const at = name.indexOf(old);
  return at < 0 ? name : name.slice(0, at) + to + name.slice(at + old.length);
}

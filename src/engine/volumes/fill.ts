/** A new volume's first content: what the image has at the place where it is mounted. */
import { execFile } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  opendirSync,
  readdirSync,
  renameSync,
  rmSync,
  rmdirSync,
  statSync,
} from 'node:fs';
import { promisify } from 'node:util';
import { messageOf, system } from '../../errors.ts';
import { resolveIn } from '../safe-path.ts';

const execute = promisify(execFile);

export interface Filling {
  /** The container's root file system, mounted. */
  root: string;
  /** Where the volume comes to be in it. */
  destination: string;
  /** The volume's directory: the daemon's own, which no container can replace. */
  target: string;
  /** A running container has it. */
  inUse: boolean;
  /** Something is mounted at `target`: it cannot be replaced, nor is what is beside it on the same file system. */
  mounted: boolean;
}

/**
 * Fills an empty volume; one that has anything stays as it is. Root writes nowhere where a container could plant a link meanwhile: the
 * content is copied beside the volume first. It takes the volume's place whole, or, where a container has the volume already, is moved
 * in entry by entry, which follows no link.
 */
export async function fillVolume({ root, destination, target, inUse, mounted }: Filling): Promise<void> {
  // A part of a volume may be a file.
  if (!statSync(target).isDirectory() || !isEmpty(target)) return;
  const from = resolveIn(root, destination);
  const stat = lstatSync(from, { throwIfNoEntry: false });
  if (!stat?.isDirectory()) return;
  const own = (directory: string): void => {
    chownSync(directory, stat.uid, stat.gid);
    chmodSync(directory, stat.mode & 0o7777);
  };
  const copy = async (directory: string): Promise<void> => {
    if (isEmpty(from)) return;
    try {
      await execute('cp', ['-a', '--', `${from}/.`, directory]);
    } catch (error) {
      // A full disk says so in the last line.
      throw system(`failed to populate volume: ${messageOf(error).trim().split('\n').at(-1)}`, error);
    }
  };
  if (mounted) {
    if (inUse) return;
    await copy(target);
    own(target);
    return;
  }
  const filled = `${target}.filling`;
  rmSync(filled, { recursive: true, force: true });
  mkdirSync(filled, { mode: 0o700 });
  await copy(filled);
  if (!inUse) {
    own(filled);
    renameSync(filled, target);
    return;
  }
  for (const name of readdirSync(filled)) renameSync(`${filled}/${name}`, `${target}/${name}`);
  rmdirSync(filled);
  own(target);
}

/** Whatever it holds, no more than its first entries are read. */
export function isEmpty(directory: string): boolean {
  const entries = opendirSync(directory);
  try {
    return entries.readSync() === null;
  } finally {
    entries.closeSync();
  }
}

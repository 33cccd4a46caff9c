/**
 * Directories of volumes that are mounted instead of the whole. A container that has the volume may swap any part of the path while it
 * is looked at: it is resolved by the kernel, below the volume, and what was found is bound to a place of the daemon's own, which the
 * runtime then mounts.
 */
import {
  closeSync,
  existsSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  rmdirSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { getSystemErrorMessage } from 'node:util';
import { invalidParameter, notFound } from '../../errors.ts';
import { bindDescriptor, openBeneath } from '../../linux/beneath.ts';
import { SysError } from '../../linux/libc.ts';
import { unmount } from '../../linux/mounts.ts';
import type { Paths } from '../paths.ts';

/** Returns where it is mounted. Throws NotFound, InvalidParameter when it leads out of the volume. */
export function mountSubpath(paths: Paths, container: string, volume: string, subpath: string): string {
  const directory = paths.subpaths(container);
  const fd = open(volume, subpath);
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const target = `${directory}/${readdirSync(directory).length}`;
    if (fstatSync(fd).isDirectory()) mkdirSync(target);
    else writeFileSync(target, '', { flag: 'wx' });
    bindDescriptor(fd, target);
    return target;
  } finally {
    closeSync(fd);
  }
}

function open(volume: string, subpath: string): number {
  try {
    return openBeneath(volume, subpath);
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    if (error.code === 'EXDEV') {
      throw invalidParameter(
        `path concatenation escapes the base directory, base: ${volume}, subpath: ${subpath}`,
        error,
      );
    }
    throw notFound(`cannot access path ${volume}/${subpath}: ${getSystemErrorMessage(-error.errno)}`, error);
  }
}

/** Nothing is removed with what is in it: should an unmount fail, the volume's files stay. */
export async function unmountSubpaths(paths: Paths, container: string): Promise<void> {
  const directory = paths.subpaths(container);
  if (!existsSync(directory)) return;
  for (const name of readdirSync(directory)) {
    const target = `${directory}/${name}`;
    await unmount(target);
    if (lstatSync(target).isDirectory()) rmdirSync(target);
    else unlinkSync(target);
  }
  rmdirSync(directory);
}

/** The containers that have some, or had when a daemon was ended. */
export const subpathContainers = ({ allSubpaths }: Paths): string[] =>
  existsSync(allSubpaths) ? readdirSync(allSubpaths) : [];

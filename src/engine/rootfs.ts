/** A container's root file system: an overlay over its image, and what is prepared in it before its process runs. */
import { chownSync, closeSync, existsSync, fstatSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { openInside } from '../linux/beneath.ts';
import { mountOverlay } from '../linux/mounts.ts';
import type { Context } from './context.ts';
import type { ContainerRecord } from './record.ts';
import { makeDirectoryIn, resolveIn } from './safe-path.ts';
import { lookUpUser, type Identity } from './users.ts';
import { invalidParameter, unavailable } from '../errors.ts';

/** Larger files are no user databases. */
const LARGEST_DATABASE = 4 << 20;

/**
 * The container's processes may swap the file or a directory above it meanwhile, for a link, a pipe or a device: the kernel finds it
 * inside the root, and it is opened only when it is known to be a file.
 */
function readIn(root: string, path: string): string {
  let fd;
  try {
    fd = openInside(root, path);
    const stat = fstatSync(fd);
    return stat.isFile() && stat.size <= LARGEST_DATABASE ? readFileSync(`/proc/self/fd/${fd}`, 'utf8') : '';
  } catch {
    return '';
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

export const identityIn = (root: string, user: string, groups: readonly string[]): Identity =>
  lookUpUser(user, groups, readIn(root, '/etc/passwd'), readIn(root, '/etc/group'));

export function mountRootfs(context: Context, record: ContainerRecord): string {
  const { paths } = context;
  const { id } = record;
  const target = paths.rootfs(id);
  const missing = record.lowerDirs.find((directory) => !existsSync(directory));
  if (missing !== undefined) {
    throw unavailable(`a layer of the container's image is gone (${missing}): pull ${record.config.Image} again`);
  }
  mkdirSync(target, { recursive: true, mode: 0o700 });
  mountOverlay({
    target,
    lowerDirs: record.lowerDirs,
    upperDir: paths.upper(id),
    workDir: paths.work(id),
    // Nothing of such a container outlives it: there is nothing to write back.
    volatile: record.hostConfig.AutoRemove,
  });
  return target;
}

/** The working directory is made when the image has none, for its user, as Docker does. */
export function makeWorkingDirectory(root: string, path: string, { uid, gid }: Identity): void {
  if (path === '' || path === '/') return;
  const target = resolveIn(root, path);
  const stat = statSync(target, { throwIfNoEntry: false });
  if (stat?.isDirectory()) return;
  if (stat !== undefined) throw invalidParameter(`Cannot mkdir: ${path} is not a directory`);
  makeDirectoryIn(root, path);
  chownSync(target, uid, gid);
}

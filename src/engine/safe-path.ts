/** Paths inside a container's root file system, whose symbolic links are hostile: '/' and '..' never leave the root. */
import { lstatSync, mkdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { invalidParameter } from '../errors.ts';

/** As the kernel (path_resolution(7)). */
const MOST_LINKS = 40;

/** Absolute host path of `path` in `root`, every link resolved within it; parts that are not there are kept as they are. */
export function resolveIn(root: string, path: string): string {
  const rest = path.split('/').toReversed();
  const done: string[] = [];
  for (let links = 0; rest.length > 0;) {
    const part = rest.pop();
    if (part === undefined || part === '' || part === '.') continue;
    if (part === '..') {
      done.pop();
      continue;
    }
    const here = join(root, ...done, part);
    if (!lstatSync(here, { throwIfNoEntry: false })?.isSymbolicLink()) {
      done.push(part);
      continue;
    }
    if (++links > MOST_LINKS) throw invalidParameter(`too many levels of symbolic links in ${path}`);
    const target = readlinkSync(here);
    if (target.startsWith('/')) done.length = 0;
    rest.push(...target.split('/').toReversed());
  }
  return join(root, ...done);
}

/** mkdir -p inside the root; returns the host path of the directory. */
export function makeDirectoryIn(root: string, path: string, mode = 0o755): string {
  const target = resolveIn(root, path);
  mkdirSync(target, { recursive: true, mode });
  return target;
}

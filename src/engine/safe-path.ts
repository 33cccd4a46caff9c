/** Paths inside a container's root file system, whose symbolic links are hostile: '/' and '..' never leave the root. */
import { lstatSync, mkdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { invalidParameter } from '../errors.ts';

/** As the kernel (path_resolution(7)). */
const MOST_LINKS = 40;

/**
 * `path` as an absolute one without links, '.' and '..', which end at the root; parts that are not there are kept. `targetOf`: where the link at
 * an absolute path leads to; undefined for all else. After as many links as the kernel follows `tooMany` is called, and the rest is kept.
 */
export function followLinks(
  path: string,
  targetOf: (path: string) => string | undefined,
  tooMany: () => void = () => undefined,
): string {
  const rest = path.split('/').toReversed();
  const done: string[] = [];
  for (let links = 0; rest.length > 0;) {
    const part = rest.pop();
    if (part === undefined || part === '' || part === '.') continue;
    if (part === '..') {
      done.pop();
      continue;
    }
    const target = targetOf(`/${[...done, part].join('/')}`);
    if (target !== undefined && links >= MOST_LINKS) tooMany();
    if (target === undefined || links++ >= MOST_LINKS) {
      done.push(part);
      continue;
    }
    if (target.startsWith('/')) done.length = 0;
    rest.push(...target.split('/').toReversed());
  }
  return `/${done.join('/')}`;
}

/** Absolute host path of `path` in `root`, every link resolved within it; parts that are not there are kept as they are. */
export function resolveIn(root: string, path: string): string {
  const targetOf = (inside: string): string | undefined => {
    const here = join(root, inside);
    return lstatSync(here, { throwIfNoEntry: false })?.isSymbolicLink() ? readlinkSync(here) : undefined;
  };
  const inside = followLinks(path, targetOf, () => {
    throw invalidParameter(`too many levels of symbolic links in ${path}`);
  });
  return inside === '/' ? root : join(root, inside);
}

/** mkdir -p inside the root; returns the host path of the directory. */
export function makeDirectoryIn(root: string, path: string, mode = 0o755): string {
  const target = resolveIn(root, path);
  mkdirSync(target, { recursive: true, mode });
  return target;
}

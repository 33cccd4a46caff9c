/** Sizes on disk, for `--size`, `system df` and prune. */
import { closeSync, constants, openSync } from 'node:fs';
import { lstat, opendir } from 'node:fs/promises';
import { openDirectoryIn } from '../linux/beneath.ts';

/** So many files are asked after at once: the pool's threads have work, and others' requests are not kept waiting long. */
const AT_ONCE = 32;

/**
 * Bytes that the files below `directory` take; files with several names count once, directories nothing. A container may be changing
 * the tree: no link is followed, no other file system entered, and what is gone meanwhile takes nothing. Memory and descriptors do not
 * grow with the number of files or the depth.
 */
export async function diskSize(directory: string): Promise<number> {
  let root;
  try {
    root = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch {
    return 0;
  }
  try {
    const count = new Count();
    const due = ['.'];
    for (let next = due.pop(); next !== undefined; next = due.pop()) due.push(...(await count.add(root, next)));
    return count.bytes;
  } finally {
    closeSync(root);
  }
}

class Count {
  bytes = 0;
  /** Files with several names that were counted. */
  readonly #seen = new Set<string>();

  /** The files of one directory; resolves with the directories in it. */
  async add(root: number, path: string): Promise<string[]> {
    let fd;
    try {
      fd = openDirectoryIn(root, path);
      return await this.#read(path, `/proc/self/fd/${fd}`);
    } catch {
      return [];
    } finally {
      if (fd !== undefined) closeSync(fd);
    }
  }

  async #read(path: string, place: string): Promise<string[]> {
    const directories: string[] = [];
    let files: Promise<void>[] = [];
    for await (const entry of await opendir(place, { bufferSize: AT_ONCE })) {
      if (entry.isDirectory()) directories.push(`${path}/${entry.name}`);
      else files.push(this.#file(`${place}/${entry.name}`));
      if (files.length < AT_ONCE) continue;
      await Promise.all(files);
      files = [];
    }
    await Promise.all(files);
    return directories;
  }

  async #file(path: string): Promise<void> {
    try {
      const { size, nlink, dev, ino } = await lstat(path);
      if (nlink > 1) {
        const key = `${dev}:${ino}`;
        if (this.#seen.has(key)) return;
        this.#seen.add(key);
      }
      this.bytes += size;
    } catch {
      // Gone meanwhile.
    }
  }
}

/** Sizes on disk, for `--size` and prune. */
import { lstat, readdir } from 'node:fs/promises';

/** Bytes that the files below `directory` take; files with several names count once. */
export async function diskSize(directory: string, seen = new Set<string>()): Promise<number> {
  let entries;
  try {
    entries = await readdir(directory, { withFileTypes: true });
  } catch {
    return 0;
  }
  let total = 0;
  for (const entry of entries) {
    const path = `${directory}/${entry.name}`;
    if (entry.isDirectory()) total += await diskSize(path, seen);
    else {
      try {
        const stat = await lstat(path);
        const key = `${stat.dev}:${stat.ino}`;
        if (stat.nlink > 1 && seen.has(key)) continue;
        seen.add(key);
        total += stat.size;
      } catch {
        // Gone meanwhile: it takes nothing.
      }
    }
  }
  return total;
}

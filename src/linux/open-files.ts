/** Regular files that a process of ours has open, and how far it has come in them (proc(5): /proc/pid/fd, fdinfo). */
import { readdir, readFile, readlink, stat } from 'node:fs/promises';

export interface OpenFile {
  /** As the kernel shows it; ' (deleted)' follows the name of one that is no longer in a directory. */
  path: string;
  /** Tells files of one name apart. */
  inode: number;
  /** Bytes. */
  size: number;
  position: number;
  reading: boolean;
}

/** Pure: the text of fdinfo. The lowest two bits of the flags are the way of access (open(2)); 0 is O_RDONLY. */
export function parseFdInfo(text: string): Pick<OpenFile, 'position' | 'reading'> {
  const position = Number(/^pos:\s*(\d+)$/m.exec(text)?.[1] ?? 0);
  const flags = Number.parseInt(/^flags:\s*([0-7]+)$/m.exec(text)?.[1] ?? '0', 8);
  return { position, reading: (flags & 3) === 0 };
}

/** Those below `directory`. Files come and go meanwhile: what cannot be read is left out. */
export async function openFilesBelow(pid: number, directory: string): Promise<OpenFile[]> {
  const fds = await readdir(`/proc/${pid}/fd`).catch(() => []);
  const files = fds.map(async (fd): Promise<OpenFile[]> => {
    const path = await readlink(`/proc/${pid}/fd/${fd}`);
    if (!path.startsWith(`${directory}/`)) return [];
    const { size, ino } = await stat(`/proc/${pid}/fd/${fd}`);
    return [{ path, inode: ino, size, ...parseFdInfo(await readFile(`/proc/${pid}/fdinfo/${fd}`, 'utf8')) }];
  });
  return (await Promise.all(files.map((file) => file.catch(() => [])))).flat();
}

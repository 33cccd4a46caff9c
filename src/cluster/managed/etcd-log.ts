/** The log of this host's etcd, which etcd itself only writes on and on. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { copyFile, stat, truncate } from 'node:fs/promises';

/** Bytes after which what is there becomes the former part ('.1'). */
const LONGEST_LOG = 1024 * 1024;
/** Bytes at its end among which a complaint is looked for. */
const TAIL = 64 * 1024;

/**
 * Also under an etcd that runs: it has opened the file to append (open(2), O_APPEND), so that it goes on at the new end. Of what it
 * writes in between a line may be lost. Never rejects.
 */
export async function shortenLog(file: string): Promise<void> {
  try {
    if ((await stat(file)).size <= LONGEST_LOG) return;
    await copyFile(file, `${file}.1`);
    await truncate(file);
  } catch {
    // There is none, or no room for the former part: then the next time.
  }
}

/** The last line that tells why it ended, for a message; '' for none. */
export function lastComplaint(file: string): string {
  const lines = tailOf(file)
    .split('\n')
    .filter((line) => /"level":"(error|fatal|panic)"/.test(line));
  try {
    const { msg, error } = JSON.parse(lines.at(-1) ?? '{}') as { msg?: string; error?: string };
    return error ?? msg ?? '';
  } catch {
    return '';
  }
}

function tailOf(file: string): string {
  let fd;
  try {
    fd = openSync(file, 'r');
  } catch {
    return '';
  }
  try {
    const { size } = fstatSync(fd);
    const tail = Buffer.alloc(Math.min(size, TAIL));
    return tail.toString('utf8', 0, readSync(fd, tail, 0, tail.length, size - tail.length));
  } finally {
    closeSync(fd);
  }
}

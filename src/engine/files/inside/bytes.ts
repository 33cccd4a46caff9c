/** Files by byte strings (tar/header.ts): names on Linux are bytes, and Node's own strings would change some of them. */
import { lstatSync, readdirSync, readlinkSync, type BigIntStats } from 'node:fs';
import { getSystemErrorMessage } from 'node:util';
import { messageOf } from '../../../errors.ts';
import { toBytes, textOf } from '../../../tar/header.ts';

export type Stat = BigIntStats;

export const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : '');

/** undefined when there is no such file. */
export function lookAt(path: string): Stat | undefined {
  try {
    return lstatSync(toBytes(path), { bigint: true });
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG'].includes(codeOf(error))) return undefined;
    throw error;
  }
}

/** Names in a directory in the order of their bytes; none when it is gone. */
export function namesIn(path: string): string[] {
  try {
    const names = readdirSync(toBytes(path), { encoding: 'buffer' }).map((name) => name.toString('latin1'));
    return names.toSorted((a, b) => (a < b ? -1 : 1));
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG'].includes(codeOf(error))) return [];
    throw error;
  }
}

export const linkAt = (path: string): string => readlinkSync(toBytes(path), { encoding: 'buffer' }).toString('latin1');

const NANOSECONDS = 1_000_000_000n;

/** Of a time in nanoseconds since 1970, which may be before: whole seconds, and what is left. */
export function secondsOf(time: bigint): [seconds: bigint, nanoseconds: bigint] {
  const rest = ((time % NANOSECONDS) + NANOSECONDS) % NANOSECONDS;
  return [(time - rest) / NANOSECONDS, rest];
}

/** As Go words it: 'mkdir /a/b: read-only file system'. */
export function wordsOf(error: unknown): string {
  if (!(error instanceof Error) || !('syscall' in error) || !('errno' in error)) return messageOf(error);
  const path = 'path' in error && Buffer.isBuffer(error.path) ? ` ${textOf(error.path.toString('latin1'))}` : '';
  const given = 'path' in error && typeof error.path === 'string' ? ` ${error.path}` : path;
  return `${String(error.syscall)}${given}: ${getSystemErrorMessage(-Math.abs(Number(error.errno)))}`;
}

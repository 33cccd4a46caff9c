/**
 * A path below a directory that others write into while it is being resolved. The kernel refuses to leave the directory at every
 * step (openat2(2), Linux 5.6), so that no link which is planted between a look and its use leads outside.
 */
import { closeSync, openSync } from 'node:fs';
import { MS_BIND, MS_REC, libc, openat2 } from './libc.ts';

const O_PATH = 0o1000_0000;
const O_DIRECTORY = 0o20_0000;
const O_CLOEXEC = 0o200_0000;
/** linux/openat2.h. Links below the directory are followed; absolute ones and '..' beyond it fail with EXDEV. */
const RESOLVE_NO_MAGICLINKS = 0x02;
const RESOLVE_BENEATH = 0x08;
const RESOLVE_IN_ROOT = 0x10;
const RESOLVE_NO_SYMLINKS = 0x04;
const RESOLVE_NO_XDEV = 0x01;

/** O_PATH descriptor of `path` in `directory`; the caller closes it. Throws SysError: ENOENT, EXDEV, ELOOP, ENOTDIR. */
export const openBeneath = (directory: string, path: string): number => openFrom(directory, path, RESOLVE_BENEATH);

/** The same with `directory` as '/': absolute links and '..' end there, as for a process that has it as its root. */
export const openInside = (directory: string, path: string): number => openFrom(directory, path, RESOLVE_IN_ROOT);

function openFrom(directory: string, path: string, resolve: number): number {
  const base = openSync(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
  try {
    return openat2(base, path, O_PATH | O_CLOEXEC, resolve | RESOLVE_NO_MAGICLINKS);
  } finally {
    closeSync(base);
  }
}

/** O_PATH descriptor of a directory below another: no link is followed, no other file system entered. Throws SysError. */
export const openDirectoryIn = (directory: number, path: string): number =>
  openat2(
    directory,
    path,
    O_PATH | O_DIRECTORY | O_CLOEXEC,
    RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS,
  );

/** Mounts what an O_PATH descriptor stands for at `target`, which is a directory or a file as that is. */
export const bindDescriptor = (fd: number, target: string): void =>
  void libc.mount(`/proc/self/fd/${fd}`, target, null, MS_BIND | MS_REC, null);

/**
 * One berthd per root and per pidfile. flock(2) decides, not what a file says: the lock ends with the process however
 * it dies, so what a killed daemon left is known to be stale even when its PID was given to another process since.
 */
import {
  closeSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { conflict } from '../errors.ts';
import { libc, SysError } from '../linux/libc.ts';

/** flock(2) */
const LOCK_EX = 2;
const LOCK_NB = 4;

export interface HeldLock {
  /** Ends the lock; with `remove` the file goes first, so that nobody locks a file that is about to vanish. */
  release(options?: { remove: boolean }): void;
}

/** undefined when another process holds it. The file's text becomes this process's PID. */
function lock(path: string, mode: number): HeldLock | undefined {
  const fd = openSync(path, 'a+', mode);
  try {
    libc.flock(fd, LOCK_EX | LOCK_NB);
  } catch (error) {
    closeSync(fd);
    if (error instanceof SysError && (error.code === 'EAGAIN' || error.code === 'EWOULDBLOCK')) return undefined;
    throw error;
  }
  // Its holder may have removed the file between open and flock: then this is the lock of a file that nobody finds.
  if (statSync(path, { throwIfNoEntry: false })?.ino !== fstatSync(fd).ino) {
    closeSync(fd);
    return lock(path, mode);
  }
  ftruncateSync(fd);
  writeSync(fd, `${process.pid}\n`);
  return {
    release({ remove } = { remove: false }) {
      if (remove) unlinkSync(path);
      closeSync(fd);
    },
  };
}

const holderOf = (path: string): string => readFileSync(path, 'utf8').trim() || 'unknown';

/** Throws Conflict with dockerd's text when a living berthd wrote it. Others may read it: 0644. */
export function takePidfile(path: string): HeldLock {
  mkdirSync(dirname(path), { recursive: true, mode: 0o711 });
  const held = lock(path, 0o644);
  if (held) return held;
  throw conflict(
    `failed to start daemon, ensure berthd is not running or delete ${path}: ` +
      `process with PID ${holderOf(path)} is still running`,
  );
}

/** Makes the directory (0711: containers' users pass, nobody looks) and takes it for this daemon alone. */
export function takeRoot(flag: 'data-root' | 'exec-root', directory: string): HeldLock {
  mkdirSync(directory, { recursive: true, mode: 0o711 });
  const path = `${directory}/berth.lock`;
  const held = lock(path, 0o600);
  if (held) return held;
  throw conflict(
    `failed to start daemon: --${flag} ${directory} is in use by process with PID ${holderOf(path)}; ` +
      'several daemons on one machine need their own --data-root, --exec-root and --pidfile',
  );
}

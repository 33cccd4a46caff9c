/**
 * Lock files as containers/storage uses them (Podman, Buildah, skopeo): a POSIX record lock (fcntl(2)) over the whole
 * file, and for writers 64 bytes at its start that name the last writer, so that others know to read again.
 *
 * Record locks belong to the process and vanish when it closes *any* descriptor of the file. Therefore one descriptor
 * is open per file at most: a queue per path orders this process's own users.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { libc, SysError } from './libc.ts';

const F_SETLK = 6;
const F_RDLCK = 0;
const F_WRLCK = 1;
const LAST_WRITER_BYTES = 64;
/** Wait between two tries in ms: the first soon, since holders need a few milliseconds; never more than 50. */
const FIRST_WAIT = 1;
const LONGEST_WAIT = 50;

export type LockMode = 'read' | 'write';

export interface FileLock {
  /** Tells other programs that what the lock guards was changed. Call it before the change becomes visible. */
  touch(): void;
  release(): void;
}

/** path → the end of the queue of this process's users. */
const queues = new Map<string, Promise<void>>();

/** struct flock of 64-bit Linux: l_type at 0, l_whence at 2 (SEEK_SET), l_start at 8, l_len at 16 (0: to the end). */
function flockStruct(type: number): Buffer {
  const struct = Buffer.alloc(32);
  struct.writeInt16LE(type, 0);
  return struct;
}

function tryLock(fd: number, mode: LockMode): boolean {
  try {
    libc.fcntlLock(fd, F_SETLK, flockStruct(mode === 'read' ? F_RDLCK : F_WRLCK));
    return true;
  } catch (error) {
    if (error instanceof SysError && (error.code === 'EAGAIN' || error.code === 'EACCES')) return false;
    throw error;
  }
}

/**
 * Takes the lock, making the file (0644, as containers/storage does) where it is missing. Waits without blocking the
 * thread; throws an Error when another program holds it for longer than `timeout` ms.
 */
export async function lockFile(path: string, mode: LockMode, timeout = 60_000): Promise<FileLock> {
  const key = resolve(path);
  const turn = Promise.withResolvers<void>();
  const before = queues.get(key);
  queues.set(key, turn.promise);
  const leave = (): void => {
    if (queues.get(key) === turn.promise) queues.delete(key);
    turn.resolve();
  };
  await before;
  let fd = -1;
  try {
    fd = openSync(key, constants.O_RDWR | constants.O_CREAT, 0o644);
    const deadline = Date.now() + timeout;
    for (let wait = FIRST_WAIT; !tryLock(fd, mode); wait = Math.min(wait * 2, LONGEST_WAIT)) {
      if (Date.now() > deadline) throw new Error(`${path} is locked by another program for ${timeout / 1000} s`);
      await sleep(wait);
    }
  } catch (error) {
    if (fd >= 0) closeSync(fd);
    leave();
    throw error;
  }
  let held = true;
  return {
    touch: () => {
      writeSync(fd, randomBytes(LAST_WRITER_BYTES), 0, LAST_WRITER_BYTES, 0);
    },
    release: () => {
      if (!held) return;
      held = false;
      closeSync(fd);
      leave();
    },
  };
}

/** A network namespace that is kept by an open descriptor, whatever becomes of the file that it was opened by. */
import { statSync, statfsSync } from 'node:fs';
import { libc, O_CLOEXEC, O_RDONLY } from './libc.ts';
import { inNamespace } from './namespace.ts';

export class HeldNamespace {
  readonly #fd: number;
  /** The same for two paths to one namespace. */
  readonly identity: string;

  /** Throws SysError when there is no file, and later calls when it is no namespace. */
  constructor(path: string) {
    this.#fd = libc.open(path, O_RDONLY | O_CLOEXEC, 0);
    try {
      this.identity = identityOf(this.path);
    } catch (error) {
      libc.close(this.#fd);
      throw error;
    }
  }

  /** Of this process alone. */
  get path(): string {
    return `/proc/self/fd/${this.#fd}`;
  }

  /** Runs `body`, which must be synchronous, inside. */
  run<T>(body: () => T): T {
    return inNamespace(this.path, body);
  }

  /** It ends when nobody else keeps it; once only. */
  close(): void {
    libc.close(this.#fd);
  }
}

/** NSFS_MAGIC of linux/magic.h. */
const NSFS = 0x6e73_6673;

/** False for the empty file that is seen where the mount is not. */
export function isNamespace(path: string): boolean {
  try {
    return statfsSync(path).type === NSFS;
  } catch {
    return false;
  }
}

/** Device and inode of the file. Throws ENOENT. */
export function identityOf(path: string): string {
  const { dev, ino } = statSync(path);
  return `${dev}:${ino}`;
}

/**
 * Network namespaces (network_namespaces(7)) kept alive by a bind mount, as `ip netns` does, and synchronous work in them.
 *
 * setns(2) moves the calling thread alone. Between entering and leaving no thread may be born (it would stay inside for
 * good) and nothing may be awaited (other work would run inside); so the bodies are synchronous, and the libuv pool
 * must have been warmed before.
 */
import { mkdirSync, readdirSync, statSync, unlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { CLONE_NEWNET, libc, MNT_DETACH, MS_BIND, O_CLOEXEC, O_CREAT, O_EXCL, O_RDONLY, SysError } from './libc.ts';

const OWN = '/proc/thread-self/ns/net';

/** The namespace that the process lives in; opened once, since /proc shows the thread's present one. */
let home: number | undefined;
const homeFd = (): number => (home ??= libc.open(OWN, O_RDONLY | O_CLOEXEC, 0));

/**
 * Makes a namespace bound to `path` and runs `body` inside it (to open sockets there); `fd` is open during the call
 * only. All or nothing.
 */
export function createNamespace<T>(path: string, body: (fd: number) => T): T {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const back = homeFd();
  libc.close(libc.open(path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o444));
  try {
    let fd = -1;
    try {
      libc.unshare(CLONE_NEWNET);
      try {
        libc.mount(OWN, path, null, MS_BIND, null);
        fd = libc.open(OWN, O_RDONLY | O_CLOEXEC, 0);
        return body(fd);
      } finally {
        returnTo(back);
      }
    } finally {
      if (fd !== -1) libc.close(fd);
    }
  } catch (error) {
    dropNamespace(path);
    throw error;
  }
}

/** Runs `body` inside the namespace at `path`. */
export function inNamespace<T>(path: string, body: (fd: number) => T): T {
  const back = homeFd();
  const fd = libc.open(path, O_RDONLY | O_CLOEXEC, 0);
  try {
    libc.setns(fd, CLONE_NEWNET);
    try {
      return body(fd);
    } finally {
      returnTo(back);
    }
  } finally {
    libc.close(fd);
  }
}

/** A daemon that goes on inside a container's network would do harm with every further step. */
function returnTo(fd: number): void {
  try {
    libc.setns(fd, CLONE_NEWNET);
  } catch (error) {
    process.stderr.write(`berthd cannot leave a container's network namespace: ${String(error)}\n`);
    process.abort();
  }
}

/**
 * Lets go of the namespace (0.2 ms). The kernel ends it with all its interfaces some 30 ms after the last process and
 * socket in it are gone. Unlinking the file also detaches bind mounts of it in other mount namespaces (since Linux
 * 3.18). Succeeds when there is none.
 */
export function dropNamespace(path: string): void {
  ignoring(['ENOENT', 'EINVAL'], () => libc.umount2(path, MNT_DETACH));
  ignoring(['ENOENT'], () => unlinkSync(path));
}

/**
 * Sees to it that `path` is bound to the namespace of process `pid`: after a restart in another mount namespace the
 * file is there, but empty.
 */
export function adoptNamespace(path: string, pid: number): void {
  const source = `/proc/${pid}/ns/net`;
  const wanted = statSync(source);
  const present = statSync(path, { throwIfNoEntry: false });
  if (present && present.ino === wanted.ino && present.dev === wanted.dev) return;
  dropNamespace(path);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  libc.close(libc.open(path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o444));
  try {
    libc.mount(source, path, null, MS_BIND, null);
  } catch (error) {
    dropNamespace(path);
    throw error;
  }
}

/** Names of the files in `directory`; none when it does not exist. */
export function listNamespaces(directory: string): string[] {
  let names: string[] = [];
  ignoring(['ENOENT'], () => void (names = readdirSync(directory)));
  return names;
}

function ignoring(codes: readonly string[], body: () => unknown): void {
  try {
    body();
  } catch (error) {
    const code = error instanceof SysError ? error.code : error instanceof Error && 'code' in error ? error.code : '';
    if (!codes.includes(String(code))) throw error;
  }
}

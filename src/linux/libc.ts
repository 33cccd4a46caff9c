/**
 * The system calls that Node does not offer, bound to glibc through koffi (1.3 µs a call).
 *
 * Each function of `libc` returns what the call returns and throws `SysError` when that is -1; `libc.try*` is not
 * offered: catch the error and look at `code`. All are synchronous: use them only for calls that do not block.
 * Numbers are those of asm-generic Linux, the same on x86-64 and arm64.
 */
import koffi from 'koffi';

koffi.alias('ssize_t', 'int64_t');
const library = koffi.load('libc.so.6');

/** Names by number, as in errno(3). EWOULDBLOCK is EAGAIN's number, ENOTSUP is EOPNOTSUPP's: one name for each. */
const errnoNames: ReadonlyMap<number, string> = new Map([
  ...Object.entries(koffi.os.errno).map(([name, number]) => [number, name] as const),
  ...(['EAGAIN', 'EOPNOTSUPP', 'EDEADLK'] as const).map((name) => [koffi.os.errno[name] ?? 0, name] as const),
]);

/** A failed system call. `code` is the errno's name ('ENOENT'), `errno` its positive number. */
export class SysError extends Error {
  readonly syscall: string;
  readonly errno: number;
  readonly code: string;
  constructor(syscall: string, errno: number, detail = '') {
    const code = errnoNames.get(errno) ?? `errno ${errno}`;
    super(`${syscall}${detail && ` ${detail}`}: ${code}`);
    this.name = 'SysError';
    this.syscall = syscall;
    this.errno = errno;
    this.code = code;
  }
}

type Argument = number | bigint | string | Buffer | null;

function bind<A extends Argument[]>(prototype: string): (...args: A) => number {
  const call = library.func(prototype);
  const name = /(\w+)\(/.exec(prototype)?.[1] ?? prototype;
  return (...args) => {
    const result = Number(call(...args));
    if (result === -1) throw new SysError(name, koffi.errno(), args.find((a) => typeof a === 'string') ?? '');
    return result;
  };
}

export const libc = {
  open: bind<[path: string, flags: number, mode: number]>('int open(const char *path, int flags, int mode)'),
  close: bind<[fd: number]>('int close(int fd)'),
  /** fcntl(F_DUPFD_CLOEXEC). */
  dup: (fd: number): number => dupAbove(fd, 1030, 0),
  /** fcntl(F_SETFL, 0): reads and writes wait. */
  setBlocking: (fd: number): number => dupAbove(fd, 4, 0),
  /** fcntl(F_SETFD, FD_CLOEXEC): children do not inherit it. */
  closeOnExec: (fd: number): number => dupAbove(fd, 2, 1),
  socket: bind<[domain: number, type: number, protocol: number]>('int socket(int domain, int type, int protocol)'),
  bind: bind<[fd: number, address: Buffer, length: number]>('int bind(int fd, const void *address, uint32_t length)'),
  connect: bind<[fd: number, address: Buffer, length: number]>(
    'int connect(int fd, const void *address, uint32_t length)',
  ),
  shutdown: bind<[fd: number, how: number]>('int shutdown(int fd, int how)'),
  listen: bind<[fd: number, backlog: number]>('int listen(int fd, int backlog)'),
  /** The peer's address is not asked for. */
  accept4: (fd: number, flags: number): number => accept4(fd, null, null, flags),
  recvmsg: bind<[fd: number, message: Buffer, flags: number]>('ssize_t recvmsg(int fd, void *message, int flags)'),
  sendmsg: bind<[fd: number, message: Buffer, flags: number]>(
    'ssize_t sendmsg(int fd, const void *message, int flags)',
  ),
  epollCreate1: bind<[flags: number]>('int epoll_create1(int flags)'),
  epollCtl: bind<[epoll: number, operation: number, fd: number, event: Buffer | null]>(
    'int epoll_ctl(int epoll, int operation, int fd, void *event)',
  ),
  epollWait: bind<[epoll: number, events: Buffer, count: number, timeout: number]>(
    'int epoll_wait(int epoll, void *events, int count, int timeout)',
  ),
  send: bind<[fd: number, data: Buffer, length: number, flags: number]>(
    'ssize_t send(int fd, const void *data, size_t length, int flags)',
  ),
  recv: bind<[fd: number, data: Buffer, length: number, flags: number]>(
    'ssize_t recv(int fd, void *data, size_t length, int flags)',
  ),
  setsockopt: bind<[fd: number, level: number, option: number, value: Buffer, length: number]>(
    'int setsockopt(int fd, int level, int option, const void *value, uint32_t length)',
  ),
  setns: bind<[fd: number, type: number]>('int setns(int fd, int type)'),
  unshare: bind<[flags: number]>('int unshare(int flags)'),
  mount: bind<[source: string | null, target: string, type: string | null, flags: number, data: string | null]>(
    'int mount(const char *source, const char *target, const char *type, ulong flags, const char *data)',
  ),
  umount2: bind<[target: string, flags: number]>('int umount2(const char *target, int flags)'),
  chroot: bind<[path: string]>('int chroot(const char *path)'),
  pivotRoot: bind<[root: string, old: string]>('int pivot_root(const char *root, const char *old)'),
  fchdir: bind<[fd: number]>('int fchdir(int fd)'),
  openat: bind<[directory: number, path: string, flags: number, mode: number]>(
    'int openat(int directory, const char *path, int flags, int mode)',
  ),
  prctl: bind<[option: number, argument: number]>('int prctl(int option, ulong argument)'),
  /** `path` ends with NUL. */
  mknod: bind<[path: Buffer, mode: number, device: number | bigint]>(
    'int mknod(const void *path, uint32_t mode, uint64_t device)',
  ),
  /** Paths and names end with NUL; all follow no link at the end of the path. */
  llistxattr: bind<[path: Buffer, list: Buffer | null, size: number]>(
    'ssize_t llistxattr(const void *path, void *list, size_t size)',
  ),
  lgetxattr: bind<[path: Buffer, name: string, value: Buffer | null, size: number]>(
    'ssize_t lgetxattr(const void *path, const char *name, void *value, size_t size)',
  ),
  lsetxattr: bind<[path: Buffer, name: string, value: Buffer, size: number, flags: number]>(
    'int lsetxattr(const void *path, const char *name, const void *value, size_t size, int flags)',
  ),
  /** open_tree(2): a copy of the mount at `path`, attached to nothing. */
  openTree: (path: string, flags: number): number => treeCall('open_tree', 428, AT_FDCWD, path, flags, null, 0),
  /** move_mount(2) of a copy that open_tree(2) made. */
  moveMount: (tree: number, target: string): number => moveTree(tree, target),
  /** mount_setattr(2) on such a copy. `attributes`: struct mount_attr. */
  mountSetattr: (tree: number, flags: number, attributes: Buffer): number =>
    treeCall('mount_setattr', 442, tree, '', flags, attributes, attributes.length),
  pidfdOpen: (pid: number): number => syscall(434, pid, 0),
  pidfdSendSignal: (pidfd: number, signal: number): number => syscall(424, pidfd, signal),
  /** `fds` takes two 32-bit numbers: the reading end, the writing end. */
  pipe2: bind<[fds: Buffer, flags: number]>('int pipe2(void *fds, int flags)'),
  flock: bind<[fd: number, operation: number]>('int flock(int fd, int operation)'),
  fcntlLock: bind<[fd: number, command: number, lock: Buffer]>('int fcntl(int fd, int command, void *lock)'),
};

const sendFunction = library.func('ssize_t send(int fd, const void *data, size_t length, int flags)');

/** send(2) on a thread of libuv's pool, for requests that the kernel works on for long. Keep `data` until it resolves. */
export async function sendInPool(fd: number, data: Buffer, flags: number): Promise<void> {
  return new Promise((resolve, reject) => {
    sendFunction.async(fd, data, data.length, flags, (error: unknown, result: unknown) => {
      // errno is the thread's own and gone by now.
      if (error ?? Number(result) !== data.length) reject(new Error('send failed', { cause: error }));
      else resolve();
    });
  });
}

const accept4 = bind<[fd: number, address: Buffer | null, length: Buffer | null, flags: number]>(
  'int accept4(int fd, void *address, void *length, int flags)',
);

const fcntlNumber = library.func('int fcntl(int fd, int command, int lowest)');

/**
 * Makes the process's descriptor table large enough for `count` at once, on a thread of the pool. It grows by doubling, and each
 * time a process with several threads waits for an RCU grace period in the middle of socket(2) or open(2)
 * (expand_fdtable: 30 ms measured at the 256th descriptor). Nothing happens when RLIMIT_NOFILE is lower.
 */
export async function growDescriptorTable(fd: number, count: number): Promise<void> {
  const copy = await new Promise<number>((resolve) => {
    // F_DUPFD_CLOEXEC
    fcntlNumber.async(fd, 1030, count - 1, (_error: unknown, result: unknown) => resolve(Number(result)));
  });
  if (copy > 0) libc.close(copy);
}

const dupAbove = bind<[fd: number, command: number, lowest: number]>('int fcntl(int fd, int command, int lowest)');

const umount = library.func('int umount2(const char *target, int flags)');
/** umount2(2) on a thread of the pool: the last unmount of a file system writes back what is dirty. */
export async function umountAsync(target: string, flags: number): Promise<void> {
  return new Promise((resolve, reject) => {
    umount.async(target, flags, (error: Error | null, result: number) => {
      if (error !== null) reject(error);
      else if (result === -1) reject(new SysError('umount2', koffi.errno(), target));
      else resolve();
    });
  });
}

const mount = library.func(
  'int mount(const char *source, const char *target, const char *type, ulong flags, const char *data)',
);
/** mount(2) on a thread of the pool: a file system may have a journal to replay, or a server that does not answer. */
export async function mountAsync(
  source: string | null,
  target: string,
  type: string | null,
  flags: number,
  data: string | null,
): Promise<void> {
  return new Promise((resolve, reject) => {
    mount.async(source, target, type, flags, data, (error: Error | null, result: number) => {
      if (error !== null) reject(error);
      else if (result === -1) reject(new SysError('mount', koffi.errno(), target));
      else resolve();
    });
  });
}

const statfs = library.func('int statfs(const char *path, void *result)');
/** statfs(2) on a thread of the pool. Returns f_flags: ST_… of statvfs(3). */
export async function statfsFlags(path: string): Promise<number> {
  // struct statfs of 64-bit Linux: f_flags is the eleventh of its words.
  const result = Buffer.alloc(120);
  return new Promise((resolve, reject) => {
    statfs.async(path, result, (error: Error | null, code: number) => {
      if (error !== null) reject(error);
      else if (code === -1) reject(new SysError('statfs', koffi.errno(), path));
      else resolve(Number(result.readBigUInt64LE(80)));
    });
  });
}

const openat2Function = library.func('long syscall(long number, long fd, const char *path, void *how, size_t size)');
/** openat2(2), for which Debian 12's glibc has no wrapper. `resolve`: RESOLVE_… of linux/openat2.h. */
export function openat2(fd: number, path: string, flags: number, resolve: number): number {
  const how = Buffer.alloc(24);
  how.writeBigUInt64LE(BigInt(flags), 0);
  how.writeBigUInt64LE(BigInt(resolve), 16);
  const result = Number(openat2Function(437, fd, path, how, how.length));
  if (result === -1) throw new SysError('openat2', koffi.errno(), path);
  return result;
}

/** pidfd_open(2) and pidfd_send_signal(2): Debian 12's glibc has no wrapper for them. */
const rawSyscall = library.func('long syscall(long number, long a, long b, long c, long d)');
function syscall(number: number, a: number, b: number): number {
  const result = Number(rawSyscall(number, a, b, 0, 0));
  if (result === -1) throw new SysError(number === 434 ? 'pidfd_open' : 'pidfd_send_signal', koffi.errno(), String(a));
  return result;
}

const pathSyscall = library.func(
  'long syscall(long number, long fd, const char *path, long flags, void *data, long size)',
);
function treeCall(
  name: string,
  number: number,
  fd: number,
  path: string,
  flags: number,
  data: Buffer | null,
  size: number,
): number {
  const result = Number(pathSyscall(number, fd, path, flags, data, size));
  if (result === -1) throw new SysError(name, koffi.errno(), path);
  return result;
}

const moveSyscall = library.func(
  'long syscall(long number, long from, const char *source, long to, const char *target, long flags)',
);
function moveTree(tree: number, target: string): number {
  // MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS
  const result = Number(moveSyscall(429, tree, '', AT_FDCWD, target, 0x14));
  if (result === -1) throw new SysError('move_mount', koffi.errno(), target);
  return result;
}

/** Calls back in the event loop when `fd` is readable (uv_poll; sets O_NONBLOCK). Keep the handle reachable. */
export function pollReadable(fd: number, callback: () => void): { close(): void } {
  return koffi.node.poll(fd, callback);
}

/** As pollReadable, for either direction, one call back and then closed. */
export function pollOnce(
  fd: number,
  what: { readable?: boolean; writable?: boolean },
  callback: () => void,
): { close(): void } {
  let done = false;
  const handle = koffi.node.poll(fd, { readable: what.readable ?? false, writable: what.writable ?? false }, () => {
    if (done) return;
    done = true;
    handle.close();
    callback();
  });
  return {
    close() {
      if (done) return;
      done = true;
      handle.close();
    },
  };
}

export const AT_FDCWD = -100;
export const O_RDONLY = 0;
export const O_WRONLY = 1;
export const O_RDWR = 2;
export const O_CREAT = 0o100;
export const O_EXCL = 0o200;
export const O_NONBLOCK = 0o4000;
export const O_CLOEXEC = 0o2000000;
export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_INET6 = 10;
export const AF_NETLINK = 16;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;
export const SOCK_SEQPACKET = 5;
export const SOCK_NONBLOCK = O_NONBLOCK;
export const SOCK_CLOEXEC = O_CLOEXEC;
export const MSG_DONTWAIT = 0x40;
export const MSG_NOSIGNAL = 0x4000;
export const SHUT_WR = 1;
export const SHUT_RDWR = 2;
export const CLONE_FS = 0x200;
export const CLONE_NEWNS = 0x0002_0000;
export const CLONE_NEWNET = 0x4000_0000;
export const MS_NOSUID = 2;
export const MS_NODEV = 4;
export const MS_NOEXEC = 8;
export const MS_RDONLY = 1;
export const MS_REMOUNT = 0x20;
export const MS_BIND = 0x1000;
export const MS_REC = 0x4000;
export const MS_PRIVATE = 0x4_0000;
export const MS_SLAVE = 0x8_0000;
export const MNT_DETACH = 2;
export const UMOUNT_NOFOLLOW = 8;

/**
 * For a process that was made to look at files of a container: leaves the host's file system for good. It sees a mount
 * tree of its own then, which ends with it, and nothing above its root. Every call is the main thread's alone
 * (unshare(2), CLONE_FS and CLONE_NEWNS): only synchronous work of that thread is inside afterwards.
 */
import process, { chdir } from 'node:process';
import { closeSync, constants, mkdirSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import {
  CLONE_FS,
  CLONE_NEWNS,
  MNT_DETACH,
  MS_BIND,
  MS_NODEV,
  MS_NOEXEC,
  MS_NOSUID,
  MS_PRIVATE,
  MS_RDONLY,
  MS_REC,
  MS_REMOUNT,
  O_CLOEXEC,
  O_RDONLY,
  SysError,
  UMOUNT_NOFOLLOW,
  libc,
} from './libc.ts';
import { mountOverlay, mountReadOnlyOverlay, parseMountinfo, type Overlay } from './mounts.ts';

/** A file or directory of the host that is seen at `destination`. */
export interface Bind {
  source: string;
  /** Inside the new root; links of it are followed there, and what is missing is made. */
  destination: string;
  readOnly: boolean;
  recursive: boolean;
}

// linux/mount.h, linux/fcntl.h
const OPEN_TREE_CLONE = 1;
const AT_RECURSIVE = 0x8000;
const AT_EMPTY_PATH = 0x1000;
const MOUNT_ATTR_RDONLY = 1n;
const MOUNT_ATTR_NODEV = 4n;
const PR_SET_PDEATHSIG = 1;
const SIGKILL = 9;
const O_PATH = 0o1000_0000;

/** For what is read and written synchronously: Node's parents give their children pipes that do not wait. */
export function makeBlocking(fds: readonly number[]): void {
  for (const fd of fds) libc.setBlocking(fd);
}

/** Ends this process with the one that made it, however that ends. */
export function endWithParent(parent: number): void {
  libc.prctl(PR_SET_PDEATHSIG, SIGKILL);
  // Asked now: an imported name would say what was so when this file was loaded.
  if (process.ppid !== parent) process.exit(1);
}

function ownMounts(): void {
  libc.unshare(CLONE_NEWNS);
  // What is mounted and unmounted from here on happens to nobody else.
  libc.mount(null, '/', null, MS_REC | MS_PRIVATE, null);
}

function stayBelow(directory: string): void {
  libc.chroot(directory);
  chdir('/');
}

/**
 * A mount becomes the root, and all others of the host go: nothing leads to them any more, and what the host unmounts
 * meanwhile is not kept busy by a copy of its mount here (pivot_root(2), "pivot_root(".", ".")").
 */
function stayIn(mount: string): void {
  chdir(mount);
  try {
    libc.pivotRoot('.', '.');
  } catch (error) {
    // An initial RAM file system as the root cannot be left that way.
    if (error instanceof SysError && error.code === 'EINVAL') return stayBelow(mount);
    throw error;
  }
  libc.umount2('.', MNT_DETACH);
  chdir('/');
}

/**
 * No device is opened: no control group keeps this process from those that a container may make but not open, and a file that
 * was looked at may be one by the time it is opened.
 */
function restrict(mount: number, { recursive, readOnly }: { recursive: boolean; readOnly: boolean }): void {
  // struct mount_attr: what is set, what is cleared, propagation, a user namespace; 64 bits each
  const attributes = Buffer.alloc(32);
  attributes.writeBigUInt64LE(MOUNT_ATTR_NODEV | (readOnly ? MOUNT_ATTR_RDONLY : 0n), 0);
  try {
    libc.mountSetattr(mount, AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), attributes);
  } catch (error) {
    // Before Linux 5.12. What is read-only must be that.
    if (readOnly || !(error instanceof SysError && error.code === 'ENOSYS')) throw error;
  }
}

function treeOf(path: string, how: { recursive: boolean; readOnly: boolean }): number {
  const tree = libc.openTree(path, OPEN_TREE_CLONE | O_CLOEXEC | (how.recursive ? AT_RECURSIVE : 0));
  restrict(tree, how);
  return tree;
}

/** Of all that is mounted at this moment. */
function restrictAll(): void {
  const root = libc.openTree('/', O_CLOEXEC);
  restrict(root, { recursive: true, readOnly: false });
  closeSync(root);
}

/** Mounts a container's overlay over the directory `target` of the host, the binds in it, and stays in it. */
export function enterOverlay(overlay: Overlay & { readOnly: boolean }, binds: readonly Bind[]): void {
  const self = openSelf();
  ownMounts();
  const opened = binds.flatMap((bind) => {
    const stat = statSync(bind.source, { throwIfNoEntry: false });
    return stat === undefined ? [] : [{ ...bind, isDirectory: stat.isDirectory(), tree: treeOf(bind.source, bind) }];
  });
  mountOverlay(overlay);
  stayIn(overlay.target);
  for (const { tree, destination, isDirectory } of opened) {
    if (isDirectory) mkdirSync(destination, { recursive: true });
    else if (statSync(destination, { throwIfNoEntry: false }) === undefined) {
      mkdirSync(dirname(destination), { recursive: true });
      writeFileSync(destination, '');
    }
    libc.moveMount(tree, destination);
    closeSync(tree);
  }
  // A bind of the host's /proc, or of all of its files.
  dropPseudo(self);
  restrictAll();
  // Its own layer only: links in a volume shall not lead writers into it.
  if (overlay.readOnly) libc.mount(null, '/', null, MS_REMOUNT | MS_BIND | MS_RDONLY, null);
}

/** The present root of a mount namespace without what is mounted in it. */
export function enterRootOf(namespace: number): void {
  libc.unshare(CLONE_FS);
  libc.setns(namespace, CLONE_NEWNS);
  const tree = treeOf('/', { recursive: false, readOnly: false });
  libc.fchdir(tree);
  stayBelow('.');
}

/** File systems of the kernel's own: their files are not a container's, and links in /proc lead out of every root. */
const PSEUDO = new Set(
  (
    'proc sysfs cgroup cgroup2 devpts mqueue debugfs tracefs securityfs fusectl binfmt_misc configfs pstore bpf ' +
    'efivarfs nsfs autofs rpc_pipefs nfsd selinuxfs devtmpfs'
  ).split(' '),
);
/** A mount below another goes with it, one above another comes to light: a few rounds, then something is wrong. */
const MOST_ROUNDS = 20;

/** All of a mount namespace that is files, as it is at this moment; what is mounted there later is not seen. */
export function enterNamespace(namespace: number): void {
  const self = openSelf();
  libc.unshare(CLONE_FS);
  libc.setns(namespace, CLONE_NEWNS);
  ownMounts();
  stayBelow('/');
  dropPseudo(self);
  restrictAll();
}

/** The container's own /proc may show anything, or not be there. */
const openSelf = (): number => openSync('/proc/self', constants.O_RDONLY | O_PATH);

/** Closes `self`. */
function dropPseudo(self: number): void {
  for (let round = 0; ; round++) {
    const pseudo = mountsOf(self).filter(({ type }) => PSEUDO.has(type));
    if (pseudo.length === 0) break;
    if (round === MOST_ROUNDS) throw new Error(`${pseudo[0]?.target ?? ''} cannot be unmounted`);
    for (const { target } of pseudo.toReversed()) {
      try {
        libc.umount2(target, MNT_DETACH | UMOUNT_NOFOLLOW);
      } catch (error) {
        // It went with the one above it.
        if (!(error instanceof SysError && ['EINVAL', 'ENOENT', 'ENOTDIR'].includes(error.code))) throw error;
      }
    }
  }
  closeSync(self);
}

function mountsOf(self: number): ReturnType<typeof parseMountinfo> {
  const fd = libc.openat(self, 'mountinfo', O_RDONLY | O_CLOEXEC, 0);
  try {
    return parseMountinfo(readFileSync(fd, 'utf8'));
  } finally {
    closeSync(fd);
  }
}

/** A container's own layer at /upper, those of its image together at /lower, nothing else. `at`: any directory of the host. */
export function enterLayers(at: string, upperDir: string, lowerDirs: readonly string[]): void {
  ownMounts();
  const upper = treeOf(upperDir, { recursive: false, readOnly: true });
  const [only] = lowerDirs;
  const lower =
    lowerDirs.length === 1 && only !== undefined ? treeOf(only, { recursive: false, readOnly: true }) : undefined;
  libc.mount('berth', at, 'tmpfs', MS_NOSUID | MS_NODEV | MS_NOEXEC, 'mode=700,size=64k');
  for (const name of ['upper', 'lower']) mkdirSync(`${at}/${name}`);
  libc.moveMount(upper, `${at}/upper`);
  if (lower !== undefined) libc.moveMount(lower, `${at}/lower`);
  else if (lowerDirs.length > 1) mountReadOnlyOverlay(`${at}/lower`, lowerDirs);
  stayIn(at);
}

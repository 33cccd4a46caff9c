/** Mounts: the daemon's own mount namespace, overlay file systems, and what is mounted where (mount(2), proc(5) mountinfo). */
import { closeSync, existsSync, openSync, readFileSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import {
  CLONE_NEWNS,
  MNT_DETACH,
  MS_NODEV,
  MS_NOEXEC,
  MS_NOSUID,
  MS_RDONLY,
  MS_REC,
  MS_SLAVE,
  SysError,
  libc,
  statfsFlags,
  umountAsync,
} from './libc.ts';

export interface MountPoint {
  target: string;
  type: string;
  source: string;
  /** Path inside its file system that is mounted. */
  root: string;
}

const unescape = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));

const escapeSpaces = (path: string): string =>
  path.replace(/[ \t\n\\]/g, (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`);

/** The text of /proc/<pid>/mountinfo as data; pure. */
export function parseMountinfo(text: string): MountPoint[] {
  return text.split('\n').flatMap((line) => {
    const [left = '', right] = line.split(' - ');
    if (right === undefined) return [];
    const [, , , root = '', target = ''] = left.split(' ');
    const [type = '', source = ''] = right.split(' ');
    return [{ target: unescape(target), type, source: unescape(source), root: unescape(root) }];
  });
}

export const mountPoints = (): MountPoint[] => parseMountinfo(readFileSync('/proc/self/mountinfo', 'utf8'));

/** Whether something is mounted in the directory, at any depth. The kernel's list is looked through only where it names the directory. */
export async function hasMountsIn(directory: string): Promise<boolean> {
  const text = await readFile('/proc/self/mountinfo', 'utf8');
  const inside = `${directory}/`;
  return text.includes(escapeSpaces(inside)) && parseMountinfo(text).some(({ target }) => target.startsWith(inside));
}

/**
 * crun (1.8.1) refuses a host with cgroup v1 hierarchies whose cgroup2 mount beside them has controllers. On such a
 * host the process leaves for a mount namespace of its own and takes that mount away there; every other mount keeps
 * following the host's. Must run before any thread is born: threads and children born later live there, too.
 * 'plain': nothing had to be done; 'left': done; 'refused': it is needed and not allowed (runc works without it).
 */
export function leaveHybridCgroups(): { outcome: 'plain' | 'left' | 'refused'; reason?: string } {
  const mounts = mountPoints();
  const unified = mounts.filter(({ type, target }) => type === 'cgroup2' && target !== '/sys/fs/cgroup');
  if (!mounts.some(({ type }) => type === 'cgroup')) return { outcome: 'plain' };
  const troubling = unified.filter(({ target }) => {
    try {
      return readFileSync(`${target}/cgroup.controllers`, 'utf8').trim() !== '';
    } catch {
      return false;
    }
  });
  if (troubling.length === 0) return { outcome: 'plain' };
  try {
    libc.unshare(CLONE_NEWNS);
    libc.mount(null, '/', null, MS_REC | MS_SLAVE, null);
    for (const { target } of troubling.toReversed()) libc.umount2(target, MNT_DETACH);
    return { outcome: 'left' };
  } catch (error) {
    if (error instanceof SysError) return { outcome: 'refused', reason: error.message };
    throw error;
  }
}

/** overlay reads ':' as the separator of its layers, ',' as that of options, and '\' as the escape. */
const escapeLayer = (path: string): string => path.replace(/([\\:,])/g, '\\$1');

/** mount(2) takes at most one page of options; less one for the closing NUL. */
const LONGEST_OPTIONS = 4095;
const O_PATH = 0o1000_0000;

export interface Overlay {
  target: string;
  /** Topmost first. */
  lowerDirs: readonly string[];
  upperDir: string;
  workDir: string;
  /** Skip every write-back: what is in upperDir is lost with a crash of the machine. */
  volatile: boolean;
}

export function mountOverlay({ target, lowerDirs, upperDir, workDir, volatile }: Overlay): void {
  // Left by a volatile mount that a crash of the machine or of berthd ended: overlay would refuse to mount again.
  if (existsSync(`${workDir}/work/incompat`)) rmSync(`${workDir}/work/incompat`, { recursive: true });
  const options = (lower: readonly string[]): string =>
    // Whatever the host's default: with redirects the upper directory alone would not say what changed (diff, commit); with an
    // index a container would not start while a copy of its last run's files goes on.
    `lowerdir=${lower.join(':')},upperdir=${escapeLayer(upperDir)},workdir=${escapeLayer(workDir)}` +
    `,redirect_dir=off,metacopy=off,index=off${volatile ? ',volatile' : ''}`;
  mountLayers(target, lowerDirs, options);
}

/** Image layers without a container's own on top, topmost first: at least two. */
export function mountReadOnlyOverlay(target: string, lowerDirs: readonly string[]): void {
  mountLayers(target, lowerDirs, (lower) => `lowerdir=${lower.join(':')}`);
}

function mountLayers(
  target: string,
  lowerDirs: readonly string[],
  options: (lower: readonly string[]) => string,
): void {
  const plain = options(lowerDirs.map(escapeLayer));
  if (Buffer.byteLength(plain) <= LONGEST_OPTIONS) {
    libc.mount('overlay', target, 'overlay', 0, plain);
    return;
  }
  // 128 layers with the store's long names do not fit: each is named by a descriptor instead (/proc/self/fd/12).
  const fds: number[] = [];
  try {
    for (const lower of lowerDirs) fds.push(openSync(lower, O_PATH));
    libc.mount('overlay', target, 'overlay', 0, options(fds.map((fd) => `/proc/self/fd/${fd}`)));
  } finally {
    for (const fd of fds) closeSync(fd);
  }
}

/** A private tmpfs of `size` bytes. */
export function mountTmpfs(target: string, size: number, mode: string): void {
  libc.mount('shm', target, 'tmpfs', MS_NOSUID | MS_NODEV | MS_NOEXEC, `mode=${mode},size=${size}`);
}

/** The numbers that statfs(2) has are those of mount(2). */
const SHOWN = [
  ['ro', MS_RDONLY],
  ['nosuid', MS_NOSUID],
  ['nodev', MS_NODEV],
  ['noexec', MS_NOEXEC],
] as const;

/** Words for what is not allowed on the mount that `path` lies on: 'ro', 'nosuid', 'nodev', 'noexec'. Throws SysError. */
export async function mountFlagsAt(path: string): Promise<string[]> {
  const flags = await statfsFlags(path);
  return SHOWN.filter(([, bit]) => (flags & bit) !== 0).map(([word]) => word);
}

/** Succeeds when nothing is mounted there (or in this namespace). Runs on a thread of the pool. */
export async function unmount(target: string): Promise<void> {
  try {
    await umountAsync(target, MNT_DETACH);
  } catch (error) {
    if (!(error instanceof SysError && ['EINVAL', 'ENOENT'].includes(error.code))) throw error;
  }
}

/** The control groups of a container, in every hierarchy (cgroups(7)); v1, v2 and both together. Paths begin with '/'. */
import { existsSync, readFileSync, readdirSync, rmSync, rmdirSync, writeFileSync } from 'node:fs';
import { posix } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { hierarchies } from './cgroup-hierarchies.ts';
import { thaw } from './freezer.ts';

const BASE = '/sys/fs/cgroup';
let knownPlain: readonly string[] | undefined;

/**
 * Directories beside the hierarchies that are none: where the cgroup2 mount was taken away (mounts.ts), crun (1.8.1)
 * makes plain directories and a plain file `cgroup.procs` below /sys/fs/cgroup/unified.
 */
function plainDirectories(): readonly string[] {
  if (knownPlain !== undefined) return knownPlain;
  const mounts = hierarchies().map(({ mount }) => mount);
  knownPlain = mounts.includes(BASE) ? [] : treeTop(BASE).filter((directory) => !mounts.includes(directory));
  return knownPlain;
}

function treeTop(directory: string): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => `${directory}/${entry.name}`);
  } catch (error) {
    if (failedWith(error, 'ENOENT')) return [];
    throw error;
  }
}

const failedWith = (error: unknown, ...codes: string[]): boolean =>
  error instanceof Error && 'code' in error && codes.includes(String(error.code));

/** '..' in what a client calls a parent group leads nowhere above the hierarchy. */
const below = (directory: string, path: string): string => directory + posix.normalize(`/${path}`);

/** Subdirectories, deepest first, the directory itself last. */
function treeOf(directory: string): string[] {
  let entries;
  try {
    entries = readdirSync(directory, { withFileTypes: true });
  } catch (error) {
    if (failedWith(error, 'ENOENT', 'ENODEV')) return [];
    throw error;
  }
  return [
    ...entries.filter((entry) => entry.isDirectory()).flatMap((entry) => treeOf(`${directory}/${entry.name}`)),
    directory,
  ];
}

/** Process numbers in the group and below it. */
export function processesIn(path: string): number[] {
  const found = new Set<number>();
  for (const { mount } of hierarchies()) {
    for (const group of treeOf(below(mount, path))) {
      try {
        for (const line of readFileSync(`${group}/cgroup.procs`, 'utf8').split('\n')) if (line) found.add(Number(line));
      } catch (error) {
        if (!failedWith(error, 'ENOENT', 'ENODEV', 'EOPNOTSUPP')) throw error;
      }
    }
    // Every process of a container is in every hierarchy: the first that has the group tells all.
    if (found.size > 0) break;
  }
  return [...found];
}

function killAll(path: string): void {
  // What stands still does not end.
  thaw(path);
  for (const { mount, version } of hierarchies()) {
    const file = `${below(mount, path)}/cgroup.kill`;
    if (version === 2 && existsSync(file)) return writeFileSync(file, '1');
  }
  for (const pid of processesIn(path)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      if (!failedWith(error, 'ESRCH')) throw error;
    }
  }
}

/** Tries to remove the group everywhere; false while processes are in it. */
function removeOnce(path: string): boolean {
  let gone = true;
  for (const directory of plainDirectories()) rmSync(below(directory, path), { recursive: true, force: true });
  for (const { mount } of hierarchies()) {
    for (const group of treeOf(below(mount, path))) {
      try {
        rmdirSync(group);
      } catch (error) {
        if (failedWith(error, 'EBUSY')) gone = false;
        else if (!failedWith(error, 'ENOENT')) throw error;
      }
    }
  }
  return gone;
}

/** Milliseconds given to killed processes to be gone: longer than any orderly exit of the kernel's takes. */
const PATIENCE = 5000;

/** Kills what is left in the group and removes it, in every hierarchy. Succeeds when it is not there. */
export async function removeCgroup(path: string): Promise<void> {
  const until = Date.now() + PATIENCE;
  for (let wait = 1; ; wait = Math.min(wait * 2, 100)) {
    if (removeOnce(path)) return;
    if (Date.now() > until) throw new Error(`processes in cgroup ${path} do not end`);
    killAll(path);
    await sleep(wait);
  }
}

/** Removes the group where it is empty, and leaves it otherwise. */
export function removeIfEmpty(path: string): void {
  for (const mount of [...hierarchies().map(({ mount }) => mount), ...plainDirectories()]) {
    try {
      rmdirSync(below(mount, path));
    } catch (error) {
      if (!failedWith(error, 'ENOENT', 'EBUSY', 'ENOTEMPTY')) throw error;
    }
  }
}

/** Names of the groups directly below `path`, in any hierarchy. */
export function groupsBelow(path: string): string[] {
  const names = new Set<string>();
  for (const { mount } of hierarchies()) {
    try {
      for (const entry of readdirSync(below(mount, path), { withFileTypes: true })) {
        if (entry.isDirectory()) names.add(entry.name);
      }
    } catch (error) {
      if (!failedWith(error, 'ENOENT')) throw error;
    }
  }
  return [...names];
}

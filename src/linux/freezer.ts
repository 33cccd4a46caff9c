/**
 * Processes of a control group, stopped and let go: the freezer of cgroup v1 (freezer.state, Documentation/admin-guide/
 * cgroup-v1/freezer-subsystem.rst) where the group is in that hierarchy, cgroup.freeze of v2 (cgroup-v2.rst) otherwise.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { posix } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { hierarchies } from './cgroup-hierarchies.ts';

interface Freezer {
  file: string;
  frozen: string;
  thawed: string;
  /** Where it is told that every process stands still, and how. */
  state: { file: string; done: RegExp };
}

/** Milliseconds: a process in the middle of a write to a slow disk stands still only after it. */
const PATIENCE = 10_000;

function freezerOf(path: string): Freezer | undefined {
  for (const version of [1, 2]) {
    for (const { mount } of hierarchies().filter((hierarchy) => hierarchy.version === version)) {
      const group = mount + posix.normalize(`/${path}`);
      const v1 = `${group}/freezer.state`;
      const v2 = `${group}/cgroup.freeze`;
      if (version === 1 && existsSync(v1))
        return { file: v1, frozen: 'FROZEN', thawed: 'THAWED', state: { file: v1, done: /^FROZEN/ } };
      if (version === 2 && existsSync(v2))
        return { file: v2, frozen: '1', thawed: '0', state: { file: `${group}/cgroup.events`, done: /^frozen 1$/m } };
    }
  }
  return undefined;
}

/** Asked to stand still, whether or not every process does already. False when the group is not there. */
export function isFrozen(path: string): boolean {
  const freezer = freezerOf(path);
  if (freezer === undefined) return false;
  const text = readFileSync(freezer.file, 'utf8').trim();
  return text !== freezer.thawed;
}

/** Resolves when every process stands still. Throws, with all of them let go again, when that does not come about. */
export async function freeze(path: string): Promise<void> {
  const freezer = freezerOf(path);
  if (freezer === undefined) throw new Error(`the kernel has no freezer for the control group ${path}`);
  const until = Date.now() + PATIENCE;
  for (let wait = 1; ; wait = Math.min(wait * 2, 50)) {
    // Written again each time: v1 stays at FREEZING when a process was born in the midst of it.
    writeFileSync(freezer.file, freezer.frozen);
    if (freezer.state.done.test(readFileSync(freezer.state.file, 'utf8'))) return;
    if (Date.now() > until) {
      writeFileSync(freezer.file, freezer.thawed);
      throw new Error(`a process in it waits for its storage and did not stand still within ${PATIENCE / 1000} s`);
    }
    await sleep(wait);
  }
}

/** Succeeds when the group is not there, or stands still no more. */
export function thaw(path: string): void {
  const freezer = freezerOf(path);
  if (freezer === undefined) return;
  try {
    writeFileSync(freezer.file, freezer.thawed);
  } catch (error) {
    // Removed since the look.
    if (!(error instanceof Error && 'code' in error && ['ENOENT', 'ENODEV'].includes(String(error.code)))) throw error;
  }
}

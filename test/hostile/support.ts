/** What berthd holds while clients misbehave: descriptors, child processes, memory. Nothing of it may stay. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { Daemon } from '../support/daemon.ts';
import { childrenOf } from '../support/snapshot.ts';
import { until } from '../support/wait.ts';

export interface Footprint {
  /** Kind of descriptor ('socket:[N]', 'anon_inode:[eventpoll]', a path) → how many. */
  descriptors: ReadonlyMap<string, number>;
  /** Command lines of berthd's own children, which are neither monitors of containers nor berth-netd. */
  children: readonly string[];
}

export function footprintOf({ pid }: Daemon): Footprint {
  const descriptors = new Map<string, number>();
  for (const fd of readdirSync(`/proc/${pid}/fd`)) {
    const kind = kindOf(`/proc/${pid}/fd/${fd}`);
    if (kind !== undefined) descriptors.set(kind, (descriptors.get(kind) ?? 0) + 1);
  }
  const children = childrenOf(pid)
    .map(commandOf)
    .filter((command) => command !== '' && !/conmon|berth-netd/.test(command));
  return { descriptors, children };
}

function kindOf(path: string): string | undefined {
  try {
    return readlinkSync(path).replaceAll(/\d+/g, 'N');
  } catch {
    // Closed meanwhile.
    return undefined;
  }
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    return '';
  }
}

/** Bytes of resident memory. */
export function memoryOf({ pid }: Daemon): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) * 1024;
}

const more = (before: Footprint, after: Footprint): string[] => [
  ...[...after.descriptors].flatMap(([kind, count]) => {
    const had = before.descriptors.get(kind) ?? 0;
    return count > had ? [`${kind}: ${count}, not ${had}`] : [];
  }),
  ...after.children.filter((command) => !before.children.includes(command)),
];

/**
 * What `misbehave` made berthd open and start is gone some seconds after it (a vanished client may be noticed late), berthd is the
 * same process, has nothing to complain of, and the next call works.
 */
export async function leavesNothing(daemon: Daemon, misbehave: () => Promise<unknown>): Promise<void> {
  const { pid } = daemon;
  const before = footprintOf(daemon);
  await misbehave();
  await works(daemon);
  const left = (): string[] => more(before, footprintOf(daemon));
  await until(() => left().length === 0, 20_000).catch(() => assert.deepEqual(left(), [], 'berthd still holds it'));
  assert.ok(daemon.running(), daemon.log());
  assert.equal(daemon.pid, pid);
  assertQuiet(daemon);
}

/** No fault that nobody meant for a client, no listeners that pile up. */
export function assertQuiet(daemon: Daemon): void {
  const faults = daemon
    .log()
    .split('\n')
    .filter((line) => /stack=|level=fatal|MaxListeners|unhandled|uncaught/.test(line));
  assert.deepEqual(faults, []);
}

/** A container runs from its creation to its removal, and is heard of. */
export async function works(daemon: Daemon): Promise<void> {
  const { status } = await daemon.api('GET', '/_ping');
  assert.equal(status, 200);
  const made = await daemon.api<{ Id: string }>('POST', '/containers/create', { Image: 'busybox', Cmd: ['true'] });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  const { Id } = made.body;
  assert.equal((await daemon.api('POST', `/containers/${Id}/start`)).status, 204);
  assert.deepEqual((await daemon.api<{ StatusCode: number }>('POST', `/containers/${Id}/wait`)).body.StatusCode, 0);
  assert.equal((await daemon.api('DELETE', `/containers/${Id}`)).status, 204);
}

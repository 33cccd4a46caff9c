/** The part of the contract that is about watches. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Etcd, Keys, Watch } from './port.ts';
import type { Scenario } from './testing-world.ts';
import { put, refused, write } from './testing-world.ts';

/** What a watch has told, one line for each change: '+key=value@revision', '-key@revision', with revisions counted from its first. */
export class Recorder {
  readonly lines: string[] = [];
  /** Revisions, one for each time that the listener was told. */
  readonly headers: bigint[] = [];
  readonly startedAt: bigint[] = [];
  readonly resumedAt: bigint[] = [];
  /** Codes. */
  readonly interruptions: string[] = [];
  compactedAt: bigint | undefined;
  readonly #watch: Watch;

  constructor(etcd: Etcd, keys: Keys, from: bigint) {
    this.#watch = etcd.watch(keys, from, {
      started: ({ revision }) => void this.startedAt.push(revision),
      resumed: ({ revision }) => void this.resumedAt.push(revision),
      interrupted: ({ code }) => void this.interruptions.push(code),
      compacted: (revision) => (this.compactedAt = revision),
      events: ({ revision }, events) => {
        this.headers.push(revision);
        for (const event of events) {
          if (event.kind === 'delete') this.lines.push(`-${event.key}@${event.modRevision - from}`);
          else this.lines.push(`+${event.kv.key}=${event.kv.value.toString()}@${event.kv.modRevision - from}`);
        }
      },
    });
  }

  async until(holds: () => boolean, what: string): Promise<void> {
    for (const end = performance.now() + 10_000; !holds(); await sleep(5)) {
      assert.ok(performance.now() < end, `${what}; told were ${this.lines.join(' ')}`);
    }
  }

  async tells(...lines: string[]): Promise<void> {
    await this.until(() => this.lines.length >= lines.length, `waiting for ${lines.join(' ')}`);
    assert.deepEqual(this.lines, lines);
  }

  close(): void {
    this.#watch.close();
  }
}

const inOrder: Scenario = async ({ a, b, prefix }) => {
  const [x, y] = [`${prefix}x`, `${prefix}y`];
  const lease = await a.grant(60);
  const { revision } = await a.get({ prefix });
  const told = new Recorder(b, { prefix }, revision + 1n);
  await told.until(() => told.startedAt.length > 0, 'the start');
  await write(a, put(x, '1'), put(y, '1', lease));
  await write(a, put(`${prefix.slice(0, -1)}+`, 'beside'));
  await write(a, { delete: { key: x } }, put(`${prefix}z`, '1'));
  await write(a, { delete: { key: `${prefix}nothing` } });
  await a.revoke(lease);
  await write(a, put(x, '2'), { delete: { prefix: `${prefix}z` } });
  const lines = [`+${x}=1@0`, `+${y}=1@0`, `-${x}@2`, `+${prefix}z=1@2`, `-${y}@3`, `+${x}=2@4`, `-${prefix}z@4`];
  await told.tells(...lines);
  assert.deepEqual(told.startedAt, [revision + 1n]);
  assert.equal(told.headers.at(-1), revision + 5n);
  told.close();
  await write(a, put(x, '3'));
  // Another one, from then on, sees the same and what came after.
  const late = new Recorder(a, { prefix }, revision + 1n);
  await late.tells(...lines, `+${x}=3@5`);
  late.close();
  assert.equal(told.lines.length, lines.length, 'nothing more was told after close()');
};

const oneKey: Scenario = async ({ a, prefix }) => {
  const before = await write(a, put(`${prefix}x`, 'before'));
  const told = new Recorder(a, { key: `${prefix}x` }, before + 1n);
  await write(a, put(`${prefix}x`, '1'), put(`${prefix}xx`, '1'));
  await write(a, { delete: { prefix } });
  await told.tells(`+${prefix}x=1@0`, `-${prefix}x@1`);
  told.close();
};

const compaction: Scenario = async ({ a, prefix, compact }) => {
  const x = `${prefix}x`;
  const first = await write(a, put(x, '1'));
  await write(a, put(x, '2'));
  const third = await write(a, { delete: { key: x } });
  const fourth = await write(a, put(x, '4'));
  await compact(third);
  await refused(a.get({ prefix }, { revision: first }), 'compacted');
  assert.equal((await a.get({ prefix }, { revision: third })).kvs.length, 0);
  // The deletion at the compacted revision itself may be gone, so it counts as gone.
  for (const from of [first, third]) {
    const told = new Recorder(a, { prefix }, from);
    await told.until(() => told.compactedAt !== undefined, 'compacted');
    assert.deepEqual([told.lines, told.startedAt], [[], []]);
  }
  const told = new Recorder(a, { prefix }, fourth);
  await told.tells(`+${x}=4@0`);
  // One that has told all is not disturbed.
  await compact(fourth);
  await write(a, put(x, '5'));
  await told.tells(`+${x}=4@0`, `+${x}=5@1`);
  assert.equal(told.compactedAt, undefined);
  told.close();
};

const anotherStore: Scenario = async ({ a, prefix }) => {
  const { revision } = await a.get({ prefix });
  const told = new Recorder(a, { prefix }, revision + 2n);
  await told.until(() => told.compactedAt !== undefined, 'a revision that this store has never had');
  await write(a, put(`${prefix}x`, '1'), put(`${prefix}y`, '1'));
  await write(a, put(`${prefix}x`, '2'));
  assert.deepEqual([told.lines, told.startedAt], [[], []]);
};

const many: Scenario = async ({ a, b, prefix }) => {
  const { revision } = await a.get({ prefix });
  const told = new Recorder(b, { prefix }, revision + 1n);
  const count = 300;
  for (let at = 0; at < count; at += 10) {
    await Promise.all(Array.from({ length: 10 }, (_, index) => write(a, put(`${prefix}${at + index}`, 'v'))));
  }
  await told.until(() => told.lines.length >= count, 'all');
  const revisions = told.lines.map((line) => Number(line.split('@')[1]));
  assert.deepEqual(revisions, [...Array(count).keys()], 'each revision once, in order');
  assert.equal(new Set(told.lines.map((line) => line.split('=')[0])).size, count);
  told.close();
};

export const watching: Readonly<Record<string, Scenario>> = {
  'a watch tells all changes in order': inOrder,
  'a watch of one key': oneKey,
  'a watch of many changes': many,
  'what is compacted is said to be': compaction,
  'a watch from a revision that cannot be': anotherStore,
};

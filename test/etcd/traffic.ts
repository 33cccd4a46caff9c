/**
 * Writes that go on while members fail, and a watch of them; at the end both must agree with etcd, to the last change.
 *
 *     await using traffic = await startTraffic(writer, reader, 'prefix/');
 *     …                            // faults
 *     await traffic.goesOn();      // a write that began just now is done, and the watch has told it
 *     await traffic.verify(etcd);  // ends it, as disposal does
 */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { EtcdError } from '../../src/cluster/etcd/error.ts';
import type { Etcd } from '../../src/cluster/etcd/port.ts';
import { until } from '../support/wait.ts';
import type { Members } from './members.ts';

export interface Traffic extends AsyncDisposable {
  goesOn(): Promise<void>;
  verify(etcd: Members): Promise<void>;
}

export async function startTraffic(writer: Etcd, reader: Etcd, prefix: string): Promise<Traffic> {
  /** By key: revision of what was written; 'unknown' when the call was rejected. */
  const written = new Map<string, bigint | 'unknown'>();
  const told = new Map<string, bigint>();
  const problems: string[] = [];
  let last = (await reader.get({ prefix })).revision;
  let going = true;
  const watch = reader.watch({ prefix }, last + 1n, {
    events({ revision }, events) {
      for (const event of events) {
        if (event.kind !== 'put') problems.push(`${event.key} was deleted`);
        else if (event.kv.modRevision <= last) problems.push(`${event.kv.key} after revision ${last}`);
        else {
          last = event.kv.modRevision;
          told.set(event.kv.key, last);
        }
      }
      if (revision !== last) problems.push(`revision ${revision} was given for ${last}`);
    },
    compacted: (revision) => void problems.push(`compacted ${revision}`),
  });
  const write = async (key: string): Promise<void> => {
    try {
      const then = [{ put: key, value: Buffer.from(key) }];
      written.set(key, (await writer.transact({ when: [{ key, create: '=', revision: 0n }], then })).revision);
    } catch (error) {
      if (!(error instanceof EtcdError) || error.code !== 'unavailable') problems.push(String(error));
      written.set(key, 'unknown');
    }
  };
  const writing = (async () => {
    for (let n = 0; going; n++) {
      await write(`${prefix}${String(n).padStart(6, '0')}`);
      await sleep(5);
    }
  })();
  const done = (): string[] => [...written].flatMap(([key, revision]) => (revision === 'unknown' ? [] : [key]));
  return {
    async goesOn() {
      const before = written.size + 1;
      await until(
        () => done().some((key) => told.has(key) && Number(key.slice(prefix.length)) > before),
        30_000,
        'traffic',
      );
    },
    async verify(etcd) {
      going = false;
      await writing;
      await until(() => done().every((key) => told.has(key)), 30_000, 'the last change being told');
      assert.deepEqual(problems, []);
      for (const [key, revision] of written) if (revision !== 'unknown') assert.equal(told.get(key), revision, key);
      // What was rejected may be carried out yet: a member sends on what it was told when it finds its leader again.
      const there = async (): Promise<string> => etcd.ctl('get', prefix, '--prefix', '--keys-only');
      const lines = (): string =>
        [...told.keys()]
          .toSorted()
          .map((key) => `${key}\n\n`)
          .join('');
      await until(async () => (await there()) === lines(), 30_000, 'etcd having what was told').catch(async () =>
        assert.equal(lines(), await there()),
      );
    },
    async [Symbol.asyncDispose]() {
      going = false;
      await writing;
      watch.close();
    },
  };
}

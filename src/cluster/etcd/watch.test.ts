import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createEtcd } from './client.ts';
import type { Etcd } from './port.ts';
import { MessageWriter } from './protobuf.ts';
import { Recorder } from './testing-contract-watch.ts';
import type { Asked, TestMember } from './testing-member.ts';
import { refuse, startMember, succeed } from './testing-member.ts';

const WATCH = '/etcdserverpb.Watch/Watch';

/** What the one member says; a test changes it. */
class Store {
  cluster = 5n;
  term = 2n;
  revision = 9n;
  /** Revision of key 'k', which is all there is; 0n: not there. */
  modified = 9n;
  /** Of its value; undefined: that of `modified`. */
  written: bigint | undefined;
  /** Of all streams of watches that were opened. */
  streams: Asked[] = [];
  check: 'answer' | 'compacted' | 'future' = 'answer';

  header(revision = this.revision): Buffer {
    return new MessageWriter().number(1, this.cluster).number(3, revision).number(4, this.term).finish();
  }

  answer(asked: Asked): void {
    if (asked.method === WATCH) {
      this.streams.push(asked);
      succeed(asked, [new MessageWriter().bytes(1, this.header()).number(3, true).finish()], { open: true });
    } else if (this.check === 'answer') {
      const range = new MessageWriter().bytes(1, this.header());
      if (this.modified > 0n) {
        const kv = new MessageWriter().text(1, 'k').number(3, this.modified);
        range.bytes(2, kv.text(5, `v${this.written ?? this.modified}`).finish());
      }
      succeed(asked, [range.finish()]);
    } else {
      const which = this.check === 'compacted' ? 'has been compacted' : 'is a future revision';
      refuse(asked, 11, `etcdserver: mvcc: required revision ${which}`);
    }
  }

  tell(...events: { revision: bigint; deleted?: boolean }[]): void {
    const response = new MessageWriter().bytes(1, this.header());
    for (const { revision, deleted = false } of events) {
      const kv = new MessageWriter().text(1, 'k').number(3, revision);
      if (!deleted) kv.text(5, `v${revision}`);
      response.bytes(11, new MessageWriter().number(1, deleted).bytes(2, kv.finish()).finish());
    }
    this.say(response.finish());
  }

  say(response: Buffer): void {
    const stream = this.streams.at(-1);
    assert.ok(stream);
    succeed(stream, [response], { open: true });
  }

  /** start_revision (field 3) of what the last stream asked for. */
  get asked(): string {
    return this.streams.at(-1)?.message.toString('hex') ?? '';
  }
}

async function watching(
  body: (told: Recorder, store: Store, member: TestMember, etcd: Etcd) => Promise<void>,
): Promise<void> {
  const store = new Store();
  await using member = await startMember((asked) => store.answer(asked));
  const etcd = createEtcd({ endpoints: [member.endpoint], timeout: 2000 });
  const told = new Recorder(etcd, { key: 'k' }, 10n);
  try {
    await told.until(() => told.startedAt.length === 1, 'the start');
    await body(told, store, member, etcd);
  } finally {
    etcd.close();
  }
}

/** create_request { key 'k', start_revision, progress_notify } */
const asking = (revision: number): string => `0a070a016b18${revision.toString(16).padStart(2, '0')}2001`;

void describe('a watch that lost its connection', () => {
  void test('goes on after the last change that it told, and tells nothing twice', () =>
    watching(async (told, store, member) => {
      assert.equal(store.asked, asking(10));
      store.tell({ revision: 10n }, { revision: 12n });
      await told.tells('+k=v10@0', '+k=v12@2');
      [store.revision, store.modified] = [12n, 12n];
      member.disconnect();
      await told.until(() => told.interruptions.length === 1, 'the interruption');
      await told.until(() => told.resumedAt.length === 1, 'the resumption');
      assert.equal(store.asked, asking(13));
      // As a member that lags behind does.
      store.tell({ revision: 12n }, { revision: 13n });
      store.tell({ revision: 14n, deleted: true });
      await told.tells('+k=v10@0', '+k=v12@2', '+k=v13@3', '-k@4');
      [store.revision, store.modified] = [14n, 0n];
      member.disconnect();
      await told.until(() => told.resumedAt.length === 2, 'the resumption');
      assert.deepEqual([told.startedAt, told.compactedAt], [[10n], undefined]);
    }));

  void test('goes on after the progress that it was told of', () =>
    watching(async (told, store, member) => {
      store.say(new MessageWriter().bytes(1, store.header(40n)).finish());
      store.tell({ revision: 41n });
      await told.tells('+k=v41@31');
      store.say(new MessageWriter().bytes(1, store.header(50n)).finish());
      store.say(new MessageWriter().bytes(1, store.header(45n)).finish());
      [store.revision, store.modified] = [60n, 41n];
      // Another stream's answer would overtake it.
      await told.until(() => store.streams.length === 1, 'one stream');
      await new Promise((resolve) => setTimeout(resolve, 50));
      member.disconnect();
      await told.until(() => told.resumedAt.length === 1, 'the resumption');
      assert.equal(store.asked, asking(51));
    }));

  const others: [string, (store: Store) => void][] = [
    ['another cluster', (store) => (store.cluster = 6n)],
    ['an earlier term', (store) => (store.term = 1n)],
    ['a store that is not so far yet', (store) => (store.check = 'future')],
    ['a store that has compacted it', (store) => (store.check = 'compacted')],
    ['a store where the last change is another one', (store) => (store.modified = 9n)],
    ['a store where the last change wrote something else', (store) => (store.written = 8n)],
    ['a store where the last change is none', (store) => (store.modified = 0n)],
  ];
  for (const [title, change] of others) {
    void test(`ends when it finds ${title}`, () =>
      watching(async (told, store, member) => {
        store.tell({ revision: 10n });
        await told.tells('+k=v10@0');
        [store.revision, store.modified] = [10n, 10n];
        change(store);
        member.disconnect();
        await told.until(() => told.compactedAt !== undefined, 'compacted');
        const { length } = store.streams;
        store.tell({ revision: 11n });
        await new Promise((resolve) => setTimeout(resolve, 150));
        assert.equal(store.streams.length, length, 'it was over');
        assert.deepEqual(told.lines, ['+k=v10@0']);
      }));
  }
});

void describe('a watch that etcd ends', () => {
  void test('because of compaction, it says so', () =>
    watching(async (told, store) => {
      store.say(new MessageWriter().bytes(1, store.header()).number(4, true).number(5, 77n).finish());
      await told.until(() => told.compactedAt === 77n, 'compacted');
    }));

  void test('for any other reason, it is opened again', () =>
    watching(async (told, store) => {
      const canceled = new MessageWriter().bytes(1, store.header()).number(4, true);
      store.say(canceled.text(6, 'rpc error: code = PermissionDenied desc = etcdserver: permission denied').finish());
      await told.until(() => told.resumedAt.length === 1, 'the resumption');
      assert.deepEqual(told.interruptions, ['denied']);
      store.say(Buffer.from([0xff]));
      await told.until(() => told.resumedAt.length === 2, 'the resumption');
      store.streams.at(-1)?.stream.close();
      await told.until(() => told.resumedAt.length === 3, 'the resumption');
      store.tell({ revision: 10n });
      await told.tells('+k=v10@0');
    }));

  void test('closed by its listener, it tells no more', async () => {
    const store = new Store();
    await using member = await startMember((asked) => store.answer(asked));
    const etcd = createEtcd({ endpoints: [member.endpoint], timeout: 2000 });
    const told: unknown[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const watch = etcd.watch({ key: 'k' }, 10n, {
      started: () => store.tell({ revision: 10n }),
      events(_, events) {
        told.push(...events);
        watch.close();
        store.tell({ revision: 11n });
        resolve();
      },
      compacted: () => assert.fail('compacted'),
      interrupted: () => assert.fail('interrupted'),
    });
    await promise;
    await etcd.get({ key: 'k' });
    assert.equal(told.length, 1);
    etcd.close();
  });
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FakeEtcd } from './fake-etcd.ts';
import { Recorder } from './testing-contract-watch.ts';
import { contract } from './testing-contract.ts';
import { put, refused, write } from './testing-world.ts';

void describe('the stand-in does what etcd does', () => {
  for (const [title, scenario] of Object.entries(contract)) {
    void test(title, async () => {
      const etcd = new FakeEtcd();
      const [a, b] = [etcd.client(), etcd.client()];
      await write(a, put('another/key', 'is there'));
      await scenario({
        a,
        b,
        prefix: 'contract/',
        compact: (revision) => Promise.resolve(etcd.compact(revision)),
        pass: (seconds) => Promise.resolve(etcd.advance(seconds)),
      });
    });
  }
});

void describe('the stand-in fails when it is told to', () => {
  void test('one host is cut off, and is told all later', async () => {
    const etcd = new FakeEtcd();
    const [a, b] = [etcd.client(), etcd.client()];
    const told = new Recorder(a, { prefix: 'k' }, 2n);
    a.available = false;
    await refused(a.get({ prefix: '' }), 'unavailable');
    await write(b, put('k1', ''));
    await write(b, put('k2', ''));
    assert.deepEqual(told.lines, []);
    a.available = true;
    await told.tells('+k1=@0', '+k2=@1');
    etcd.available = false;
    await refused(b.grant(5), 'unavailable');
  });

  void test('an answer is lost', async () => {
    const etcd = new FakeEtcd();
    const a = etcd.client();
    a.loseAnswers = 1;
    await a.get({ prefix: '' });
    await refused(write(a, put('k', '1')), 'unavailable');
    assert.equal((await a.get({ key: 'k' })).kvs[0]?.value.toString(), '1');
    await write(a, put('k', '2'));
  });

  void test('watches lag behind, and what they missed may be compacted', async () => {
    const etcd = new FakeEtcd();
    const a = etcd.client();
    const told = new Recorder(a, { prefix: 'k' }, 2n);
    await write(a, put('k', '1'));
    await told.tells('+k=1@0');
    a.held = true;
    await write(a, put('k', '2'));
    const revision = await write(a, put('k', '3'));
    assert.deepEqual(told.lines, ['+k=1@0']);
    etcd.compact(revision);
    a.held = false;
    await told.until(() => told.compactedAt === revision, 'compacted');
    assert.deepEqual(told.lines, ['+k=1@0']);
  });

  void test('it is restored from a backup: another cluster, earlier keys, leases with all their time', async () => {
    const etcd = new FakeEtcd();
    const a = etcd.client();
    const lease = await a.grant(10);
    const { clusterId } = await a.get({ prefix: '' });
    const revision = await write(a, put('k', '1', lease));
    const backup = etcd.snapshot();
    await write(a, put('k', '2'));
    const told = new Recorder(a, { prefix: 'k' }, revision + 1n);
    await told.tells('+k=2@0');
    etcd.advance(9);
    etcd.restore(backup);
    await told.until(() => told.compactedAt !== undefined, 'compacted');
    etcd.advance(9);
    const after = await a.get({ prefix: '' });
    assert.notEqual(after.clusterId, clusterId);
    assert.equal(after.revision, revision);
    assert.equal(after.kvs[0]?.value.toString(), '1');
    etcd.advance(1);
    assert.deepEqual((await a.get({ prefix: '' })).kvs, []);
  });

  void test('a client that was closed', async () => {
    const etcd = new FakeEtcd();
    const [a, b] = [etcd.client(), etcd.client()];
    const told = new Recorder(a, { prefix: 'k' }, 2n);
    a.close();
    await refused(a.members(), 'unavailable');
    await write(b, put('k', '1'));
    assert.deepEqual(told.lines, []);
    assert.deepEqual(etcd.carriedOut, ['transact']);
  });
});

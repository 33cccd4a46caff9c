/**
 * What etcd does, as scenarios that the stand-in (fake-etcd.test.ts) and a real etcd (test/etcd/contract.test.ts) both go through. Each
 * has a prefix of its own, and nobody else writes meanwhile.
 */
import assert from 'node:assert/strict';
import type { Compare, KeyValue, Operation } from './port.ts';
import { watching } from './testing-contract-watch.ts';
import type { Scenario } from './testing-world.ts';
import { bytes, put, refused, write } from './testing-world.ts';

const texts = (kvs: readonly KeyValue[]): string[] => kvs.map(({ key, value }) => `${key}=${value.toString()}`);

const revisions: Scenario = async ({ a, b, prefix }) => {
  const before = await a.get({ prefix });
  assert.deepEqual({ kvs: before.kvs, more: before.more }, { kvs: [], more: false });
  const made = await write(a, put(`${prefix}x`, '1'), put(`${prefix}y`, '1'));
  assert.equal(made, before.revision + 1n, 'one revision for all that a transaction writes');
  const written = await write(b, put(`${prefix}x`, '2'));
  const after = await a.get({ prefix });
  assert.equal(after.clusterId, before.clusterId);
  assert.equal(after.revision, written);
  assert.deepEqual(after.kvs, [
    { key: `${prefix}x`, value: bytes('2'), createRevision: made, modRevision: written, lease: 0n },
    { key: `${prefix}y`, value: bytes('1'), createRevision: made, modRevision: made, lease: 0n },
  ]);
  assert.equal(await write(a, { delete: { key: `${prefix}nothing` } }), written, 'nothing deleted, nothing written');
  assert.equal((await a.transact({ when: [], then: [] })).revision, written);
  const deleted = await write(a, { delete: { prefix } });
  assert.equal(deleted, written + 1n);
  assert.deepEqual((await b.get({ prefix })).kvs, []);
  const again = await write(a, put(`${prefix}x`, '3'));
  assert.equal((await b.get({ key: `${prefix}x` })).kvs[0]?.createRevision, again, 'made anew');
};

const compares: Scenario = async ({ a, prefix }) => {
  const [one, two, none] = [`${prefix}k/1`, `${prefix}k/2`, `${prefix}n/`];
  const first = await write(a, put(one, 'v'));
  const second = await write(a, put(two, 'v'));
  const third = await write(a, put(two, 'v'));
  const all = { prefix: `${prefix}k/` };
  const table: [Compare, boolean][] = [
    [{ key: one, create: '=', revision: first }, true],
    [{ key: one, create: '=', revision: second }, false],
    [{ key: one, create: '!=', revision: second }, true],
    [{ key: two, create: '<', revision: third }, true],
    [{ key: two, create: '>', revision: first }, true],
    [{ key: two, create: '>', revision: second }, false],
    [{ key: two, mod: '=', revision: third }, true],
    [{ key: two, mod: '=', revision: second }, false],
    [{ key: two, mod: '>', revision: second }, true],
    [{ key: two, mod: '<', revision: third }, false],
    [{ key: two, mod: '!=', revision: third }, false],
    [{ key: one, value: '=', bytes: bytes('v') }, true],
    [{ key: one, value: '=', bytes: bytes('') }, false],
    [{ key: one, value: '!=', bytes: bytes('w') }, true],
    // Of a prefix: each of its keys.
    [{ ...all, create: '>', revision: 0n }, true],
    [{ ...all, create: '=', revision: first }, false],
    [{ ...all, mod: '<', revision: third + 1n }, true],
    [{ ...all, mod: '<', revision: third }, false],
    [{ ...all, value: '=', bytes: bytes('v') }, true],
    // Of what is not there.
    [{ key: none, create: '=', revision: 0n }, true],
    [{ key: none, create: '>', revision: 0n }, false],
    [{ key: none, create: '!=', revision: 7n }, true],
    [{ key: none, mod: '=', revision: 0n }, true],
    [{ key: none, mod: '<', revision: 1n }, true],
    [{ key: none, value: '=', bytes: bytes('') }, false],
    [{ key: none, value: '!=', bytes: bytes('v') }, false],
    [{ prefix: none, create: '=', revision: 0n }, true],
    [{ prefix: none, mod: '>', revision: 0n }, false],
    [{ prefix: none, value: '!=', bytes: bytes('v') }, false],
  ];
  for (const [compare, expected] of table) {
    const { succeeded, results } = await a.transact({
      when: [compare],
      then: [{ get: { key: one } }],
      otherwise: [],
    });
    const text = JSON.stringify(compare, (_, value: unknown) => (typeof value === 'bigint' ? `${value}` : value));
    assert.equal(succeeded, expected, text);
    assert.equal(results.length, expected ? 1 : 0, text);
  }
  // All must hold; none always does.
  const when: Compare[] = [
    { key: one, create: '=', revision: first },
    { key: none, create: '>', revision: 0n },
  ];
  assert.equal((await a.transact({ when, then: [] })).succeeded, false);
};

const transactions: Scenario = async ({ a, prefix }) => {
  const [x, y] = [`${prefix}x`, `${prefix}y`];
  const made = await write(a, put(x, '1'));
  const { succeeded, results, revision } = await a.transact({
    when: [{ key: x, create: '=', revision: 0n }],
    then: [put(x, 'never')],
    otherwise: [
      { get: { prefix } },
      put(y, '2'),
      { get: { prefix } },
      { get: { prefix }, keysOnly: true },
      { delete: { key: x } },
      { get: { prefix } },
    ],
  });
  assert.equal(succeeded, false);
  assert.equal(revision, made + 1n);
  assert.deepEqual(results.map(texts), [[`${x}=1`], [], [`${x}=1`, `${y}=2`], [`${x}=`, `${y}=`], [], [`${y}=2`]]);
  assert.equal(results[2]?.[1]?.modRevision, revision, 'a get sees what was written before it');
  // Nothing but reads changes nothing.
  assert.equal((await a.transact({ when: [], then: [{ get: { prefix } }] })).revision, revision);
};

const refusals: Scenario = async ({ a, prefix }) => {
  const [x, y] = [`${prefix}x`, `${prefix}y`];
  const { revision } = await a.get({ prefix });
  const transact = (then: Operation[], otherwise?: Operation[]): Promise<unknown> =>
    a.transact({ when: [], then, ...(otherwise ? { otherwise } : {}) });
  const many = Array.from({ length: 129 }, (_, index) => put(`${x}${index}`, ''));
  await refused(transact([put(x, '1'), put(x, '2')]), 'invalid');
  await refused(transact([put(x, '1'), { delete: { prefix } }]), 'invalid');
  await refused(transact([], [{ delete: { key: x } }, put(x, '1')]), 'invalid');
  await refused(transact(many), 'invalid');
  await refused(transact([], many), 'invalid');
  const conditions = many.map((): Compare => ({ key: x, create: '=', revision: 0n }));
  await refused(a.transact({ when: conditions, then: [] }), 'invalid');
  await refused(transact([put('', '1')]), 'invalid');
  await refused(transact([{ put: x, value: Buffer.alloc(1_600_000) }]), 'invalid');
  await refused(transact([put(x, '1'), put(y, '1', 4711n)]), 'no-lease');
  await refused(a.get({ key: '' }), 'invalid');
  await refused(a.get({ prefix }, { revision: revision + 1n }), 'invalid');
  // A lease that the other branch would have wanted is none of this one's business.
  await transact([], [put(x, '1', 4711n)]);
  assert.deepEqual(await a.get({ prefix }), { ...(await a.get({ prefix: 'no/such/' })), revision });
  await transact(many.slice(0, 128));
  assert.equal((await a.get({ prefix })).kvs.length, 128);
};

const gets: Scenario = async ({ a, prefix }) => {
  // By bytes, which is not the order of UTF-16.
  const names = ['', 'a', 'a/b', 'ab', 'b', '\u{ff5e}', '\u{1f40b}'];
  const written = await write(a, ...names.toReversed().map((name) => put(prefix + name, name)));
  const of = (kvs: readonly KeyValue[]): string[] => kvs.map(({ key }) => key.slice(prefix.length));
  const all = await a.get({ prefix });
  assert.deepEqual(of(all.kvs), names);
  assert.deepEqual(of((await a.get({ prefix: `${prefix}a` })).kvs), ['a', 'a/b', 'ab']);
  assert.deepEqual(of((await a.get({ key: `${prefix}a` })).kvs), ['a']);
  const some = await a.get({ prefix }, { limit: 3 });
  assert.deepEqual([of(some.kvs), some.more], [names.slice(0, 3), true]);
  assert.equal((await a.get({ prefix }, { limit: 7 })).more, false);
  const keys = await a.get({ prefix }, { keysOnly: true });
  assert.deepEqual(
    keys.kvs,
    all.kvs.map((kv) => ({ ...kv, value: Buffer.alloc(0) })),
  );
  assert.ok((await a.get({ prefix: '' })).kvs.length >= names.length);
  const later = await write(a, put(`${prefix}a`, 'changed'), { delete: { key: `${prefix}b` } });
  const then = await a.get({ prefix }, { revision: written });
  assert.deepEqual(then, { ...all, revision: later }, "as it was; the revision is the store's");
};

const pages: Scenario = async ({ a, prefix }) => {
  const keys = Array.from({ length: 2500 }, (_, index) => `${prefix}${String(index).padStart(4, '0')}`);
  for (let at = 0; at < keys.length; at += 100) await write(a, ...keys.slice(at, at + 100).map((key) => put(key, key)));
  const all = await a.get({ prefix });
  assert.deepEqual(
    texts(all.kvs),
    keys.map((key) => `${key}=${key}`),
  );
  assert.equal(all.more, false);
  for (const limit of [999, 1000, 1001, 2499, 2500, 3000]) {
    const some = await a.get({ prefix }, { limit, keysOnly: true });
    assert.deepEqual(
      some.kvs.map(({ key }) => key),
      keys.slice(0, limit),
    );
    assert.equal(some.more, limit < keys.length);
  }
  await write(a, { delete: { prefix } });
};

const leases: Scenario = async ({ a, b, prefix }) => {
  const [x, y, z] = [`${prefix}x`, `${prefix}y`, `${prefix}z`];
  const lease = await a.grant(60);
  const other = await b.grant(60);
  assert.ok(lease > 0n && other > 0n && lease !== other);
  await write(a, put(x, '1', lease), put(y, '1', lease), put(z, '1', other));
  assert.equal((await b.get({ key: x })).kvs[0]?.lease, lease);
  assert.equal(await b.keepAlive(lease), 60);
  // Written without it, a key is free.
  await write(b, put(y, '2'));
  const { revision } = await a.get({ prefix });
  await b.revoke(lease);
  const after = await a.get({ prefix });
  assert.deepEqual(texts(after.kvs), [`${y}=2`, `${z}=1`]);
  assert.equal(after.revision, revision + 1n);
  assert.equal(await a.keepAlive(lease), 0);
  await a.revoke(lease);
  await refused(write(a, put(x, '2', lease)), 'no-lease');
  // One without keys leaves no revision.
  await a.revoke(await a.grant(60));
  assert.equal((await a.get({ prefix })).revision, revision + 1n);
  await a.revoke(other);
};

const expiry: Scenario = async ({ a, prefix, pass }) => {
  const [short, kept] = [await a.grant(2), await a.grant(2)];
  await write(a, put(`${prefix}1`, '', short), put(`${prefix}2`, '', kept), put(`${prefix}3`, '', short));
  const { revision } = await a.get({ prefix });
  for (let tries = 0; tries < 60 && (await a.get({ key: `${prefix}1` })).kvs.length > 0; tries++) {
    assert.equal(await a.keepAlive(kept), 2);
    await pass(0.5);
  }
  const after = await a.get({ prefix });
  assert.deepEqual(texts(after.kvs), [`${prefix}2=`]);
  assert.equal(after.revision, revision + 1n, 'all keys of a lease go in one revision');
  assert.equal(await a.keepAlive(short), 0);
  await a.revoke(kept);
};

const members: Scenario = async ({ a }) => {
  const before = await a.members();
  const status = await a.status();
  assert.equal(before.length, 1);
  assert.deepEqual([status.member, status.leader], [before[0]?.id, before[0]?.id]);
  assert.match(status.version, /^3\.\d+\.\d+/);
  assert.ok(status.databaseSize > 0n);
  const peerUrls = ['http://192.0.2.77:2380'];
  const added = await a.addMember(peerUrls, { learner: true });
  assert.deepEqual(added, { id: added.id, name: '', peerUrls, clientUrls: [], learner: true });
  assert.deepEqual(
    (await a.members()).find(({ id }) => id === added.id),
    added,
  );
  await refused(a.addMember(peerUrls, { learner: true }), 'invalid');
  await refused(a.promoteMember(added.id), 'unavailable');
  await refused(a.promoteMember(before[0]?.id ?? 0n), 'invalid');
  await refused(a.removeMember(4711n), 'invalid');
  await a.removeMember(added.id);
  assert.deepEqual(await a.members(), before);
};

/** By title. */
export const contract: Readonly<Record<string, Scenario>> = {
  'revisions count what is written': revisions,
  'compares of keys and prefixes': compares,
  'transactions read and write in order': transactions,
  'what is refused changes nothing': refusals,
  'gets: order, limits, earlier revisions': gets,
  'gets: more than one page': pages,
  'leases hold keys': leases,
  'leases end when nobody keeps them': expiry,
  'members come and go': members,
  ...watching,
};

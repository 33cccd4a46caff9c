/** A real etcd, through the client, does what the stand-in does: the same scenarios, and the same at random. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FakeEtcd } from '../../src/cluster/etcd/fake-etcd.ts';
import type { Compare, Etcd, KeyValue, Keys, Operation } from '../../src/cluster/etcd/port.ts';
import { contract } from '../../src/cluster/etcd/testing-contract.ts';
import { createHost } from '../support/host.ts';
import { startMembers, withoutEtcd } from './members.ts';
import { connect } from './remote.ts';

void test('the client and a real etcd', { skip: withoutEtcd }, async (t) => {
  await using host = await createHost();
  await using etcd = await startMembers([{ host, address: '127.0.0.1' }]);
  const options = { endpoints: etcd.endpoints, timeout: 5000 };
  await using a = connect(host, options);
  await using b = connect(host, options);
  for (const [index, [title, scenario]] of Object.entries(contract).entries()) {
    await t.test(title, () =>
      scenario({
        a,
        b,
        prefix: `contract/${index}/`,
        compact: async (revision) => void (await etcd.ctl('compact', `${revision}`)),
        pass: (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000)),
      }),
    );
  }
  await t.test('etcdctl reads what was written, and is read', async () => {
    await a.transact({ when: [], then: [{ put: 'plain/k', value: Buffer.from('of the client') }] });
    assert.equal(await etcd.ctl('get', 'plain/', '--prefix'), 'plain/k\nof the client\n');
    await etcd.ctl('put', 'plain/k', 'of etcdctl');
    assert.equal((await b.get({ key: 'plain/k' })).kvs[0]?.value.toString(), 'of etcdctl');
  });
  await t.test('transactions at random', () => sameAsStandIn(a, b));
  // What is open does not keep its process from ending.
  a.watch({ prefix: '' }, 1n, { events: () => undefined, compacted: () => undefined });
});

const KEYS = ['k', 'k/', 'k/a', 'k/b', 'l'];
const PREFIXES = ['k', 'k/', 'l', 'm'];
const keys: fc.Arbitrary<Keys> = fc.oneof(
  fc.record({ key: fc.constantFrom(...KEYS) }),
  fc.record({ prefix: fc.constantFrom(...PREFIXES) }),
);
const relation = fc.constantFrom('=' as const, '>' as const, '<' as const, '!=' as const);
/** Of revisions: how many before the current one; 0n itself for 'never'. */
const age = fc.option(fc.bigInt(0n, 6n), { nil: undefined });
const value = fc.constantFrom('', 'v', 'w').map((text) => Buffer.from(text));
type Step = (current: bigint, leases: readonly bigint[]) => Operation | Compare;

const compare: fc.Arbitrary<Step> = fc.oneof(
  fc
    .tuple(keys, relation, age)
    .map(([of, create, ago]): Step => (now) => ({ ...of, create, revision: back(now, ago) })),
  fc.tuple(keys, relation, age).map(([of, mod, ago]): Step => (now) => ({ ...of, mod, revision: back(now, ago) })),
  fc
    .tuple(keys, fc.constantFrom('=' as const, '!=' as const), value)
    .map(([of, value, bytes]): Step => () => ({ ...of, value, bytes })),
);
const operation: fc.Arbitrary<Step> = fc.oneof(
  fc
    .tuple(fc.constantFrom(...KEYS), value, fc.nat(2))
    .map(([key, value, lease]): Step => (_, leases) => ({ put: key, value, lease: leases[lease] ?? 0n })),
  keys.map((of): Step => () => ({ delete: of })),
  fc.tuple(keys, fc.boolean()).map(([get, keysOnly]): Step => () => ({ get, keysOnly })),
);
const transaction = fc.record({
  when: fc.array(compare, { maxLength: 2 }),
  then: fc.array(operation, { maxLength: 4 }),
  otherwise: fc.array(operation, { maxLength: 3 }),
});

const back = (now: bigint, ago: bigint | undefined): bigint => (ago === undefined ? 0n : now - ago);

/** Answers with revisions counted from `base`, and leases by their place. */
async function carryOut(
  etcd: Etcd,
  { when, then, otherwise }: { when: Step[]; then: Step[]; otherwise: Step[] },
  base: bigint,
  leases: readonly bigint[],
): Promise<unknown> {
  const { revision } = await etcd.get({ key: 'k' });
  const all = <T>(steps: readonly Step[]): T[] => steps.map((step) => step(revision, leases) as T);
  const plain = ({ key, value, ...kv }: KeyValue): unknown => ({
    key,
    value: value.toString(),
    created: kv.createRevision - base,
    written: kv.modRevision - base,
    lease: leases.indexOf(kv.lease),
  });
  const answer = await etcd
    .transact({ when: all(when), then: all(then), otherwise: all(otherwise) })
    .catch((error: Error & { code?: string }) => error.code);
  if (typeof answer !== 'object') return answer;
  const { succeeded, results } = answer;
  return { succeeded, revision: answer.revision - base, results: results.map((result) => result.map(plain)) };
}

async function sameAsStandIn(real: Etcd, other: Etcd): Promise<void> {
  const run = fc.asyncProperty(fc.array(transaction, { minLength: 1, maxLength: 8 }), async (transactions) => {
    const standIn = new FakeEtcd().client();
    for (const prefix of PREFIXES) await real.transact({ when: [], then: [{ delete: { prefix } }] });
    // So that revisions of before are before for both.
    for (const etcd of [real, standIn]) {
      for (let n = 0; n < 8; n++) await etcd.transact({ when: [], then: [{ put: 'beside', value: Buffer.alloc(0) }] });
    }
    const worlds = await Promise.all(
      [real, standIn].map(async (etcd) => ({
        etcd,
        base: (await etcd.get({ key: 'k' })).revision,
        leases: [0n, await etcd.grant(60), await etcd.grant(60)],
      })),
    );
    for (const one of transactions) {
      const [got, expected] = await Promise.all(
        worlds.map(({ etcd, base, leases }) => carryOut(etcd, one, base, leases)),
      );
      assert.deepEqual(got, expected);
    }
    for (const { etcd, leases } of worlds) await etcd.revoke(leases[1] ?? 0n);
    const [left, expected] = await Promise.all(
      worlds.map(async ({ etcd, leases }) =>
        (await (etcd === real ? other : etcd).get({ prefix: 'k' })).kvs.map(({ key, lease }) => [
          key,
          leases.indexOf(lease),
        ]),
      ),
    );
    assert.deepEqual(left, expected);
  });
  await fc.assert(run, { numRuns: 60 });
}

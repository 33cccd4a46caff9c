import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { ManagedContext } from './context.ts';
import { leaveCluster, removeHost } from './leave.ts';
import { putMembership } from './membership.ts';
import { createTestWorld } from './testing-world.ts';

void test('a member is not taken out by a host that does not know who is well', async () => {
  using world = await createTestWorld();
  const { registry } = world.deps;
  const status = () => ({ ...registry.status(), state: 'connecting' as const });
  const context = new ManagedContext({ ...world.deps, registry: { ...registry, status } });
  await context.connectTo(context.member('rm'));

  await assert.rejects(removeHost(context, 'one'), { kind: 'Unavailable', message: /not in touch with its cluster/ });
  assert.equal(world.etcd.memberList.length, 1);
  await context.exit();
});

void test('a leave that was cut off goes on when it is given again', async () => {
  using world = await createTestWorld();
  const context = new ManagedContext(world.deps);
  putMembership(world.deps.store, { ...context.member('leave'), leaving: true });
  assert.deepEqual(await leaveCluster(context, false), []);
  assert.equal(context.membership, undefined);
  assert.equal(existsSync(world.deps.directory), false);
});

void test('a member that never started has no name yet: it goes by its address', async () => {
  using world = await createTestWorld();
  const [one] = world.etcd.memberList;
  assert.ok(one);
  world.etcd.memberList = [
    one,
    { id: 2n, name: '', peerUrls: ['https://192.0.2.9:2380'], clientUrls: [], learner: true },
  ];
  const context = new ManagedContext(world.deps);
  await context.connectTo(context.member('rm'));
  await assert.rejects(removeHost(context, '192.0.2.8'), { kind: 'NotFound' });
  assert.deepEqual(await removeHost(context, '192.0.2.9'), []);
  assert.deepEqual(world.etcd.memberList, [one]);
  await context.exit();
});

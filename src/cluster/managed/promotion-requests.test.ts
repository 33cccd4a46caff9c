import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import { ManagedContext } from './context.ts';
import { PromotionRequests, askToPromote } from './promotion-requests.ts';
import { createTestWorld } from './testing-world.ts';

void test('a wish is fulfilled, and answered', async () => {
  using world = await createTestWorld();
  const context = new ManagedContext(world.deps);
  await context.enter(context.member('promote'));
  world.hosts.push({ id: 'ff', name: 'a', address: '192.0.2.3', self: true, vxlanPort: 4789, version: '' });
  const requests = new PromotionRequests(context, async () => ['done']);
  assert.deepEqual(await askToPromote(context, 'a'), ['done']);
  requests.close();
  await context.exit();
});

void test('a daemon that ends in the midst of a promotion ends like any other', async () => {
  using world = await createTestWorld();
  const context = new ManagedContext(world.deps);
  await context.enter(context.member('promote'));
  const begun = Promise.withResolvers<void>();
  const over = Promise.withResolvers<string[]>();
  const requests = new PromotionRequests(context, async () => (begun.resolve(), over.promise));
  const value = Buffer.from(JSON.stringify({ state: 'wanted', by: 'b', notes: [] }));
  await world.etcd.client().transact({ when: [], then: [{ put: '/berth/managed/promote/a', value }] });
  await begun.promise;
  requests.close();
  context.disconnect();
  over.reject(new Error('etcd is away'));
  // A rejection that nobody heard would end the daemon, and ends this test.
  await sleep(20);
});

import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import { describe, test } from 'node:test';
import { ManagedContext } from './context.ts';
import { peerUrl } from './etcd-member.ts';
import { putMembership } from './membership.ts';
import { stepBack } from './promote.ts';
import { createTestWorld, ownAddress } from './testing-world.ts';
import type { TestWorld } from './testing-world.ts';

/** A host whose etcd was added, and learns; the wish to vote may be under way. */
async function learner(world: TestWorld): Promise<ManagedContext> {
  const context = new ManagedContext(world.deps);
  const membership = context.member('promote');
  await context.enter(membership);
  const { id } = await context.etcd.addMember([peerUrl(ownAddress)], { learner: true });
  const member = { id: id.toString(16), initialCluster: '', state: 'existing', votes: false } as const;
  putMembership(world.deps.store, { ...membership, member });
  mkdirSync(context.files.data);
  return context;
}

void describe('a promotion that failed', () => {
  void test('is undone while this member only learns', async () => {
    using world = await createTestWorld();
    const context = await learner(world);
    await stepBack(context);
    assert.equal(world.etcd.memberList.length, 1);
    assert.equal(context.membership?.member, undefined);
    assert.equal(existsSync(context.files.data), false);
    await context.exit();
  });

  void test('takes nothing from a member of which nobody says whether it votes by now', async () => {
    using world = await createTestWorld();
    const context = await learner(world);
    world.etcd.memberList = world.etcd.memberList.map((one) => ({ ...one, learner: false }));
    world.etcd.available = false;
    await stepBack(context);
    assert.equal(existsSync(context.files.data), true);
    assert.equal(context.membership?.member?.votes, false);
    await context.exit();
  });
});

import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import fc from 'fast-check';
import * as option from '../drivers/bridge/options.ts';
import { overlaps, parsePrefix } from '../ipam/address.ts';
import type { NetworkRecord } from './records.ts';
import { World, creation, open, request } from './testing-world.ts';

let world = new World();
beforeEach(() => (world = new World()));

void describe('at the same time', () => {
  void test('of two creates with one name one wins', async () => {
    const parts = await world.started();
    const results = await Promise.allSettled(
      Array.from({ length: 5 }, async () => parts.networks.create(creation('n'))),
    );
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
    assert.equal(world.kernel.links.size, 2);
  });

  void test('fifty creates and removes share no subnet, and nothing is left at the end', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(9), { minLength: 50, maxLength: 50 }), async (numbers) => {
        world = new World();
        const parts = await world.started();
        const before = world.snapshot();
        const check = (): void => {
          const subnets = world.store.list<NetworkRecord>('network').flatMap(({ subnets: list }) => list);
          const prefixes = subnets.flatMap(({ subnet }) => parsePrefix(subnet) ?? []);
          for (const [index, one] of prefixes.entries()) {
            assert.ok(!prefixes.slice(0, index).some((other) => overlaps(one, other)));
          }
        };
        await Promise.allSettled(
          numbers.map(async (number, index) => {
            await (index % 3 === 2
              ? parts.networks.remove(`n${number}`)
              : parts.networks.create(creation(`n${number}`)));
            check();
          }),
        );
        await parts.networks.prune(new Map());
        world.published = [];
        for (const name of world.kernel.sysctls.keys()) if (name.includes('/br-')) world.kernel.sysctls.delete(name);
        assert.deepEqual(world.snapshot(), before);
      }),
      { numRuns: 10 },
    );
  });

  void test('nobody connects to, or removes, a network whose rules do not stand yet', async () => {
    const parts = await world.started();
    const { promise: rulesStand, resolve } = Promise.withResolvers<void>();
    const change = world.firewall.change.bind(world.firewall);
    world.firewall.change = async (what) => {
      await rulesStand;
      await change(what);
    };
    const making = parts.networks.create(creation('n'));
    const unknown = { kind: 'NotFound', message: 'network n not found' };
    await assert.rejects(async () => open(parts, request('c', { networkMode: 'n' })), unknown);
    await assert.rejects(async () => parts.networks.remove('n'), unknown);
    assert.deepEqual(await parts.networks.prune(new Map()), { NetworksDeleted: [] });
    resolve();
    await making;
    await open(parts, request('c', { networkMode: 'n' }));
  });

  void test('a bridge’s name is free again only when the bridge is gone', async () => {
    const parts = await world.started();
    const again = creation('n', { Options: { [option.BRIDGE_NAME]: 'mybr' } });
    await parts.networks.create(again);
    const [, { Id }] = await Promise.all([parts.networks.remove('n'), parts.networks.create(again)]);
    assert.equal(world.kernel.links.get('mybr')?.alias, `berth:${Id}`);
    assert.equal(world.record('n').foreignBridge, false);
  });

  void test('a network that a container is about to use is not removed', async () => {
    const parts = await world.started();
    await parts.networks.create(creation('n'));
    const [opened, removed] = await Promise.allSettled([
      open(parts, request('c1', { networkMode: 'n' })),
      parts.networks.remove('n'),
    ]);
    assert.deepEqual([opened.status, removed.status], ['fulfilled', 'rejected']);
  });
});

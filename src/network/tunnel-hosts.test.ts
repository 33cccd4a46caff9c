import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import type { NetworkParts } from './controller.ts';
import { FakeClusterStore } from './fake-cluster.ts';
import { creation, ipam, hostsSettled, open, pool, request, World } from './testing-world.ts';

void describe('the hosts from which packets of tunnels are taken', () => {
  let store = new FakeClusterStore();
  let a = new World(store);
  let b = new World(store);
  let onA: NetworkParts;
  let onB: NetworkParts;
  beforeEach(async () => {
    store = new FakeClusterStore();
    a = new World(store, { name: 'a', address: '192.0.2.1' });
    b = new World(store, { name: 'b', address: '192.0.2.2' });
    [onA, onB] = [await a.started(), await b.started()];
    for (const [name, subnet] of [
      ['wide', '10.9.0.0/24'],
      ['broad', '10.10.0.0/24'],
    ] as const) {
      await onA.networks.create(creation(name, { Driver: 'overlay', IPAM: ipam(pool(subnet)) }));
    }
    await settled();
  });
  const settled = async (): Promise<void> => hostsSettled(store);
  const run = async (parts: NetworkParts, id: string, networkMode = 'wide'): Promise<void> =>
    void (await open(parts, request(id, { networkMode })));
  const hosts = ({ firewall }: World): unknown => firewall.state().hosts;
  const other = { address: '192.0.2.2', port: 4789 };

  void test('those that have a container on one of its networks, as long as they have', async () => {
    await run(onA, 'one');
    await run(onA, 'more', 'broad');
    await settled();
    assert.equal(hosts(a), undefined);
    await run(onB, 'two');
    await run(onB, 'three');
    await run(onB, 'four', 'broad');
    await settled();
    assert.deepEqual([hosts(a), hosts(b)], [[other], [{ ...other, address: '192.0.2.1' }]]);
    for (const id of ['two', 'three']) await onB.sandboxes.close(id);
    await settled();
    assert.deepEqual(hosts(a), [other]);
    await onB.sandboxes.close('four');
    await settled();
    assert.deepEqual([hosts(a), hosts(b)], [undefined, undefined]);
  });

  void test('none for networks that this host left', async () => {
    await run(onA, 'one');
    await run(onB, 'two');
    await settled();
    await onA.sandboxes.close('one');
    await settled();
    assert.deepEqual([hosts(a), hosts(b)], [undefined, undefined]);
  });

  void test('a daemon that starts again has them in its first rules; a firewall that refuses is told again', async () => {
    await run(onA, 'one');
    await run(onB, 'two');
    await settled();
    const again = await a.started();
    assert.deepEqual(hosts(a), undefined, 'its containers are gone, too');
    await run(again, 'one');
    await settled();
    assert.deepEqual(hosts(a), [other]);
    a.firewall.failNext = new Error('ENOMEM');
    await onB.sandboxes.close('two');
    await settled();
    assert.match(a.warnings.join(), /the firewall does not know the hosts of the cluster/);
    await run(onB, 'two', 'broad');
    await run(again, 'more', 'broad');
    await onB.sandboxes.close('two');
    await settled();
    assert.deepEqual(hosts(a), undefined);
  });

  void test('no firewall, no rules', async () => {
    const off = new World(store, { name: 'c', address: '192.0.2.3' });
    const parts = await off.started({ iptables: false });
    await run(onA, 'one');
    await run(parts, 'three');
    await settled();
    assert.equal(hosts(off), undefined);
  });
});

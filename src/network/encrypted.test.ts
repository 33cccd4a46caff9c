import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import type { NetworkParts } from './controller.ts';
import { FakeClusterStore } from './fake-cluster.ts';
import { creation, ipam, hostsSettled, open, pool, request, World } from './testing-world.ts';

const DEVICE = 'wg-berth';
const secret = creation('secret', { Driver: 'overlay', Options: { encrypted: '' }, IPAM: ipam(pool('10.9.0.0/24')) });
const other = creation('other', { Driver: 'overlay', Options: { encrypted: '' }, IPAM: ipam(pool('10.8.0.0/24')) });
const plain = creation('plain', { Driver: 'overlay', IPAM: ipam(pool('10.7.0.0/24')) });
/** Base64 of 32 bytes that begin with 0, …, 0, n: the inner address is fe80::n. */
const key = (n: number): string =>
  Buffer.concat([Buffer.alloc(7), Buffer.from([n]), Buffer.alloc(24, n)]).toString('base64');
const secure = (n: number) => ({ publicKey: key(n), port: 51820 });

void describe('encrypted networks', () => {
  let store = new FakeClusterStore();
  let a: World, b: World, c: World, d: World;
  let onA: NetworkParts, onB: NetworkParts, onC: NetworkParts, onD: NetworkParts;
  beforeEach(async () => {
    store = new FakeClusterStore();
    a = new World(store, { name: 'a', address: '192.0.2.1', secure: secure(1) });
    b = new World(store, { name: 'b', address: '192.0.2.2', secure: secure(2) });
    c = new World(store, { name: 'c', address: '192.0.2.3', secure: secure(3) });
    // Its kernel has no WireGuard.
    d = new World(store, { name: 'd', address: '192.0.2.4' });
    [onA, onB, onC, onD] = [await a.started(), await b.started(), await c.started(), await d.started()];
    await onA.networks.create(secret);
    await store.told();
  });

  const run = async (parts: NetworkParts, id: string, networkMode = 'secret'): Promise<void> =>
    void (await open(parts, request(id, { networkMode })));
  /** Whom the device leads to: '<inner address> at <host>:<port>'. */
  const deviceOf = ({ kernel }: World): string[] | undefined =>
    kernel.wireguards.get(DEVICE)?.peers.map(({ address, host, port }) => `${address} at ${host}:${port}`);
  /** '<addresses> by <where its host is> via <link>' */
  const peersOf = ({ kernel }: World): string[] =>
    [...kernel.tunnels.values()].flatMap(({ plan, peers }) =>
      [...peers.values()].map(({ addresses, host }) => `${addresses.join()} by ${host} via ${plan.link}`),
    );
  const linksOf = ({ kernel }: World): string[] =>
    [...kernel.links.values()].filter(({ kind }) => kind !== 'veth').map(({ kind }) => kind);
  const settled = async (): Promise<void> => hostsSettled(store);

  void test('two hosts: frames leave by WireGuard’s link, which is there as long as somebody is', async () => {
    assert.deepEqual(linksOf(a), ['bridge'], 'nothing is made before somebody comes');
    await run(onA, 'one');
    await run(onB, 'two');
    await settled();
    assert.deepEqual(deviceOf(a), ['fe80::2 at 192.0.2.2:51820']);
    assert.deepEqual(deviceOf(b), ['fe80::1 at 192.0.2.1:51820']);
    assert.deepEqual(
      [peersOf(a), peersOf(b)],
      [['10.9.0.3 by fe80::2 via wg-berth'], ['10.9.0.2 by fe80::1 via wg-berth']],
    );
    assert.deepEqual(a.firewall.state().hosts, [{ address: 'fe80::2', port: 4789 }], 'what is inside comes from there');
    const [tunnel] = a.kernel.tunnels.values();
    const { address, mtu, port, owner } = a.kernel.wireguards.get(DEVICE) ?? assert.fail();
    assert.deepEqual([address, mtu, port, owner], ['fe80::1', 1440, 51820, 'berth:wireguard']);
    assert.deepEqual([tunnel?.plan.local, tunnel?.plan.port, tunnel?.plan.mtu], ['fe80::1', 4789, 1370]);
    assert.deepEqual(
      a.kernel.pairs([...a.kernel.namespaces.keys()][0] ?? '').map((pair) => pair.mtu),
      [1370],
    );

    await onB.sandboxes.close('two');
    await settled();
    assert.deepEqual([deviceOf(a), peersOf(a)], [[], []], 'a host that is alone sends nothing');
    assert.deepEqual(linksOf(b), ['bridge']);
    await onA.sandboxes.close('one');
    await settled();
    assert.deepEqual([linksOf(a), a.kernel.wireguards.size], [['bridge'], 0]);
    assert.deepEqual([a.warnings, b.warnings], [[], []]);
  });

  void test('three hosts, three networks: one device, and only who shares an encrypted network is on it', async () => {
    await onA.networks.create(other);
    await onA.networks.create(plain);
    await store.told();
    await run(onA, 'one');
    await run(onB, 'two');
    await run(onC, 'three', 'other');
    await run(onC, 'four', 'plain');
    await run(onA, 'five', 'plain');
    await settled();
    assert.deepEqual(
      [deviceOf(a), deviceOf(b), deviceOf(c)],
      [['fe80::2 at 192.0.2.2:51820'], ['fe80::1 at 192.0.2.1:51820'], []],
    );
    assert.ok(peersOf(a).includes('10.7.0.2 by 192.0.2.3 via undefined'));

    await run(onA, 'six', 'other');
    await settled();
    assert.deepEqual(deviceOf(a), ['fe80::2 at 192.0.2.2:51820', 'fe80::3 at 192.0.2.3:51820']);
    assert.deepEqual(deviceOf(c), ['fe80::1 at 192.0.2.1:51820']);
    assert.equal(a.kernel.wireguards.size, 1);

    await onA.sandboxes.close('one');
    await settled();
    assert.deepEqual(deviceOf(a), ['fe80::3 at 192.0.2.3:51820'], 'what only the other network needed is gone');
    await onA.sandboxes.close('six');
    await settled();
    assert.deepEqual([deviceOf(a), linksOf(a)], [undefined, ['bridge', 'bridge', 'vxlan']]);
  });

  void test('a host that cannot encrypt neither makes such a network nor takes part, and nothing of it is left', async () => {
    const before = d.snapshot();
    await assert.rejects(async () => onD.networks.create(other), {
      kind: 'Unavailable',
      message: 'cannot create an encrypted network: the kernel has no WireGuard (CONFIG_WIREGUARD)',
    });
    await assert.rejects(async () => run(onD, 'four'), {
      kind: 'Unavailable',
      message: 'cannot use the encrypted network secret on this host: the kernel has no WireGuard (CONFIG_WIREGUARD)',
    });
    await settled();
    assert.deepEqual(d.snapshot(), before);
    assert.equal(store.networks.size, 1);
    await onD.networks.create(plain);
    await run(onD, 'four', 'plain');
  });

  void test('nothing is sent to a host without a key that takes part all the same', async () => {
    await run(onA, 'one');
    await run(onB, 'two');
    await settled();
    const [id, two] =
      [...store.endpoints].find(([, { containerName }]) => containerName === 'name-two') ?? assert.fail();
    // As a host may say whose kernel is another one since.
    store.endpoints.set(id, { ...two, host: { name: 'b', address: '192.0.2.2' } });
    store.changed();
    await settled();
    assert.deepEqual([deviceOf(a), peersOf(a)], [[], []]);
    assert.equal(a.warnings.filter((text) => text.includes('no WireGuard')).length, 1);
    // The containers of others learn nothing wrong: the name is known, its address is silent.
    assert.equal(a.attendant.abroad.size, 1);

    store.endpoints.set(id, {
      ...two,
      host: { name: 'b', address: '192.0.2.22', secure: { publicKey: key(7), port: 7 } },
    });
    store.changed();
    await settled();
    assert.deepEqual([deviceOf(a), peersOf(a)], [['fe80::7 at 192.0.2.22:7'], ['10.9.0.3 by fe80::7 via wg-berth']]);
    assert.equal(a.warnings.length, 1);
  });

  void test('a host that listens on another port since its daemon was started again', async () => {
    await run(onA, 'one');
    await run(onB, 'two');
    await settled();
    for (const [id, placed] of store.endpoints) {
      const { host } = placed;
      if (host.name === 'b')
        store.endpoints.set(id, { ...placed, host: { ...host, secure: { ...secure(2), port: 7 } } });
    }
    store.changed();
    await settled();
    assert.deepEqual([deviceOf(a), peersOf(a)], [['fe80::2 at 192.0.2.2:7'], ['10.9.0.3 by fe80::2 via wg-berth']]);
  });

  void test('a host that says it has this one’s key, or another’s, gets nothing', async () => {
    await run(onA, 'one');
    await run(onB, 'two');
    await run(onC, 'three');
    await settled();
    for (const [id, placed] of store.endpoints) {
      if (placed.host.name === 'c') store.endpoints.set(id, { ...placed, host: { ...placed.host, secure: secure(2) } });
    }
    store.changed();
    await settled();
    assert.deepEqual(deviceOf(a), ['fe80::2 at 192.0.2.2:51820']);
    assert.deepEqual(deviceOf(b), ['fe80::1 at 192.0.2.1:51820']);
    assert.equal(a.warnings.length, 1);
  });

  void test('a daemon that starts again has the same device, also while the cluster store is away', async () => {
    await run(onA, 'one');
    await run(onB, 'two');
    await settled();
    const running = new Map([['one', { pid: 7, name: 'name-one' }]]);
    for (const away of [false, true]) {
      a.kernel.wireguards.clear();
      const again = a.start();
      a.cluster.away = away;
      await again.sandboxes.restore(running, new Map());
      await settled();
      assert.deepEqual(deviceOf(a), ['fe80::2 at 192.0.2.2:51820'], `away: ${away}`);
      assert.deepEqual(linksOf(a).toSorted(), ['bridge', 'bridge', 'vxlan', 'wireguard']);
    }
    a.cluster.away = false;
    const alone = a.start();
    await alone.sandboxes.restore(new Map(), new Map());
    await settled();
    assert.deepEqual(linksOf(a), ['bridge'], 'nobody is left: the device is a leftover');
  });

  void test('the kernel has no WireGuard any more: its containers go on among themselves', async () => {
    await run(onA, 'one');
    await run(onA, 'uno');
    await run(onB, 'two');
    await settled();
    const reborn = new World(store, { name: 'a', address: '192.0.2.1' });
    reborn.store = a.store;
    const running = ['one', 'uno'].map((id, pid) => [id, { pid: pid + 7, name: `name-${id}` }] as const);
    await reborn.start().sandboxes.restore(new Map(running), new Map());
    await settled();
    assert.deepEqual([linksOf(reborn), peersOf(reborn)], [['bridge', 'bridge'], []]);
    const said = reborn.warnings.filter((text) => text.includes('WireGuard'));
    assert.deepEqual(said, [
      'the kernel has no WireGuard (CONFIG_WIREGUARD): containers on encrypted networks reach those of this host only',
    ]);
    assert.deepEqual([deviceOf(b), peersOf(b)], [[], []], 'and the others send them nothing');
    assert.ok(b.warnings.some((text) => text.includes('no WireGuard')));
  });

  void test('a device that somebody deletes, or sets down, is put right, with what was bound to it', async () => {
    onA.watch();
    await run(onA, 'one');
    await run(onB, 'two');
    await settled();
    const [tunnel = ''] = a.kernel.tunnels.keys();
    await a.kernel.linksGone([DEVICE]);
    assert.ok(!a.kernel.links.has(tunnel), 'as in the kernel');
    a.kernel.tell({ kind: 'link-gone', name: tunnel });
    a.kernel.tell({ kind: 'link-gone', name: DEVICE });
    await settled();
    await settled();
    assert.deepEqual(deviceOf(a), ['fe80::2 at 192.0.2.2:51820']);
    assert.deepEqual(peersOf(a), ['10.9.0.3 by fe80::2 via wg-berth']);

    const link = a.kernel.links.get(DEVICE) ?? assert.fail();
    a.kernel.links.set(DEVICE, { ...link, up: false });
    a.kernel.tell({ kind: 'link-changed', name: DEVICE });
    await settled();
    await settled();
    assert.equal(a.kernel.links.get(DEVICE)?.up, true);
  });

  void test('a device that cannot be made: the container does not start, nothing is left, the next try works', async () => {
    const before = a.snapshot();
    a.kernel.failNext = 'ensureWireguard';
    await assert.rejects(async () => run(onA, 'one'), { message: /ensureWireguard failed/ });
    await settled();
    assert.deepEqual([a.snapshot(), store.endpoints.size, linksOf(a)], [before, 0, ['bridge']]);
    a.kernel.failNext = 'ensureTunnel';
    await assert.rejects(async () => run(onA, 'one'), { message: /ensureTunnel failed/ });
    await settled();
    assert.deepEqual([a.snapshot(), a.kernel.wireguards.size], [before, 0]);
    await run(onA, 'one');
    assert.deepEqual(deviceOf(a), []);
  });

  void test('peers that cannot be set are set with the next change', async () => {
    await run(onA, 'one');
    a.kernel.failNext = 'ensureWireguard';
    await run(onB, 'two');
    await settled();
    assert.deepEqual([deviceOf(a), a.warnings], [[], ['encrypted networks do not reach other hosts']]);
    await run(onC, 'three');
    await settled();
    assert.deepEqual(deviceOf(a), ['fe80::2 at 192.0.2.2:51820', 'fe80::3 at 192.0.2.3:51820']);
    assert.deepEqual(peersOf(a), ['10.9.0.3 by fe80::2 via wg-berth', '10.9.0.4 by fe80::3 via wg-berth']);
  });

  void test('whoever comes while the last one’s device is on its way out', async () => {
    for (let round = 0; round < 3; round++) {
      await run(onA, 'one');
      const end = onA.sandboxes.close('one');
      await Promise.all([end, run(onA, `two${round}`)]);
      assert.ok(a.kernel.links.has(DEVICE));
      await onA.sandboxes.close(`two${round}`);
      await settled();
      assert.deepEqual(linksOf(a), ['bridge']);
    }
  });

  void test('an orderly end leaves nothing; somebody else’s link of that name is left alone', async () => {
    await run(onA, 'one');
    await onA.sandboxes.close('one');
    a.kernel.links.set(DEVICE, { name: DEVICE, kind: 'wireguard', master: '', alias: 'mine', up: true });
    await assert.rejects(async () => run(onA, 'two'), { message: /another's/ });
    await settled();
    await onA.shutdown({ keep: false });
    assert.deepEqual([...a.kernel.links.keys()], [DEVICE]);
  });
});

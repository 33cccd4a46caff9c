import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import type { NetworkParts } from './controller.ts';
import { FakeClusterStore } from './fake-cluster.ts';
import { creation, inspect, ipam, names, hostsSettled, open, pool, request, settings, World } from './testing-world.ts';

const wide = creation('wide', { Driver: 'overlay', IPAM: ipam(pool('10.9.0.0/24')) });

void describe('networks that span hosts', () => {
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
    await onA.networks.create(wide);
    await store.told();
  });

  const run = async (parts: NetworkParts, id: string, more: Parameters<typeof request>[1] = {}): Promise<void> =>
    void (await open(parts, request(id, { networkMode: 'wide', ...more })));
  const addressOf = (parts: NetworkParts, id: string): string | undefined =>
    parts.sandboxes.view(id)?.Networks['wide']?.IPAddress;
  /** What this host sends where: '<addresses> by <host>'. */
  const peersOf = ({ kernel }: World): string[] =>
    [...kernel.tunnels.values()].flatMap(({ peers }) =>
      [...peers.values()].map(({ addresses, host }) => `${addresses.join()} by ${host}`),
    );
  const linksOf = ({ kernel }: World): string[] =>
    [...kernel.links.values()].filter(({ kind }) => kind === 'bridge' || kind === 'vxlan').map(({ name }) => name);
  const settled = async (): Promise<void> => hostsSettled(store);

  void test('made on one host, known on all, there where a container is', async () => {
    assert.deepEqual(names(onB, ['driver', ['overlay']]), ['wide']);
    const [view] = onB.networks.list(new Map([['name', ['wide']]]));
    assert.equal(view?.['Scope'], 'global');
    assert.deepEqual(linksOf(a), ['docker0'], 'nothing is made before somebody comes');

    await run(onA, 'one');
    await run(onB, 'two', { portBindings: { '80/tcp': [{ HostIp: '', HostPort: '8080' }] } });
    await settled();
    assert.deepEqual([addressOf(onA, 'one'), addressOf(onB, 'two')], ['10.9.0.2', '10.9.0.3']);
    assert.deepEqual([peersOf(a), peersOf(b)], [['10.9.0.3 by 192.0.2.2'], ['10.9.0.2 by 192.0.2.1']]);
    assert.equal(b.firewall.state().ports.length, 1, 'published on its own host');
    assert.equal(a.firewall.state().ports.length, 0);
    const [own] = [...a.attendant.names.values()];
    assert.deepEqual([own?.endpoints[0]?.names[0], own?.endpoints[0]?.networkName], ['name-one', 'wide']);
    const [other] = [...a.attendant.abroad.values()];
    assert.deepEqual([other?.names[0], other?.networkName, other?.addresses], ['name-two', 'wide', ['10.9.0.3']]);
    const shown = await inspect(onA, 'wide');
    assert.deepEqual(
      Object.values(shown['Containers'] as Record<string, { Name: string; Host: string }>).map((one) => [
        one.Name,
        one.Host,
      ]),
      [
        ['name-one', 'a'],
        ['name-two', 'b'],
      ],
    );
    assert.deepEqual(shown['Peers'], [
      { Name: 'a', IP: '192.0.2.1' },
      { Name: 'b', IP: '192.0.2.2' },
    ]);

    await onB.sandboxes.close('two');
    await settled();
    assert.deepEqual(peersOf(a), []);
    assert.deepEqual([a.attendant.names.size, a.attendant.abroad.size], [1, 0]);
    await onB.shutdown({ keep: false });
    assert.deepEqual(linksOf(b), []);
    assert.deepEqual([b.store.list('peer'), b.cluster.followed.size], [[], 0]);
    await run(onA, 'three');
    assert.equal(addressOf(onA, 'three'), '10.9.0.3', 'its address is free');
  });

  void test('one write for a container that starts, one for its end', async () => {
    const before = store.writes;
    await run(onA, 'one');
    assert.equal(store.writes, before + 1);
    await onA.sandboxes.close('one');
    assert.equal(store.writes, before + 2);
  });

  void test('two hosts that want the same address at once', async () => {
    await run(onA, 'zero');
    await run(onB, 'nil');
    let gate: () => void = () => undefined;
    a.cluster.claimGate = new Promise((resolve) => (gate = resolve));
    const slow = run(onA, 'one');
    await new Promise((resolve) => setImmediate(resolve));
    await run(onB, 'two');
    gate();
    await slow;
    assert.deepEqual([addressOf(onB, 'two'), addressOf(onA, 'one')], ['10.9.0.4', '10.9.0.5']);
    const asked = { wide: settings({ IPAMConfig: { IPv4Address: '10.9.0.4' } }) };
    await assert.rejects(async () => run(onA, 'thief', { endpoints: asked }), {
      kind: 'Forbidden',
      message: 'Address already in use',
    });
    await onB.sandboxes.close('two');
    await settled();
    await run(onA, 'heir', { endpoints: asked });
    assert.equal(addressOf(onA, 'heir'), '10.9.0.4');
  });

  void test('the cluster store is away: what runs goes on, what is new is refused and leaves nothing', async () => {
    await run(onA, 'one');
    const links = linksOf(a);
    a.cluster.away = true;
    await assert.rejects(async () => run(onA, 'two'), { kind: 'Unavailable' });
    await assert.rejects(async () => onA.networks.create(creation('other', { Driver: 'overlay' })), {
      kind: 'Unavailable',
    });
    assert.deepEqual(linksOf(a), links);
    await open(onA, request('local'));
    assert.equal(Object.keys((await inspect(onA, 'wide'))['Containers'] as object).length, 1);
    await onA.sandboxes.close('one');
    assert.equal(store.endpoints.size, 1);
    a.cluster.away = false;
    await settled();
    assert.equal(store.endpoints.size, 0, 'the release was made up for');
    await run(onA, 'two');
    assert.equal(addressOf(onA, 'two'), '10.9.0.2');
  });

  void test('away from a host that has nobody on the network', async () => {
    const before = a.snapshot();
    a.cluster.away = true;
    await assert.rejects(async () => run(onA, 'two'), { kind: 'Unavailable' });
    await settled();
    assert.deepEqual(a.snapshot(), before);
    a.cluster.away = false;
    await run(onA, 'two');
  });

  void test('a daemon that starts again knows its peers, with and without the cluster store', async () => {
    await run(onA, 'one');
    await run(onB, 'two');
    await settled();
    const running = new Map([['one', { pid: 7, name: 'renamed' }]]);
    for (const away of [false, true]) {
      a.attendant.names.clear();
      a.attendant.abroad.clear();
      if (!away) {
        a.kernel.tunnels.clear();
        a.kernel.links.delete([...a.kernel.links.keys()].find((name) => name.startsWith('vx-')) ?? '');
      }
      const again = a.start();
      a.cluster.away = away;
      await again.sandboxes.restore(running, new Map());
      await settled();
      assert.deepEqual(peersOf(a), ['10.9.0.3 by 192.0.2.2'], `away: ${away}`);
      assert.deepEqual([a.attendant.names.size, a.attendant.abroad.size], [1, 1]);
      if (!away) {
        assert.deepEqual(
          [...store.endpoints.values()].map(({ containerName, host }) => `${containerName} ${host.name}`).toSorted(),
          ['name-two b', 'renamed a'],
        );
      }
    }
    // Gone meanwhile.
    await onB.sandboxes.close('two');
    a.cluster.away = false;
    await settled();
    assert.deepEqual([peersOf(a), a.store.list('peer')], [[], []]);
  });

  void test('a daemon starts without the process that answers names', async () => {
    await run(onA, 'one');
    await run(onB, 'two');
    await settled();
    a.attendant.failNext = 'changeElsewhere';
    const again = a.start();
    await again.sandboxes.restore(new Map([['one', { pid: 7, name: 'one' }]]), new Map());
    assert.ok(a.warnings.includes('names of containers on other hosts are not all known'));
    await run(again, 'three');
  });

  void test('a network that was removed while its daemon was down', async () => {
    await onA.networks.create(creation('broad', { Driver: 'overlay', IPAM: ipam(pool('10.10.0.0/24')) }));
    await run(onA, 'one');
    await onA.sandboxes.connect('one', 'broad', settings({}));
    const { id } = a.record('broad');
    for (const endpoint of store.endpoints.values()) if (endpoint.networkId === id) store.endpoints.delete(endpoint.id);
    store.networks.delete(id);
    const again = a.start();
    await again.sandboxes.restore(new Map([['one', { pid: 7, name: 'one' }]]), new Map());
    await settled();
    await settled();
    assert.deepEqual(names(again, ['driver', ['overlay']]), ['wide']);
    assert.equal(again.sandboxes.view('one')?.Networks['broad'], undefined);
    assert.deepEqual(
      [linksOf(a).length, a.kernel.tunnels.size],
      [3, 1],
      'docker0, and the bridge and the tunnel of wide',
    );
  });

  void test('a network that is removed and comes back, with a store that was restored, stays', async () => {
    await run(onA, 'one');
    const [[id, network] = ['', undefined]] = store.networks;
    assert.ok(network);
    store.networks.delete(id);
    await settled();
    store.networks.set(id, { ...network });
    await settled();
    await onA.sandboxes.close('one');
    await settled();
    assert.deepEqual(names(onA, ['driver', ['overlay']]), ['wide']);
    await run(onA, 'two');
  });

  void test('hundreds that come or go at once are set in turns', async () => {
    await onA.networks.create(creation('huge', { Driver: 'overlay', IPAM: ipam(pool('10.8.0.0/16')) }));
    await store.told();
    await open(onA, request('one', { networkMode: 'huge' }));
    await open(onB, request('two', { networkMode: 'huge' }));
    await settled();
    const [theirs] = [...store.endpoints.values()].filter(({ host }) => host.name === 'b');
    assert.ok(theirs);
    const before = a.kernel.sets;
    const numbers = Array.from({ length: 600 }, (_, index) => index);
    const idOf = (number: number): string => (number + 0x1000).toString(16).padStart(64, '0');
    for (const number of numbers) {
      const [high, low] = [number >> 8, number & 255];
      const mac = `02:00:00:00:${[high, low].map((byte) => byte.toString(16).padStart(2, '0')).join(':')}`;
      store.endpoints.set(idOf(number), {
        ...theirs,
        id: idOf(number),
        mac,
        addresses: [`10.8.${1 + high}.${low}/16`],
      });
    }
    store.changed();
    await settled();
    assert.deepEqual([peersOf(a).length, a.kernel.sets], [601, before + 1]);
    for (const number of numbers) store.endpoints.delete(idOf(number));
    store.changed();
    await settled();
    assert.deepEqual([peersOf(a).length, a.kernel.sets], [1, before + 2]);
  });

  void test('addresses that no container can have are not taken from another host', async () => {
    await run(onA, 'one');
    await run(onB, 'two');
    await settled();
    const [theirs] = [...store.endpoints.values()].filter(({ host }) => host.name === 'b');
    assert.ok(theirs);
    for (const [index, address] of ['10.9.0.1/24', '198.51.100.7/24', 'fd00::7/64'].entries()) {
      const id = String(index).padStart(64, 'e');
      store.endpoints.set(id, { ...theirs, id, mac: `02:00:00:00:00:0${index}`, addresses: [address] });
    }
    store.changed();
    await settled();
    assert.deepEqual(peersOf(a), ['10.9.0.3 by 192.0.2.2']);
    assert.equal(a.attendant.abroad.size, 1);
    assert.equal(a.warnings.length, 3);
  });

  void test('an endpoint elsewhere that has another address gives up the one before', async () => {
    await run(onA, 'one');
    await run(onB, 'two');
    await settled();
    const [theirs] = [...store.endpoints.values()].filter(({ host }) => host.name === 'b');
    assert.ok(theirs);
    store.endpoints.set(theirs.id, { ...theirs, addresses: ['10.9.0.77/24'] });
    await settled();
    assert.deepEqual(peersOf(a), ['10.9.0.77 by 192.0.2.2']);
    await run(onA, 'three', { endpoints: { wide: settings({ IPAMConfig: { IPv4Address: '10.9.0.3' } }) } });
    await assert.rejects(
      async () => run(onA, 'four', { endpoints: { wide: settings({ IPAMConfig: { IPv4Address: '10.9.0.77' } }) } }),
      { message: 'Address already in use' },
    );
  });

  void test('a tunnel that cannot be made again keeps the daemon from nothing else', async () => {
    await run(onA, 'one');
    a.kernel.links.delete(linksOf(a).find((name) => name.startsWith('vx-')) ?? '');
    a.kernel.failNext = 'ensureTunnel';
    const again = a.start();
    await again.sandboxes.restore(new Map([['one', { pid: 7, name: 'one' }]]), new Map());
    assert.ok(a.warnings.includes('a network could not be made again'));
    await open(again, request('local'));
  });

  void test('what is lost in a partition is taken off the network', async () => {
    await run(onA, 'one');
    a.cluster.away = true;
    a.cluster.expire();
    await run(onB, 'two');
    assert.equal(addressOf(onB, 'two'), '10.9.0.2');
    a.cluster.away = false;
    await settled();
    assert.equal(addressOf(onA, 'one'), undefined);
    assert.deepEqual(linksOf(a), ['docker0']);
    assert.ok(a.warnings.some((text) => text.includes('taken off')));
    assert.ok(a.events.includes('network disconnect wide overlay one'));
    await onA.sandboxes.connect('one', 'wide', settings({}));
    assert.equal(addressOf(onA, 'one'), '10.9.0.3');
  });

  void test('what is lost while a connect fails does not come back', async () => {
    await onA.networks.create(creation('broad', { Driver: 'overlay', IPAM: ipam(pool('10.10.0.0/24')) }));
    await run(onA, 'one');
    const { attendant } = a;
    const put = attendant.putNames.bind(attendant);
    attendant.putNames = async () => {
      attendant.putNames = put;
      a.cluster.away = true;
      a.cluster.expire();
      await run(onB, 'two');
      a.cluster.away = false;
      await settled();
      throw new Error('no names');
    };
    await assert.rejects(async () => onA.sandboxes.connect('one', 'broad', settings({})), { message: 'no names' });
    await settled();
    assert.deepEqual([addressOf(onA, 'one'), addressOf(onB, 'two')], [undefined, '10.9.0.2']);
    assert.deepEqual([linksOf(a), store.endpoints.size], [['docker0'], 1]);
  });

  void test("what was lost to another host is known to be that one's", async () => {
    await run(onA, 'stays');
    await run(onA, 'one');
    a.cluster.away = true;
    a.cluster.expire();
    await run(onB, 'nil');
    await run(onB, 'two');
    assert.equal(addressOf(onB, 'two'), '10.9.0.3');
    await run(onB, 'other');
    await onB.sandboxes.close('nil');
    a.cluster.away = false;
    await settled();
    assert.equal(addressOf(onA, 'one'), undefined);
    const before = a.cluster.claims;
    await run(onA, 'next');
    assert.equal(a.cluster.claims, before + 1, 'no address is tried that is known to be taken');
  });

  void test('a host that has left its cluster keeps nothing of its networks', async () => {
    await run(onA, 'one');
    await run(onA, 'two');
    await run(onB, 'other');
    await settled();
    a.cluster.member = false;
    await onA.sandboxes.disconnect('two', 'wide', { force: true });
    assert.equal(linksOf(a).length, 3, 'one goes on');
    await onA.sandboxes.close('one');
    await settled();
    assert.deepEqual(linksOf(a), ['docker0']);
    assert.deepEqual(
      [a.firewall.state().networks.map(({ bridge }) => bridge), a.attendant.abroad.size],
      [['docker0'], 0],
    );
  });

  void test('a subnet that this host has already', async () => {
    await onB.networks.create(creation('mine', { IPAM: ipam(pool('10.8.0.0/16')) }));
    await onA.networks.create(creation('deep', { Driver: 'overlay', IPAM: ipam(pool('10.8.1.0/24')) }));
    await store.told();
    const before = b.snapshot();
    await assert.rejects(async () => open(onB, request('two', { networkMode: 'deep' })), {
      kind: 'Forbidden',
      message: 'network deep cannot be used on this host: its subnet 10.8.1.0/24 overlaps with network mine',
    });
    assert.deepEqual(b.snapshot(), before);
    await open(onA, request('one', { networkMode: 'deep' }));
    // Who knows it refuses it from the beginning.
    await assert.rejects(async () => onB.networks.create(creation('clash', { IPAM: ipam(pool('10.9.0.0/16')) })), {
      message: /overlaps 10.9.0.0\/24 of network wide/,
    });
  });

  void test('options that this host does not understand, of a network that another one made', async () => {
    const [network] = [...store.networks.values()];
    assert.ok(network);
    network.options = { 'com.docker.network.driver.mtu': 'much' };
    await store.told();
    const before = b.snapshot();
    await assert.rejects(async () => run(onB, 'two'), { kind: 'InvalidParameter', message: /driver\.mtu/ });
    assert.deepEqual(b.snapshot(), before);
  });

  void test('options of bridges mean nothing on it, as in Docker', async () => {
    const mode = { 'com.docker.network.bridge.gateway_mode_ipv4': 'routed' };
    await onA.networks.create(creation('odd', { Driver: 'overlay', Options: mode }));
    await run(onA, 'one', { networkMode: 'odd', portBindings: { '80/tcp': [{ HostIp: '', HostPort: '8080' }] } });
    const { networks, ports } = a.firewall.state();
    assert.deepEqual(
      ports.map(({ hostPort }) => hostPort),
      [8080],
    );
    assert.equal(networks.find(({ bridge }) => bridge !== 'docker0')?.mode, 'nat');
  });

  void test('a network of this host alone, made while one of all hosts comes', async () => {
    const coming = onB.networks.create(creation('both', { Driver: 'overlay', IPAM: ipam(pool('10.7.0.0/24')) }));
    await assert.rejects(async () => onB.networks.create(creation('both')), {
      kind: 'Conflict',
      message: 'network with name both already exists',
    });
    await assert.rejects(async () => onB.networks.create(creation('near', { IPAM: ipam(pool('10.7.0.0/16')) })), {
      kind: 'Forbidden',
      message: /network both/,
    });
    await coming;
    await store.told();
    assert.deepEqual(names(onB, ['name', ['both']]), ['both']);
  });

  void test('refusals of create', async () => {
    const create = async (more: Parameters<typeof creation>[1]): Promise<unknown> =>
      onB.networks.create(creation('x', { Driver: 'overlay', ...more }));
    await assert.rejects(async () => onB.networks.create(wide), { kind: 'Conflict' });
    await assert.rejects(async () => create({ IPAM: ipam(pool('10.9.0.0/25')) }), { kind: 'Forbidden' });
    await assert.rejects(async () => create({ Scope: 'local' }), { kind: 'InvalidParameter' });
    const list = 'com.docker.network.driver.overlay.vxlanid_list';
    await assert.rejects(async () => create({ Options: { [list]: '4097' } }), {
      kind: 'Conflict',
      message: 'VXLAN identifier 4097 is in use by network wide',
    });
    b.cluster.member = false;
    await assert.rejects(async () => create({}), {
      kind: 'Unavailable',
      message: /--cluster-store.*berth cluster init/,
    });
    b.cluster.member = true;
    await create({ Options: { [list]: '300' } });
    assert.deepEqual([b.record('x').vni, b.record('x').subnets[0]?.subnet], [300, '10.0.0.0/24']);
  });

  void test('removed when nobody is on it, on no host', async () => {
    await run(onB, 'two');
    await assert.rejects(async () => onA.networks.remove('wide'), { kind: 'Forbidden', message: /name-two/ });
    assert.deepEqual(await onA.networks.prune(new Map()), { NetworksDeleted: [] });
    await onB.sandboxes.close('two');
    await settled();
    await onA.networks.remove('wide');
    await settled();
    assert.deepEqual([names(onA, ['driver', ['overlay']]), names(onB, ['driver', ['overlay']])], [[], []]);
  });

  void test('connect, rename and disconnect are seen by the others', async () => {
    await run(onB, 'two');
    await open(onA, request('one', { networkMode: 'bridge' }));
    await onA.sandboxes.connect('one', 'wide', settings({ Aliases: ['web'] }));
    await settled();
    const seen = (): (readonly string[] | undefined)[] => [...b.attendant.abroad.values()].map((one) => one.names);
    assert.deepEqual(seen(), [['name-one', 'web', 'one']]);
    await onA.sandboxes.rename('one', 'other');
    await settled();
    assert.deepEqual(seen(), [['other', 'web', 'one']]);
    assert.deepEqual(peersOf(b), ['10.9.0.3 by 192.0.2.1']);
    await onA.sandboxes.disconnect('one', 'wide', { force: false });
    await settled();
    assert.deepEqual([seen(), peersOf(b), linksOf(a)], [[], [], ['docker0']]);
    a.kernel.failNext = 'addInterface';
    await assert.rejects(async () => onA.sandboxes.connect('one', 'wide', settings({})), { message: /failed/ });
    await settled();
    assert.deepEqual([store.endpoints.size, linksOf(a)], [1, ['docker0']]);
  });

  void test('a tunnel that somebody deletes is made again, with its peers', async () => {
    onA.watch();
    await run(onA, 'one');
    await run(onB, 'two');
    await settled();
    const tunnel = linksOf(a).find((name) => name.startsWith('vx-')) ?? '';
    a.kernel.links.delete(tunnel);
    a.kernel.tunnels.clear();
    a.kernel.tell({ kind: 'link-gone', name: tunnel });
    await settled();
    await settled();
    assert.ok(linksOf(a).includes(tunnel));
    assert.deepEqual(peersOf(a), ['10.9.0.3 by 192.0.2.2']);
  });
});

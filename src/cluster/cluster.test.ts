/** Hosts on one fake etcd, with a clock by hand: what they are told and what the store has, also when things go wrong. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { EtcdError } from './etcd/error.ts';
import { FakeEtcd } from './etcd/fake-etcd.ts';
import { TestClock, settled } from './testing-clock.ts';
import { Listener, TestHost, endpoint, hex, network, settingsOf } from './testing-hosts.ts';
import type { ClusterSettings } from './deps.ts';

/** Unhandled rejections fail the test; so does a host that logs what it should not. */
class World {
  readonly etcd = new FakeEtcd();
  readonly clock = new TestClock(this.etcd);
  readonly hosts: TestHost[] = [];

  async host(name: string, more: Partial<ClusterSettings> = {}): Promise<TestHost> {
    const host = this.start(name, more);
    await this.clock.advance(100);
    return host;
  }

  start(name: string, more: Partial<ClusterSettings> = {}, begins = {}): TestHost {
    const host = new TestHost(this.etcd, this.clock, name, begins);
    this.hosts.push(host);
    void host.control.join(settingsOf(name, more));
    host.cluster.begin(host.listener, []);
    return host;
  }

  keys(prefix = '/berth/'): string[] {
    return this.etcd.store.range({ prefix }).map(({ key }) => key.slice('/berth/'.length).replace(/0{20,}/g, ''));
  }

  writes(): number {
    return Number(this.etcd.store.revision);
  }
}

const rejects = (promise: Promise<unknown>, kind: string, message: RegExp): Promise<void> =>
  assert.rejects(promise, { name: 'BerthError', kind, message });

void describe('a cluster on etcd', () => {
  void test('hosts see each other, networks, and endpoints of the networks that they follow', async () => {
    const world = new World();
    const [a, b, c] = [await world.host('a'), await world.host('b'), await world.host('c')];
    await a.cluster.createNetwork(() => network(1));
    await a.cluster.follow(hex(1));
    await b.cluster.follow(hex(1));
    assert.deepEqual(await a.cluster.claim(endpoint(1, 1, 2)), []);
    assert.deepEqual(await b.cluster.claim(endpoint(2, 1, 3)), []);
    await a.cluster.rename(endpoint(1, 1, 2, { containerName: 'c9', names: ['c9'] }));
    await b.cluster.release(hex(2));
    assert.deepEqual(a.listener.log, ['network+ net1', 'peers 1 whole', 'peers 1 +c2@b', 'peers 1 -c2@b']);
    assert.deepEqual(b.listener.log, ['network+ net1', 'peers 1 whole', 'peers 1 +c1@a', 'peers 1 +c9@a']);
    assert.deepEqual(c.listener.log, ['network+ net1']);
    assert.deepEqual(
      c.cluster.hosts().map(({ name, address }) => `${name} ${address}`),
      ['c 192.0.2.3', 'a 192.0.2.1', 'b 192.0.2.2'],
    );
    assert.deepEqual(
      (await c.cluster.endpoints(hex(1))).map(({ containerName, host }) => `${containerName} ${host.name}`),
      ['c9 a'],
    );
    assert.deepEqual(world.keys().slice(0, 1), ['endpoints/1/10.0.1.2']);
    assert.deepEqual(a.cluster.underlay(), { address: '192.0.2.1', port: 4789, mtu: 1500 });
  });

  void test('whoever follows later is told the whole; who follows no more is told nothing', async () => {
    const world = new World();
    const [a, b] = [await world.host('a'), await world.host('b')];
    await a.cluster.createNetwork(() => network(1));
    await a.cluster.claim(endpoint(1, 1, 2));
    await b.cluster.follow(hex(1));
    await b.cluster.follow(hex(1));
    b.cluster.unfollow(hex(1));
    await a.cluster.claim(endpoint(2, 1, 3));
    assert.deepEqual(b.listener.log, ['network+ net1', 'peers 1 whole +c1@a']);
  });

  void test('an address is one endpoint’s; of two families both or none', async () => {
    const world = new World();
    const [a, b] = [await world.host('a'), await world.host('b')];
    await a.cluster.createNetwork(() => network(1));
    const both = (id: number, last4: number, last6: number) =>
      endpoint(id, 1, last4, { addresses: [`10.0.1.${last4}/24`, `fd00::${last6}/64`] });
    assert.deepEqual(await a.cluster.claim(both(1, 2, 2)), []);
    const before = world.writes();
    assert.deepEqual(await b.cluster.claim(both(2, 3, 2)), ['fd00::2/64']);
    assert.deepEqual(await b.cluster.claim(both(2, 2, 3)), ['10.0.1.2/24']);
    assert.deepEqual(await b.cluster.claim(both(2, 2, 2)), ['10.0.1.2/24', 'fd00::2/64']);
    assert.equal(world.writes(), before, 'nothing was written');
    assert.deepEqual(await a.cluster.claim(both(3, 2, 9)), ['10.0.1.2/24'], 'not on the same host either');
    assert.deepEqual(await a.cluster.claim(both(1, 2, 2)), [], 'its own');
    await a.cluster.release(hex(1));
    assert.deepEqual(world.keys('/berth/endpoints'), []);
    assert.deepEqual(await b.cluster.claim(both(2, 2, 2)), []);
    await b.cluster.follow(hex(1));
    assert.deepEqual(
      (await a.cluster.endpoints(hex(1))).map(({ id }) => id),
      [hex(2)],
    );
  });

  void test('a claim is one write, and so is a release', async () => {
    const world = new World();
    const a = await world.host('a');
    await a.cluster.createNetwork(() => network(1));
    await a.cluster.follow(hex(1));
    const before = world.writes();
    await a.cluster.claim(endpoint(1, 1, 2, { addresses: ['10.0.1.2/24', 'fd00::2/64'] }));
    assert.equal(world.writes(), before + 1);
    await a.cluster.release(hex(1));
    assert.equal(world.writes(), before + 2);
    await a.cluster.release(hex(1));
    await world.clock.advance(20_000);
    assert.equal(world.writes(), before + 2, 'and time costs none');
  });

  void test('networks made at the same moment are planned one after the other', async () => {
    const world = new World();
    const hosts = [await world.host('a'), await world.host('b'), await world.host('c')];
    let plans = 0;
    const made = await Promise.all(
      hosts.map(async ({ cluster }, i) =>
        cluster.createNetwork((others) => {
          plans++;
          const vni = 4097 + others.length;
          return network(i + 1, { vni });
        }),
      ),
    );
    assert.deepEqual(new Set(made.map(({ vni }) => vni)), new Set([4097, 4098, 4099]));
    assert.ok(plans >= 5, `${plans} plans`);
    await settled();
    for (const { listener } of hosts) assert.equal(listener.networks.size, 3);
    await assert.rejects(
      hosts[0]!.cluster.createNetwork(() => {
        throw new Error('no room');
      }),
      /no room/,
    );
    await rejects(
      hosts[0]!.cluster.createNetwork(() => network(9, { bridge: 'docker0' })),
      'InvalidParameter',
      /bridge/,
    );
  });

  void test('a network with an endpoint stays, and one that was removed takes none', async () => {
    const world = new World();
    const [a, b] = [await world.host('a'), await world.host('b')];
    await a.cluster.createNetwork(() => network(1));
    await b.cluster.claim(endpoint(2, 1, 3));
    await rejects(
      a.cluster.removeNetwork(hex(1)),
      'Forbidden',
      /^error while removing network: network net1 has active endpoints \(name:"c2" id:"000000000000" host:"b"\)$/,
    );
    await b.cluster.release(hex(2));
    await a.cluster.removeNetwork(hex(1));
    assert.deepEqual(a.listener.log, ['network+ net1', 'network- net1']);
    await rejects(b.cluster.claim(endpoint(2, 1, 3)), 'NotFound', /not found/);
    await rejects(b.cluster.removeNetwork(hex(1)), 'NotFound', /not found/);
    assert.equal(b.control.status().endpoints.own, 0);
  });
});

void describe('the store is away', () => {
  void test('what is known is answered, what needs it fails in time, and a release is done later', async () => {
    const world = new World();
    const [a, b] = [await world.host('a'), await world.host('b')];
    await a.cluster.createNetwork(() => network(1));
    await a.cluster.follow(hex(1));
    await a.cluster.claim(endpoint(1, 1, 2));
    await a.cluster.claim(endpoint(4, 1, 5));
    await b.cluster.claim(endpoint(2, 1, 3));
    a.away = true;
    await world.clock.advance(4000);
    assert.equal(a.control.status().state, 'away');
    assert.equal((await a.cluster.endpoints(hex(1))).length, 3);
    const failing = [
      a.cluster.claim(endpoint(3, 1, 4)),
      a.cluster.createNetwork(() => network(2)),
      a.cluster.removeNetwork(hex(1)),
      a.cluster.rename(endpoint(4, 1, 5, { containerName: 'x', names: ['x'] })),
    ].map((promise) =>
      rejects(
        promise,
        'Unavailable',
        /^the cluster store \(http:\/\/192\.0\.2\.100:2379\) has not answered for \d+ s: etcd does not answer$/,
      ),
    );
    await a.cluster.release(hex(1));
    const following = rejects(a.cluster.follow(hex(9)), 'Unavailable', /has not answered/);
    await world.clock.advance(5000);
    await Promise.all([...failing, following]);
    assert.deepEqual(world.keys('/berth/endpoints'), [
      'endpoints/1/10.0.1.2',
      'endpoints/1/10.0.1.3',
      'endpoints/1/10.0.1.5',
    ]);
    a.away = false;
    await world.clock.advance(1000);
    assert.deepEqual(world.keys('/berth/endpoints'), ['endpoints/1/10.0.1.3', 'endpoints/1/10.0.1.5']);
    assert.equal(a.control.status().state, 'joined');
    assert.deepEqual(a.listener.log.slice(1), ['peers 1 whole', 'peers 1 +c2@b', 'peers 9 whole']);
    assert.deepEqual(a.warnings, ['the cluster store does not answer {"error":"etcd does not answer"}']);
  });

  void test('a host that is away for longer than its lease is gone for the others, and comes back with all it has', async () => {
    const world = new World();
    const [a, b] = [await world.host('a'), await world.host('b')];
    await a.cluster.createNetwork(() => network(1));
    for (const { cluster } of [a, b]) await cluster.follow(hex(1));
    await a.cluster.claim(endpoint(1, 1, 2));
    await a.cluster.claim(endpoint(3, 1, 4));
    a.away = true;
    await world.clock.advance(15_000);
    assert.deepEqual(b.listener.log.slice(-1), ['peers 1 -c1@a -c3@a']);
    assert.deepEqual(
      b.cluster.hosts().map(({ name }) => name),
      ['b'],
    );
    assert.deepEqual(await b.cluster.claim(endpoint(2, 1, 2)), []);
    a.away = false;
    await world.clock.advance(1000);
    assert.deepEqual(
      a.listener.lost.map(({ id, reason }) => [id, reason]),
      [[hex(1), "10.0.1.2/24 is another host's now"]],
    );
    assert.deepEqual(b.listener.log.slice(-1), ['peers 1 +c3@a']);
    assert.deepEqual(a.listener.log.slice(2), ['peers 1 +c2@b', "lost c1 10.0.1.2/24 is another host's now"]);
    assert.equal(b.cluster.hosts().length, 2);
  });

  void test('its network was removed meanwhile', async () => {
    const world = new World();
    const [a, b] = [await world.host('a'), await world.host('b')];
    await a.cluster.createNetwork(() => network(1));
    await a.cluster.follow(hex(1));
    await a.cluster.claim(endpoint(1, 1, 2));
    a.away = true;
    await world.clock.advance(15_000);
    await b.cluster.removeNetwork(hex(1));
    a.away = false;
    await world.clock.advance(1000);
    assert.deepEqual(a.listener.log.slice(-2), ['lost c1 its network was removed', 'network- net1']);
    assert.deepEqual(world.keys('/berth/endpoints'), []);
  });

  void test('begin() does not wait for it; what was before is settled when it comes', async () => {
    const world = new World();
    const b = await world.host('b');
    await b.cluster.createNetwork(() => network(1));
    await b.cluster.createNetwork(() => network(2));
    const a = new TestHost(world.etcd, world.clock, 'a');
    world.etcd.available = false;
    void a.control.join(settingsOf('a'));
    for (const one of [network(1), network(3)]) a.listener.networks.set(one.id, one);
    a.cluster.begin(a.listener, [endpoint(1, 1, 2), endpoint(3, 3, 2)], [network(1), network(3)]);
    const following = a.cluster.follow(hex(1)).catch(() => undefined);
    await world.clock.advance(6000);
    await following;
    assert.deepEqual(a.listener.log, []);
    assert.equal(a.control.status().state, 'connecting');
    assert.match(a.control.status().reason, /has not answered for 6 s/);
    world.etcd.available = true;
    await world.clock.advance(1000);
    assert.deepEqual(a.listener.log, [
      'lost c3 its network was removed',
      'network+ net2',
      'peers 1 whole',
      'network- net3',
    ]);
    assert.deepEqual(world.keys('/berth/endpoints'), ['endpoints/1/10.0.1.2']);
  });

  void test('an answer that is lost: what was done is found, or undone', async () => {
    const world = new World();
    const a = await world.host('a');
    const client = a.etcd!;
    const inTime = async <T>(promise: Promise<T>): Promise<T> => {
      await world.clock.advance(1000);
      return promise;
    };
    client.loseAnswers = 1;
    assert.equal((await inTime(a.cluster.createNetwork(() => network(1)))).id, hex(1));
    client.loseAnswers = 1;
    assert.deepEqual(await inTime(a.cluster.claim(endpoint(1, 1, 2))), []);
    client.loseAnswers = 1;
    await inTime(a.cluster.rename(endpoint(1, 1, 2, { containerName: 'x', names: ['x'] })));
    assert.match(String(world.etcd.store.range({ prefix: '/berth/endpoints' })[0]?.value), /"names":\["x"\]/);
    client.loseAnswers = 1;
    await inTime(a.cluster.release(hex(1)));
    assert.deepEqual(world.keys('/berth/endpoints'), []);
    client.loseAnswers = 1;
    await inTime(a.cluster.removeNetwork(hex(1)));
    assert.deepEqual(a.listener.log, ['network+ net1', 'network- net1']);

    await inTime(a.cluster.createNetwork(() => network(2)));
    client.loseAnswers = 1000;
    const failed = rejects(a.cluster.claim(endpoint(2, 2, 2)), 'Unavailable', /did not answer in time/);
    await world.clock.advance(5000);
    await failed;
    client.loseAnswers = 0;
    await world.clock.advance(5000);
    assert.deepEqual(world.keys('/berth/endpoints'), [], 'what the caller does not have the store does not have');
  });

  void test('an answer that comes when the caller has given up: what was done is undone', async () => {
    const world = new World();
    const a = await world.host('a');
    await a.cluster.createNetwork(() => network(1));
    await a.cluster.claim(endpoint(1, 1, 2));
    const client = a.etcd!;
    const answer = client.transact.bind(client);
    const { promise: late, resolve: arrives } = Promise.withResolvers<void>();
    client.transact = async (transaction) => late.then(async () => answer(transaction));
    const renamed = endpoint(1, 1, 2, { containerName: 'x', names: ['x'] });
    const failed = [
      rejects(a.cluster.claim(endpoint(2, 1, 3)), 'Unavailable', /cluster store/),
      rejects(a.cluster.rename(renamed), 'Unavailable', /cluster store/),
    ];
    await world.clock.advance(5000);
    await Promise.all(failed);
    client.transact = answer;
    arrives();
    await world.clock.advance(5000);
    assert.deepEqual(world.keys('/berth/endpoints'), ['endpoints/1/10.0.1.2']);
    assert.match(String(world.etcd.store.range({ prefix: '/berth/endpoints' })[0]?.value), /"containerName":"c1"/);
    assert.deepEqual(a.control.status().endpoints, { own: 1, waiting: 0, others: 0 });
  });
});

void test('a store that refuses this host: said once, and in what calls reject with', async () => {
  const world = new World();
  const a = new TestHost(world.etcd, world.clock, 'a');
  a.cluster.begin(a.listener, []);
  const joining = a.control.join(settingsOf('a'));
  const denied = new EtcdError('denied', 'authentication failed, invalid user ID or password');
  a.etcd!.transact = async () => Promise.reject(denied);
  const creating = rejects(
    a.cluster.createNetwork(() => network(1)),
    'Unavailable',
    /^the cluster store \(.*\) refuses this host: authentication failed, invalid user ID or password$/,
  );
  await world.clock.advance(6000);
  await Promise.all([joining, creating]);
  assert.deepEqual(a.warnings, [`the cluster store does not answer {"error":"${denied.message}"}`]);
});

void describe('who is who', () => {
  void test('a second host of the same name, address or ID waits until the other is gone', async () => {
    for (const [more, text] of [
      [{ hostName: 'a' }, /host name "a" is in use by another host, at 192\.0\.2\.1/],
      [{ advertise: '192.0.2.1' }, /address 192\.0\.2\.1 is in use by host "a"/],
      [{ hostId: settingsOf('a').hostId }, /.*/],
      [
        { hostId: settingsOf('a').hostId, hostName: 'a' },
        /this host is in the cluster already, as "a" at 192\.0\.2\.1/,
      ],
    ] as const) {
      const world = new World();
      const a = await world.host('a');
      await a.cluster.createNetwork(() => network(1));
      const b = await world.host('b', more);
      if (text.source === '.*') continue;
      assert.equal(b.control.status().state, 'refused');
      await rejects(b.cluster.claim(endpoint(1, 1, 2)), 'Unavailable', text);
      await world.clock.advance(30_000);
      assert.equal(b.warnings.length, 1, 'it is said once');
      assert.equal(b.control.status().state, 'refused');
      assert.deepEqual(a.listener.log, ['network+ net1']);
      await a.cluster.close({ keep: true });
      await world.clock.advance(20_000);
      assert.equal(b.control.status().state, 'joined', text.source);
      assert.deepEqual(await b.cluster.claim(endpoint(1, 1, 2)), []);
    }
  });

  void test('a daemon that starts again at once takes over; one that died with its host leaves nothing', async () => {
    const world = new World();
    const [a, b] = [await world.host('a'), await world.host('b')];
    await a.cluster.createNetwork(() => network(1));
    await b.cluster.follow(hex(1));
    await a.cluster.claim(endpoint(1, 1, 2));
    await a.cluster.claim(endpoint(2, 1, 3));
    // kill -9
    a.away = true;
    const again = new TestHost(world.etcd, world.clock, 'a');
    void again.control.join(settingsOf('a'));
    again.cluster.begin(again.listener, [endpoint(1, 1, 2)]);
    await world.clock.advance(100);
    assert.deepEqual(b.listener.log, [
      'network+ net1',
      'peers 1 whole',
      'peers 1 +c1@a',
      'peers 1 +c2@a',
      'peers 1 -c2@a',
    ]);
    await world.clock.advance(60_000);
    assert.deepEqual(world.keys('/berth/endpoints'), ['endpoints/1/10.0.1.2']);
  });

  void test('close() takes everything away, unless containers go on', async () => {
    const world = new World();
    const [a, b] = [await world.host('a'), await world.host('b')];
    await a.cluster.createNetwork(() => network(1));
    for (const [i, { cluster }] of [a, b].entries()) await cluster.claim(endpoint(i, 1, 2 + i));
    await world.clock.advance(8000);
    await a.cluster.close({ keep: false });
    await b.cluster.close({ keep: true });
    assert.deepEqual(world.keys(), ['endpoints/1/10.0.1.3', 'hosts/b', 'networks/1', 'plan', 'underlay/192.0.2.2']);
    await world.clock.advance(9000);
    assert.equal(world.keys('/berth/endpoints').length, 1, 'as long as the lease, from the end on');
    await world.clock.advance(2000);
    assert.deepEqual(world.keys(), ['networks/1', 'plan']);
  });

  void test('a host joins and leaves while its daemon runs', async () => {
    const world = new World();
    const b = await world.host('b');
    await b.cluster.createNetwork(() => network(1));
    await b.cluster.claim(endpoint(2, 1, 2));
    const a = new TestHost(world.etcd, world.clock, 'a');
    a.cluster.begin(a.listener, []);
    assert.equal(a.cluster.underlay(), undefined);
    assert.equal(a.control.status().state, 'none');
    for (const promise of [
      a.cluster.createNetwork(() => network(2)),
      a.cluster.follow(hex(1)),
      a.cluster.claim(endpoint(1, 1, 3)),
    ]) {
      await rejects(
        promise,
        'Unavailable',
        /--cluster-store etcd:\/\/… --cluster-advertise ….*berth cluster init.*berth cluster join/s,
      );
    }
    const joining = a.control.join(settingsOf('a'));
    await world.clock.advance(100);
    await joining;
    assert.deepEqual(a.listener.log, ['network+ net1', 'peers 1 whole +c2@b']);
    await assert.rejects(a.control.join(settingsOf('a')), { kind: 'Conflict' });
    await a.cluster.claim(endpoint(1, 1, 3));
    await a.control.leave();
    assert.deepEqual(a.listener.log.slice(2), [
      'lost c1 this host has left the cluster',
      'peers 1 -c2@b',
      'network- net1',
    ]);
    assert.equal(a.cluster.underlay(), undefined);
    assert.deepEqual(world.keys('/berth/endpoints'), ['endpoints/1/10.0.1.2']);
    await a.cluster.release(hex(1));
    const rejoining = a.control.join(settingsOf('a'));
    await world.clock.advance(100);
    await rejoining;
    assert.deepEqual(a.listener.log.slice(5), ['network+ net1']);
    await assert.rejects(new TestHost(world.etcd, world.clock, 'x').control.join(settingsOf('x', { prefix: 'x/' })), {
      kind: 'InvalidParameter',
    });
  });
});

void test('a daemon that was killed while its host left: what is there of the cluster goes at the next start', async () => {
  const world = new World();
  const a = new TestHost(world.etcd, world.clock, 'a');
  await a.control.leave();
  a.listener.networkAdded(network(1));
  a.cluster.begin(a.listener, [endpoint(1, 1, 3)], [network(1)]);
  await world.clock.advance(1);
  assert.deepEqual(a.listener.log.slice(1), ['lost c1 this host has left the cluster', 'network- net1']);
  const joining = a.control.join(settingsOf('a'));
  await world.clock.advance(100);
  await joining;
  assert.deepEqual(world.keys('/berth/endpoints'), []);
});

void describe('the store is not what it was', () => {
  for (const sameClusterId of [false, true]) {
    void test(`restored from a backup${sameClusterId ? ', with the same ID' : ''}: networks that are in use are put back, and so is what hosts have`, async () => {
      const world = new World();
      const [a, b] = [await world.host('a'), await world.host('b')];
      await a.cluster.createNetwork(() => network(1));
      for (const { cluster } of [a, b]) await cluster.follow(hex(1));
      await a.cluster.claim(endpoint(9, 1, 9));
      const backup = world.etcd.snapshot();
      await a.cluster.release(hex(9));
      await b.cluster.createNetwork(() => network(2));
      await b.cluster.createNetwork(() => network(3));
      for (const { cluster } of [a, b]) await cluster.follow(hex(2));
      await a.cluster.claim(endpoint(1, 2, 2));
      await b.cluster.claim(endpoint(2, 1, 3));
      world.etcd.restore(backup, { sameClusterId });
      await world.clock.advance(15_000);
      assert.deepEqual(world.keys('/berth/endpoints'), ['endpoints/1/10.0.1.3', 'endpoints/2/10.0.2.2']);
      assert.deepEqual(world.keys('/berth/networks'), ['networks/1', 'networks/2']);
      for (const { listener } of [a, b]) {
        assert.deepEqual([...listener.networks.values()].map(({ name }) => name).toSorted(), ['net1', 'net2']);
        assert.deepEqual(listener.lost, []);
      }
      assert.deepEqual(
        [...a.listener.peers.get(hex(1))!.values()].map(({ containerName }) => containerName),
        ['c2'],
      );
      assert.deepEqual(
        [...b.listener.peers.get(hex(2))!.values()].map(({ containerName }) => containerName),
        ['c1'],
      );
    });
  }

  void test('restored while the daemon was down: it knows how far the store was', async () => {
    const world = new World();
    const memory = new Map<string, string>();
    const backup = world.etcd.snapshot();
    const before = world.start('a', {}, { memory });
    await world.clock.advance(100);
    await before.cluster.createNetwork(() => network(1));
    await before.cluster.claim(endpoint(1, 1, 2));
    await before.cluster.close({ keep: true });
    world.etcd.restore(backup, { sameClusterId: true });
    const a = new TestHost(world.etcd, world.clock, 'a', { memory });
    void a.control.join(settingsOf('a'));
    a.listener.networks.set(hex(1), network(1));
    a.cluster.begin(a.listener, [endpoint(1, 1, 2)], [network(1)]);
    await world.clock.advance(1000);
    assert.deepEqual(a.listener.log, []);
    assert.deepEqual(world.keys(), ['endpoints/1/10.0.1.2', 'hosts/a', 'networks/1', 'plan', 'underlay/192.0.2.1']);
  });

  void test('a network that cannot be put back is lost', async () => {
    const world = new World();
    const a = await world.host('a');
    const backup = world.etcd.snapshot();
    await a.cluster.createNetwork(() => network(1));
    await a.cluster.claim(endpoint(1, 1, 2));
    a.away = true;
    world.etcd.restore(backup);
    const b = await world.host('b');
    await b.cluster.createNetwork(() => network(2, { vni: 4097 }));
    await world.clock.advance(5000);
    a.away = false;
    await world.clock.advance(2000);
    assert.deepEqual(a.listener.log, [
      'network+ net1',
      'lost c1 its network was removed',
      'network+ net2',
      'network- net1',
    ]);
    assert.ok(
      a.warnings.some((text) => /network net2 has its VXLAN identifier/.test(text)),
      a.warnings.join('\n'),
    );
  });

  void test('compacted while a host did not listen: it reads anew and tells the difference', async () => {
    const world = new World();
    const [a, b] = [await world.host('a'), await world.host('b')];
    await a.cluster.createNetwork(() => network(1));
    for (const { cluster } of [a, b]) await cluster.follow(hex(1));
    await a.cluster.claim(endpoint(1, 1, 2));
    await a.cluster.claim(endpoint(2, 1, 3));
    b.etcd!.held = true;
    await a.cluster.release(hex(1));
    await a.cluster.claim(endpoint(3, 1, 4));
    await a.cluster.createNetwork(() => network(2));
    world.etcd.compact(world.etcd.store.revision);
    assert.equal(b.listener.log.length, 4);
    b.etcd!.held = false;
    await world.clock.advance(1000);
    assert.deepEqual(b.listener.log.slice(4), ['network+ net2', 'peers 1 -c1@a +c3@a']);
  });

  void test('what somebody deletes by hand is put again; a lease that ended, too', async () => {
    const world = new World();
    const [a, b] = [await world.host('a'), await world.host('b')];
    await a.cluster.createNetwork(() => network(1));
    for (const { cluster } of [a, b]) await cluster.follow(hex(1));
    await a.cluster.claim(endpoint(1, 1, 2));
    const hand = world.etcd.client();
    for (const prefix of ['/berth/endpoints', '/berth/hosts', '/berth/']) {
      const kvs = (await hand.get({ prefix })).kvs.filter(({ key }) => !/networks|plan/.test(key));
      for (const { key } of kvs) await hand.transact({ when: [], then: [{ delete: { key } }] });
      await world.clock.advance(5000);
      assert.equal(world.keys().length, 7, prefix);
    }
    const [own] = (await hand.get({ prefix: '/berth/hosts/a' })).kvs;
    await hand.revoke(own!.lease);
    assert.deepEqual(await a.cluster.claim(endpoint(4, 1, 5)), [], 'it finds out by itself');
    await world.clock.advance(100);
    assert.equal(world.keys().length, 8);
    assert.deepEqual(a.listener.lost, []);
  });

  void test('records that are not to be understood are left out and logged once', async () => {
    const world = new World();
    const hand = world.etcd.client();
    const put = async (key: string, value: unknown): Promise<unknown> =>
      hand.transact({
        when: [],
        then: [
          { put: key, value: typeof value === 'string' ? Buffer.from(value) : Buffer.from(JSON.stringify(value)) },
        ],
      });
    const a = await world.host('a');
    await a.cluster.createNetwork(() => network(1));
    await a.cluster.follow(hex(1));
    const good = { ...endpoint(1, 1, 2), host: { id: hex(7, 32), name: 'z', address: '192.0.2.9' } };
    await put(`/berth/endpoints/${hex(1)}/10.0.1.2`, good);
    const at = `/berth/endpoints/${hex(1)}/10.0.1`;
    await put(`${at}.3`, '{');
    await put(`${at}.4`, { ...good, addresses: ['10.0.1.5/24'] });
    await put(`${at}.5`, { ...good, addresses: ['10.0.1.5/24'] });
    await put(`${at}.6`, { ...good, id: hex(2), addresses: ['10.0.1.6/24'], mac: 'x' });
    await put(`${at}.7`, { ...good, id: hex(2), addresses: ['10.0.1.7/24'], host: { ...good.host, address: '999' } });
    await put(`${at}.8`, 'x'.repeat(100_000));
    await put(`/berth/networks/${hex(2)}`, { ...network(2), bridge: 'eth0' });
    await put(`/berth/networks/${hex(3)}`, network(4));
    await put('/berth/hosts/q', { id: 'x' });
    await put('/berth/hosts/q', { id: 'x' });
    await world.clock.advance(30_000);
    assert.deepEqual(a.listener.log, ['network+ net1', 'peers 1 whole', 'peers 1 +c1@z']);
    assert.equal(a.warnings.length, 6 + 2 + 1);
    assert.deepEqual(await a.cluster.claim(endpoint(9, 1, 3)), ['10.0.1.3/24'], 'whoever has it');
    await put(`/berth/endpoints/${hex(1)}/10.0.1.2`, '{}');
    assert.deepEqual(a.listener.log.slice(3), ['peers 1 -c1@z']);
  });

  void test('a listener that fails does not end it', async () => {
    const world = new World();
    const listener = new Listener();
    listener.networkAdded = () => {
      throw new Error('oh');
    };
    const a = world.start('a', {}, { listener });
    await world.clock.advance(100);
    await a.cluster.createNetwork(() => network(1));
    assert.deepEqual(await a.cluster.claim(endpoint(1, 1, 2)), []);
    assert.ok(a.warnings.some((text) => text.includes('oh')));
  });
});

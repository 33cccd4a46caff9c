/** Hosts of a cluster on a real etcd, and the faults that they must come through; what the store has is seen with etcdctl. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { endpoint, hex, network, settingsOf } from '../../src/cluster/testing-hosts.ts';
import type { NetworkRecord } from '../../src/network/records.ts';
import { startMembers, withoutEtcd } from '../etcd/members.ts';
import type { Members } from '../etcd/members.ts';
import { childrenOf } from '../support/snapshot.ts';
import { address4, createUnderlay } from '../support/underlay.ts';
import type { Underlay } from '../support/underlay.ts';
import type { Host } from '../support/host.ts';
import { until } from '../support/wait.ts';
import { AFTER_LEASE, LEASE, RealHost } from './registry-support.ts';

const N = hex(1);

interface World {
  underlay: Underlay;
  etcd: Members;
  places: readonly Host[];
  /** Host 'a' in the first place, and so on, in a cluster of their own; together they follow network 1. */
  hosts(prefix: string, names: readonly string[], timeout?: number): Promise<RealHost[] & AsyncDisposable>;
  /** What etcdctl lists below the prefix, without it: addresses of endpoints, names of hosts. */
  keys(prefix: string): Promise<string[]>;
}

async function inWorld(members: number, body: (world: World) => Promise<void>): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const underlay = stack.use(await createUnderlay());
  const all = await Promise.all([1, 2, 3, ...[91, 92, 93].slice(0, members)].map((n) => underlay.host(n)));
  for (const host of all) stack.use(host);
  const places = all.slice(0, 3);
  const etcd = stack.use(await startMembers(all.slice(3).map((host, i) => ({ host, address: address4(91 + i) }))));
  await body({
    underlay,
    etcd,
    places,
    async hosts(prefix, names, timeout = 10_000) {
      const hosts = names.map((name, i) => new RealHost(places[i] as Host, name));
      await Promise.all(hosts.map((host) => host.begin(etcd.endpoints, { prefix, timeout })));
      const [first] = hosts;
      await first?.cluster.createNetwork(() => network(1));
      for (const { cluster } of hosts) await cluster.follow(N);
      return Object.assign(hosts, {
        async [Symbol.asyncDispose]() {
          await Promise.all(hosts.map((host) => host[Symbol.asyncDispose]()));
        },
      });
    },
    async keys(prefix) {
      const keys = (await etcd.ctl('get', '--prefix', '--keys-only', `${prefix}/`)).split('\n').filter(Boolean);
      return keys.map((key) => key.slice(prefix.length + 1).replace(/^endpoints\/0+1\//, ''));
    },
  });
}

const revision = async ({ etcd }: World): Promise<number> => {
  const [status] = JSON.parse(await etcd.ctl('endpoint', 'status', '-w', 'json')) as [
    { Status: { header: { revision: number } } },
  ];
  return status.Status.header.revision;
};

void describe('hosts on an etcd', { skip: withoutEtcd }, () => {
  void test('of one member', async (t) => {
    await inWorld(1, async (world) => {
      for (const [title, scenario] of Object.entries(scenarios)) await t.test(title, async () => scenario(world));
    });
  });

  void test('of three members: the leader is killed while hosts claim the same addresses', async () => {
    await inWorld(3, async (world) => {
      const { etcd } = world;
      await using all = await world.hosts('/berth', ['a', 'b', 'c']);
      const leader = await etcd.leader();
      const owners = new Map<string, string>();
      const claims = all.map(async ({ cluster, name }, i) => {
        for (let last = 2; last < 42; last++) {
          const wanted = endpoint(1000 * (i + 1) + last, 1, last, { containerName: name, names: [name] });
          if ((await cluster.claim(wanted)).length > 0) continue;
          assert.equal(owners.get(wanted.addresses[0] ?? ''), undefined, 'an address of two hosts');
          owners.set(wanted.addresses[0] ?? '', name);
        }
      });
      await Promise.all([...claims, etcd.kill(leader)]);
      assert.equal(owners.size, 40);
      const allSee = async (): Promise<void> => {
        for (const host of all) {
          const others = [...owners.values()].filter((name) => name !== host.name);
          await host.sees(N, ...others.map((name) => `${name}@${name}`));
          assert.deepEqual(host.listener.lost, []);
        }
      };
      await allSee();
      // And one that takes connections but answers nothing.
      await etcd.start(leader);
      const frozen = await etcd.leader();
      await etcd.freeze(frozen);
      const [a] = all;
      assert.deepEqual(await a?.cluster.claim(endpoint(1, 1, 99, { containerName: 'a', names: ['a'] })), []);
      owners.set('10.0.1.99/24', 'a');
      await allSee();
      await etcd.thaw(frozen);
    });
  });
});

/** proc_pid_stat(5): the third field. */
const stateOf = (pid: number): string => readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) (.).*/s, '$1');

const scenarios: Record<string, (world: World) => Promise<void>> = {
  async 'a claim is one write and so is a release; what etcdctl sees'(world) {
    const prefix = '/plain';
    await using hosts = await world.hosts(prefix, ['a', 'b']);
    const [a, b] = hosts as RealHost[] as [RealHost, RealHost];
    const before = await revision(world);
    assert.deepEqual(await a.cluster.claim(endpoint(1, 1, 2, { addresses: ['10.0.1.2/24', 'fd00::2/64'] })), []);
    assert.deepEqual(await b.cluster.claim(endpoint(2, 1, 2)), ['10.0.1.2/24']);
    assert.equal(await revision(world), before + 1);
    await b.sees(N, 'c1@a');
    assert.deepEqual(await world.keys(prefix), [
      '10.0.1.2',
      'fd00::2',
      'hosts/a',
      'hosts/b',
      `networks/${N}`,
      'plan',
      'underlay/192.0.2.1',
      'underlay/192.0.2.2',
    ]);
    await a.cluster.release(hex(1));
    assert.equal(await revision(world), before + 2);
    await b.sees(N);
    await assert.rejects(async () => b.cluster.claim(endpoint(2, 7, 2)), { kind: 'NotFound' });
    await a.cluster.removeNetwork(N);
    await until(() => !b.listener.networks.has(N));
    assert.deepEqual(a.warnings, []);
  },

  async 'networks made at once have numbers of their own'(world) {
    await using hosts = await world.hosts('/plans', ['a', 'b', 'c']);
    const made: NetworkRecord[] = await Promise.all(
      [2, 3, 4, 5, 6, 7].map(async (n) =>
        (hosts[n % 3] as RealHost).cluster.createNetwork((others) =>
          network(n, { vni: 5000 + others.length, name: `n${others.length}` }),
        ),
      ),
    );
    assert.equal(new Set(made.map(({ vni }) => vni)).size, 6);
    for (const { listener } of hosts) await until(() => listener.networks.size === 7);
  },

  async 'a partition: the others have its addresses when its lease is over; it comes back with what is left to it'(
    world,
  ) {
    const prefix = '/partition';
    await using hosts = await world.hosts(prefix, ['a', 'b'], 3000);
    const [a, b] = hosts as RealHost[] as [RealHost, RealHost];
    for (const [id, last] of [
      [1, 2],
      [3, 4],
      [5, 6],
    ] as const)
      await a.cluster.claim(endpoint(id, 1, last));
    await b.sees(N, 'c1@a', 'c3@a', 'c5@a');
    await world.underlay.cut(1);
    await a.is('away');
    // Known is what was known, and what goes away goes later.
    assert.equal((await a.cluster.endpoints(N)).length, 3);
    await a.cluster.release(hex(5));
    await assert.rejects(
      async () => a.cluster.claim(endpoint(7, 1, 7)),
      /the cluster store \(http:\/\/203\.0\.113\.91:2379\) has not answered for \d+ s/,
    );
    await b.sees(N);
    await until(() => b.cluster.hosts().length === 1);
    assert.deepEqual(await b.cluster.claim(endpoint(2, 1, 2)), []);
    await world.underlay.join(1);
    await b.sees(N, 'c3@a');
    await a.sees(N, 'c2@b');
    await until(() => a.listener.lost.length > 0);
    assert.deepEqual(a.listener.lost, [{ id: hex(1), reason: "10.0.1.2/24 is another host's now" }]);
    assert.deepEqual((await world.keys(prefix)).slice(0, 4), ['10.0.1.2', '10.0.1.4', 'hosts/a', 'hosts/b']);
    assert.equal(b.cluster.hosts().length, 2);
  },

  async 'a second host of the same name is kept out until the first one is gone'(world) {
    const prefix = '/names';
    await using hosts = await world.hosts(prefix, ['a', 'b']);
    const [a, b] = hosts as RealHost[] as [RealHost, RealHost];
    await a.cluster.claim(endpoint(1, 1, 2));
    await using twin = new RealHost(world.places[2] as Host, 'c');
    await twin.begin(world.etcd.endpoints, { prefix, hostName: 'a' });
    assert.equal(twin.control.status().state, 'refused');
    await assert.rejects(
      async () => twin.cluster.claim(endpoint(9, 1, 9)),
      /^BerthError: this host is not let into the cluster: host name "a" is in use by another host, at 192\.0\.2\.1/,
    );
    assert.equal(twin.warnings.length, 1);
    assert.deepEqual(b.peers(N), ['c1@a']);
    await a.cluster.close({ keep: false });
    await twin.is('joined');
    assert.deepEqual(await twin.cluster.claim(endpoint(9, 1, 2)), []);
    await b.sees(N, 'c9@a');
  },

  async 'clocks jump: nobody notices; a host that stood still comes back'(world) {
    const prefix = '/clocks';
    await using hosts = await world.hosts(prefix, ['a', 'b']);
    const [a, b] = hosts as RealHost[] as [RealHost, RealHost];
    await a.cluster.claim(endpoint(1, 1, 2));
    await b.sees(N, 'c1@a');
    const { now } = Date;
    const told = b.listener.log.length;
    try {
      for (const days of [1, -2, 365]) {
        Date.now = () => now() + days * 86_400_000;
        const left = (): number => a.control.status().lease.left;
        await until(() => left() < 0.9 * LEASE, AFTER_LEASE, 'a lease that grows old');
        await until(() => left() > 0.9 * LEASE, AFTER_LEASE, 'a lease that is kept');
      }
    } finally {
      Date.now = now;
    }
    assert.equal(b.listener.log.length, told);
    // Its clocks stand still, too, as those of a machine that sleeps may.
    const [place] = world.places as [Host];
    const pid = (await place.run('pgrep', '-f', 'remote-process')).trim().split('\n').at(-1) ?? '';
    await place.run('kill', '-STOP', pid);
    await b.sees(N);
    // nsenter stops with its child, and wakes it when it goes on.
    for (const child of childrenOf(process.pid)) if (stateOf(child) === 'T') process.kill(child, 'SIGCONT');
    await b.sees(N, 'c1@a');
    assert.deepEqual(a.listener.lost, []);
  },

  async 'a host comes again with what it had long ago'(world) {
    const prefix = '/again';
    await using hosts = await world.hosts(prefix, ['a', 'b']);
    const [a, b] = hosts as RealHost[] as [RealHost, RealHost];
    await a.cluster.createNetwork(() => network(2));
    const had = [endpoint(1, 1, 2), endpoint(3, 1, 4), endpoint(5, 2, 2)];
    for (const one of had) await a.cluster.claim(one);
    await a.cluster.close({ keep: true });
    await b.sees(N);
    await b.cluster.claim(endpoint(2, 1, 2));
    await b.cluster.removeNetwork(hex(2));
    await b.cluster.createNetwork(() => network(3));

    await using again = new RealHost(world.places[0] as Host, 'a');
    for (const one of [network(1), network(2)]) again.listener.networks.set(one.id, one);
    await again.begin(world.etcd.endpoints, { prefix }, had);
    await again.cluster.follow(N);
    await b.sees(N, 'c3@a');
    assert.deepEqual(again.listener.log, [
      'lost c5 its network was removed',
      "lost c1 10.0.1.2/24 is another host's now",
      'network+ net3',
      'network- net2',
      'peers 1 whole +c2@b',
    ]);
  },

  async 'compacted while a host was away'(world) {
    const prefix = '/compact';
    await using hosts = await world.hosts(prefix, ['a', 'b']);
    const [a, b] = hosts as RealHost[] as [RealHost, RealHost];
    await a.cluster.claim(endpoint(1, 1, 2));
    await b.sees(N, 'c1@a');
    await world.underlay.cut(2);
    await b.is('away');
    await a.cluster.release(hex(1));
    await a.cluster.claim(endpoint(3, 1, 4));
    await a.cluster.claim(endpoint(4, 1, 5));
    await world.etcd.ctl('compact', `${await revision(world)}`);
    await world.underlay.join(2);
    await b.sees(N, 'c3@a', 'c4@a');
    await a.sees(N);
  },

  async 'restored from a backup'(world) {
    for (const sameId of [false, true]) {
      const prefix = `/backup-${sameId}`;
      await using hosts = await world.hosts(prefix, ['a', 'b']);
      const [a, b] = hosts as RealHost[] as [RealHost, RealHost];
      await a.cluster.claim(endpoint(1, 1, 2));
      const backup = await world.etcd.save();
      await a.cluster.release(hex(1));
      await a.cluster.claim(endpoint(3, 1, 4));
      await a.cluster.createNetwork(() => network(2));
      await a.cluster.createNetwork(() => network(3));
      await b.cluster.follow(hex(2));
      await b.cluster.claim(endpoint(2, 2, 2));
      await a.cluster.follow(hex(2));
      await a.cluster.claim(endpoint(5, 2, 3));
      await world.etcd.restore(backup, { sameId });
      for (const host of hosts)
        await until(() => !host.listener.networks.has(hex(3)), AFTER_LEASE, 'what nobody uses is gone');
      await a.sees(hex(2), 'c2@b');
      await b.sees(N, 'c3@a');
      await until(
        async () =>
          (await world.keys(prefix)).slice(0, 4).join() ===
          [`10.0.1.4`, `endpoints/${hex(2)}/10.0.2.2`, `endpoints/${hex(2)}/10.0.2.3`, 'hosts/a'].join(),
        AFTER_LEASE,
        'what was released after the backup going',
      );
      assert.deepEqual([...a.listener.lost, ...b.listener.lost], []);
      assert.deepEqual([...a.listener.networks.keys()], [hex(1), hex(2)]);
    }
  },

  async 'begun while etcd is away; what goes on meanwhile, and what is refused in time'(world) {
    const prefix = '/late';
    await world.etcd.kill(0);
    await using a = new RealHost(world.places[0] as Host, 'a');
    await a.begin(world.etcd.endpoints, { prefix, timeout: 2000 });
    assert.equal(a.control.status().state, 'connecting');
    await assert.rejects(async () => a.cluster.createNetwork(() => network(1)), /^BerthError: the cluster store/);
    await assert.rejects(async () => a.cluster.follow(N), { kind: 'Unavailable' });
    await world.etcd.start(0);
    await a.is('joined');
    assert.deepEqual(a.listener.log, ['peers 1 whole']);
    assert.equal(a.control.status().hosts[0]?.id, settingsOf('a').hostId);
  },
};

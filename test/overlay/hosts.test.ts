/** Networks that span hosts: each host with its own berthd, one etcd, both clients. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { withoutEtcd } from '../etcd/members.ts';
import { ask, idle, inside, serve } from '../e2e/support.ts';
import { OUTSIDE } from '../support/host.ts';
import { until } from '../support/wait.ts';
import { addressOf, startCluster, tunnelsOf } from './hosts.ts';
import type { ClusterMember, TestCluster } from './hosts.ts';

const ping = async ({ daemon }: ClusterMember, container: string, target: string): Promise<boolean> =>
  (await daemon.docker('exec', container, 'ping', '-c', '1', '-W', '1', target)).code === 0;
const resolved = async ({ daemon }: ClusterMember, container: string, ...question: string[]): Promise<string[]> =>
  (await daemon.docker('exec', container, 'dig', '+short', '+tries=1', ...question)).stdout.split('\n').filter(Boolean);

interface FdbEntry {
  mac: string;
  dst?: string;
}

/** Entries of the tunnel, by MAC of a container. */
async function forwarding({ host }: ClusterMember, tunnel: string): Promise<Map<string, string>> {
  const entries = JSON.parse(await host.run('bridge', '-j', 'fdb', 'show', 'dev', tunnel)) as FdbEntry[];
  return new Map(
    entries.flatMap(({ mac, dst }) => (dst !== undefined && !mac.startsWith('00:00') ? [[mac, dst]] : [])),
  );
}

function all(cluster: TestCluster): [ClusterMember, ClusterMember, ClusterMember] {
  const [a, b, c] = cluster.members;
  assert.ok(a && b && c);
  return [a, b, c];
}

void describe('three hosts', { skip: withoutEtcd }, () => {
  void test('addresses, pings, names, streams, ways out and in; and nothing is left', async () => {
    await using cluster = await startCluster(3);
    const [a, b, c] = all(cluster);
    await a.daemon.dockerOk('network', 'create', '-d', 'overlay', '--attachable', '--subnet', '10.9.0.0/24', 'wide');
    await until(async () => (await b.daemon.docker('network', 'inspect', 'wide')).code === 0);
    assert.match(await b.daemon.berthOk('network', 'ls'), /wide +overlay +global/);
    assert.deepEqual(await tunnelsOf(a), [], 'a host makes it for its containers only');

    await idle(a.daemon, 'one', '--network', 'wide', '--network-alias', 'same');
    await idle(b.daemon, 'two', '--network', 'wide', '--network-alias', 'same', '--hostname', 'zwei');
    await serve(c.daemon, 'web', ['--network', 'wide', '-p', '8080:80', '-p', '8080:80/udp']);
    const addresses = [
      await addressOf(a, 'one', 'wide'),
      await addressOf(b, 'two', 'wide'),
      await addressOf(c, 'web', 'wide'),
    ];
    assert.equal(new Set(addresses).size, 3);
    await until(async () => (await resolved(a, 'one', 'web')).length === 1);
    for (const [from, container] of [
      [a, 'one'],
      [b, 'two'],
      [c, 'web'],
    ] as const) {
      for (const target of [...addresses, 'one', 'two', 'web']) {
        assert.ok(await ping(from, container, target), `${container} pings ${target}`);
      }
    }
    assert.deepEqual(await resolved(a, 'one', 'zwei'), [addresses[1]]);
    assert.deepEqual(await resolved(a, 'one', '-x', addresses[2] ?? ''), ['web.wide.']);
    assert.deepEqual((await resolved(c, 'web', 'same')).toSorted(), addresses.slice(0, 2).toSorted());

    for (const protocol of ['tcp', 'udp'] as const) {
      assert.equal(await ask(inside(a.daemon, 'one'), 'web', 80, protocol), `web ${addresses[0]}`);
      assert.equal(await ask(c.host.outside, OUTSIDE.host4, 8080, protocol), `web ${OUTSIDE.ip4}`, 'by its own host');
    }
    assert.equal(await ask(a.host.outside, OUTSIDE.host4, 8080), '', 'not by another host');
    assert.ok(await ping(a, 'one', OUTSIDE.ip4), 'each goes out by its own host');
    assert.ok(await ping(b, 'two', OUTSIDE.ip4));

    for (const text of [
      await a.daemon.dockerOk('network', 'inspect', 'wide'),
      await b.daemon.berthOk('network', 'inspect', 'wide'),
    ]) {
      const [shown] = JSON.parse(text) as { Containers: Record<string, { Name: string }>; Peers: { Name: string }[] }[];
      const names = Object.values(shown?.Containers ?? {}).map(({ Name }) => Name);
      assert.deepEqual(names.toSorted(), ['one', 'two', 'web']);
    }

    const [, tunnel = ''] = (await tunnelsOf(a)).toSorted();
    assert.deepEqual([...(await forwarding(a, tunnel)).values()].toSorted(), [b.address, c.address]);
    await b.daemon.dockerOk('rm', '-f', 'two');
    await until(async () => (await forwarding(a, tunnel)).size === 1);
    await until(async () => (await resolved(a, 'one', 'two')).length === 0);
    assert.deepEqual(await tunnelsOf(b), []);

    const refused = await b.daemon.docker('network', 'rm', 'wide');
    assert.match(refused.stderr, /has active endpoints.*name:"one"/);
    await a.daemon.dockerOk('rm', '-f', 'one');
    await c.daemon.dockerOk('rm', '-f', 'web');
    assert.match(await b.daemon.dockerOk('network', 'rm', 'wide'), /^wide$/);
    await until(async () => (await a.daemon.docker('network', 'inspect', 'wide')).code === 1);
    for (const member of [a, b, c]) assert.deepEqual(await tunnelsOf(member), []);
    assert.equal((await cluster.etcd.ctl('get', '--prefix', '--keys-only', '/berth/endpoints')).trim(), '');
  });

  void test('IPv6 above and below, connect and disconnect while it runs, a container started again', async () => {
    await using cluster = await startCluster(2, { family: 6 });
    const [a, b] = cluster.members;
    assert.ok(a && b);
    const subnets = ['--subnet', '10.9.0.0/24', '--ipv6', '--subnet', 'fd00:9::/64'];
    await a.daemon.berthOk('network', 'create', '-d', 'overlay', ...subnets, 'wide');
    await until(async () => (await b.daemon.docker('network', 'inspect', 'wide')).code === 0);
    await idle(a.daemon, 'one', '--network', 'wide', '--ip', '10.9.0.77', '--ip6', 'fd00:9::77');
    await idle(b.daemon, 'two');
    await b.daemon.dockerOk('network', 'connect', 'wide', 'two');
    await until(async () => (await resolved(b, 'two', 'AAAA', 'one')).length === 1);
    assert.ok(await ping(b, 'two', '10.9.0.77'));
    assert.ok(await ping(b, 'two', 'fd00:9::77'));
    const taken = await b.daemon.docker('run', '--rm', '--network', 'wide', '--ip', '10.9.0.77', 'busybox', 'true');
    assert.match(taken.stderr, /Address already in use/);
    await b.daemon.dockerOk('network', 'disconnect', 'wide', 'two');
    assert.deepEqual(await tunnelsOf(b), []);
    await b.daemon.dockerOk('network', 'connect', 'wide', 'two');
    await a.daemon.dockerOk('restart', '-t', '0', 'one');
    assert.equal(await addressOf(a, 'one', 'wide'), '10.9.0.77');
    await until(async () => ping(b, 'two', 'one'));
    await a.daemon.dockerOk('rename', 'one', 'eins');
    await until(async () => (await resolved(b, 'two', 'eins')).length === 1);
    assert.deepEqual(await resolved(b, 'two', 'one'), []);
  });

  void test('frames go to one peer only, and nobody is looked for', async () => {
    await using cluster = await startCluster(3);
    const [a, b, c] = all(cluster);
    await a.daemon.dockerOk('network', 'create', '-d', 'overlay', '--subnet', '10.9.0.0/24', 'wide');
    await until(async () => (await b.daemon.docker('network', 'inspect', 'wide')).code === 0);
    await until(async () => (await c.daemon.docker('network', 'inspect', 'wide')).code === 0);
    await idle(a.daemon, 'one', '--network', 'wide');
    await idle(b.daemon, 'two', '--network', 'wide');
    await idle(c.daemon, 'three', '--network', 'wide');
    await until(async () => ping(a, 'one', 'two'));
    const { wire } = cluster.underlay;
    const dump = wire.spawn(['tcpdump', '-n', '-l', '-i', 'u0', 'udp', 'port', '4789'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let heard = '';
    let ready = '';
    dump.stdout?.on('data', (data: Buffer) => (heard += data.toString()));
    dump.stderr?.on('data', (data: Buffer) => (ready += data.toString()));
    await until(() => ready.includes('listening on'));
    assert.ok(!(await ping(a, 'one', '10.9.0.200')), 'nobody has it');
    assert.ok(await ping(a, 'one', 'two'));
    await until(() => heard.includes('ICMP echo reply'));
    await wire.run('pkill', '-x', 'tcpdump');
    assert.ok(!heard.includes('ARP'), heard);
    assert.ok(!heard.includes(`${c.address}.`), heard);
    assert.ok(!heard.includes('10.9.0.200'), heard);
  });
});

/** What happens to networks of several hosts when something fails: the cluster store, a host, the wire, a daemon. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { withoutEtcd } from '../etcd/members.ts';
import { idle } from '../e2e/support.ts';
import { until } from '../support/wait.ts';
import { addressOf, LEASE, startCluster, tunnelsOf } from './hosts.ts';
import type { ClusterMember, TestCluster } from './hosts.ts';

/** Milliseconds: a lease that nobody keeps is over by then, and the news of it have arrived. */
const AFTER_LEASE = (LEASE + 5) * 1000;

const ping = async ({ daemon }: ClusterMember, container: string, target: string): Promise<boolean> =>
  (await daemon.docker('exec', container, 'ping', '-c', '1', '-W', '1', target)).code === 0;

/** A network `wide`, a container `one` on the first host and `two` on the second, which reach each other. */
async function pair(cluster: TestCluster): Promise<[ClusterMember, ClusterMember]> {
  const [a, b] = cluster.members;
  assert.ok(a && b);
  await a.daemon.dockerOk('network', 'create', '-d', 'overlay', '--subnet', '10.9.0.0/24', 'wide');
  await until(async () => (await b.daemon.docker('network', 'inspect', 'wide')).code === 0);
  await idle(a.daemon, 'one', '--network', 'wide');
  await idle(b.daemon, 'two', '--network', 'wide');
  await until(async () => (await ping(a, 'one', 'two')) && ping(b, 'two', 'one'));
  return [a, b];
}

/** One try; when it fails nothing of the container is left. */
async function started({ daemon }: ClusterMember, name: string): Promise<boolean> {
  const { code } = await daemon.docker('run', '-d', '--name', name, '--network', 'wide', 'busybox', 'sleep', '99');
  if (code !== 0) await daemon.docker('rm', '-f', name);
  return code === 0;
}

void describe('faults', { skip: withoutEtcd }, () => {
  void test('etcd is away: what runs goes on, what is local works, the rest is refused; then all is made up for', async () => {
    await using cluster = await startCluster(2);
    const [a, b] = await pair(cluster);
    await idle(b.daemon, 'gone', '--network', 'wide');
    await until(async () => ping(a, 'one', 'gone'));
    await cluster.etcd.kill(0);
    assert.ok(await ping(a, 'one', 'two'));
    await a.daemon.dockerOk('run', '--rm', 'busybox', 'true');
    await a.daemon.dockerOk('network', 'create', 'local');
    for (const args of [
      ['run', '--rm', '--network', 'wide', 'busybox', 'true'],
      ['network', 'create', '-d', 'overlay', 'other'],
      ['network', 'rm', 'wide'],
    ]) {
      const { code, stderr } = await a.daemon.docker(...args);
      assert.notEqual(code, 0);
      assert.match(stderr, /cluster store|active endpoints/, args.join(' '));
    }
    await b.daemon.dockerOk('rm', '-f', 'gone');
    await a.daemon.kill9();
    await a.daemon.restart();
    assert.ok(await ping(a, 'one', 'two'), 'by name, after the daemon was killed and started without etcd');

    await cluster.etcd.start(0);
    await until(async () => !(await ping(a, 'one', 'gone')), AFTER_LEASE);
    await until(async () => started(a, 'new'), AFTER_LEASE);
    await until(async () => ping(b, 'two', 'new'), AFTER_LEASE);
    assert.ok(await ping(b, 'two', 'one'));
    const keys = await cluster.etcd.ctl('get', '--prefix', '--keys-only', '/berth/endpoints');
    assert.equal(keys.split('\n').filter(Boolean).length, 3);
  });

  void test('a host dies: within the lease its containers vanish from names and forwarding, its addresses are free', async () => {
    await using cluster = await startCluster(2);
    const [a, b] = await pair(cluster);
    const address = await addressOf(b, 'two', 'wide');
    await cluster.underlay.cut(2);
    await until(async () => (await a.daemon.docker('exec', 'one', 'nslookup', 'two')).code !== 0, AFTER_LEASE);
    await until(async () => {
      const { code } = await a.daemon.docker('run', '--rm', '--network', 'wide', '--ip', address, 'busybox', 'true');
      return code === 0;
    });
    await cluster.underlay.join(2);
    await until(async () => ping(a, 'one', 'two'), AFTER_LEASE);
    assert.equal(await addressOf(b, 'two', 'wide'), address, 'nobody has its address: it is back as it was');
  });

  void test('a partition in which somebody else takes the address: who comes back loses it', async () => {
    await using cluster = await startCluster(2);
    const [a, b] = await pair(cluster);
    const address = await addressOf(b, 'two', 'wide');
    await cluster.underlay.cut(2);
    await until(async () => {
      const { code } = await a.daemon.docker('exec', 'one', 'nslookup', 'two');
      return code !== 0;
    }, AFTER_LEASE);
    await idle(a.daemon, 'heir', '--network', 'wide', '--ip', address);
    await cluster.underlay.join(2);
    await until(async () => b.daemon.log().includes('taken off a network'), AFTER_LEASE);
    assert.equal(await addressOf(a, 'heir', 'wide'), address);
    assert.ok(await ping(a, 'one', 'heir'));
    assert.deepEqual(await tunnelsOf(b), []);
    await b.daemon.dockerOk('network', 'connect', 'wide', 'two').catch(async () => {
      await b.daemon.dockerOk('network', 'disconnect', '-f', 'wide', 'two');
      return b.daemon.dockerOk('network', 'connect', 'wide', 'two');
    });
    await until(async () => ping(a, 'one', 'two'));
    assert.notEqual(await addressOf(b, 'two', 'wide'), address);
  });

  void test('berthd is killed at any time: nothing is left, nothing is missing', async () => {
    await using cluster = await startCluster(2);
    const [a, b] = await pair(cluster);
    for (let round = 0; round < 4; round++) {
      const run = a.daemon.docker('run', '-d', '--name', `c${round}`, '--network', 'wide', 'busybox', 'sleep', '99');
      await new Promise((resolve) => setTimeout(resolve, 20 + 30 * round));
      await a.daemon.kill9();
      await run;
      await a.daemon.restart();
    }
    const running = (await a.daemon.dockerOk('ps', '-q', '--no-trunc')).split('\n').filter(Boolean).length;
    await until(async () => {
      const keys = await cluster.etcd.ctl('get', '--prefix', '--keys-only', '/berth/endpoints');
      return keys.split('\n').filter(Boolean).length === running + 1;
    }, AFTER_LEASE);
    assert.ok(await ping(b, 'two', 'one'));
    assert.equal((await tunnelsOf(a)).length, 2);
  });

  void test('three members of etcd: one is killed, then the leader', async () => {
    await using cluster = await startCluster(2, { etcd: 3 });
    const [a, b] = await pair(cluster);
    const leader = await cluster.etcd.leader();
    const other = (leader + 1) % 3;
    await cluster.etcd.kill(other);
    await idle(a.daemon, 'first', '--network', 'wide');
    await until(async () => ping(b, 'two', 'first'));
    await cluster.etcd.start(other);
    await cluster.etcd.kill(leader);
    await until(async () => started(a, 'second'), AFTER_LEASE);
    await until(async () => ping(b, 'two', 'second'), AFTER_LEASE);
    assert.ok(await ping(b, 'two', 'first'));
  });
});

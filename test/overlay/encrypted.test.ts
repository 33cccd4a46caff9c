/** Encrypted networks with the real berthd and etcd: as far as the kernel goes. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { idle } from '../e2e/support.ts';
import { withoutEtcd } from '../etcd/members.ts';
import { childrenOf } from '../support/snapshot.ts';
import { until } from '../support/wait.ts';
import { withoutWireguard } from './encrypted-support.ts';
import { addressOf, startCluster, tunnelsOf } from './hosts.ts';
import type { ClusterMember } from './hosts.ts';

const REFUSAL = 'cannot create an encrypted network: the kernel has no WireGuard (CONFIG_WIREGUARD)';
const create = ['network', 'create', '-d', 'overlay', '--subnet', '10.9.0.0/24', '-o', 'encrypted'] as const;

void describe('a kernel without WireGuard', { skip: withoutEtcd || (!withoutWireguard && 'the kernel has it') }, () => {
  void test('no encrypted network is made, and none of another host’s is used', async () => {
    await using cluster = await startCluster(1);
    const [a] = cluster.members;
    assert.ok(a);
    for (const client of [a.daemon.docker, a.daemon.berth]) {
      const { code, stderr } = await client(...create, 'secret');
      assert.equal(code, 1);
      assert.ok(stderr.includes(REFUSAL), stderr);
    }
    const { status } = await a.daemon.api('POST', '/networks/create', {
      Name: 'secret',
      Driver: 'overlay',
      Options: { encrypted: 'true' },
    });
    assert.equal(status, 503);
    assert.equal((await a.daemon.docker('network', 'inspect', 'secret')).code, 1);

    // Made where the kernel has it: the same record, with the option.
    await a.daemon.dockerOk('network', 'create', '-d', 'overlay', '--subnet', '10.9.0.0/24', 'secret');
    const keys = await cluster.etcd.ctl('get', '--prefix', '/berth/networks/', '--print-value-only');
    const [key = ''] = (await cluster.etcd.ctl('get', '--prefix', '/berth/networks/', '--keys-only'))
      .trim()
      .split('\n');
    const record = JSON.parse(keys) as { options: Record<string, string> };
    await cluster.etcd.ctl('put', key, JSON.stringify({ ...record, options: { encrypted: '' } }));
    await until(async () => (await a.daemon.dockerOk('network', 'inspect', 'secret')).includes('encrypted'));
    const { code, stderr } = await a.daemon.docker('run', '--rm', '--network', 'secret', 'busybox', 'true');
    assert.notEqual(code, 0);
    assert.match(stderr, /cannot use the encrypted network secret on this host: the kernel has no WireGuard/);
    assert.deepEqual(await tunnelsOf(a), []);
  });
});

void describe('a kernel with WireGuard', { skip: withoutEtcd || withoutWireguard }, () => {
  void test('two hosts: containers meet, and the wire says nothing', async () => {
    await using cluster = await startCluster(2);
    const [a, b] = cluster.members;
    assert.ok(a && b);
    await a.daemon.dockerOk(...create, 'secret');
    await until(async () => (await b.daemon.docker('network', 'inspect', 'secret')).code === 0);
    const plain = cluster.underlay.wire.spawn(['tcpdump', '-ni', 'u0', '-l', 'udp port 4789 or udp port 51820'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let seen = '';
    plain.stdout?.on('data', (data: Buffer) => (seen += data.toString()));
    await idle(a.daemon, 'one', '--network', 'secret');
    await idle(b.daemon, 'two', '--network', 'secret');
    const devices = async ({ host }: ClusterMember): Promise<string> =>
      host.run('ip', '-o', 'link', 'show', 'type', 'wireguard');
    assert.match(await devices(a), /wg-[0-9a-f]{8}/);
    const target = await addressOf(b, 'two', 'secret');
    const ping = async (to: string): Promise<boolean> =>
      (await a.daemon.docker('exec', 'one', 'ping', '-c', '1', '-W', '2', to)).code === 0;
    await until(async () => ping(target), 30_000, 'a ping');
    await until(async () => ping('two'), 30_000, 'a ping by name');
    await a.daemon.restart();
    assert.ok(await ping(target), 'as before');
    await a.daemon.kill9();
    assert.ok((await a.host.run('ip', '-o', 'link', 'show', 'type', 'wireguard')).includes('wg-'));
    await a.daemon.restart();
    for (const { daemon } of [a, b]) await daemon.removeContainers();
    for (const one of [a, b])
      await until(async () => (await devices(one)) === '' && (await tunnelsOf(one)).length === 0);
    // nsenter ends with what it started.
    for (const pid of childrenOf(plain.pid ?? 0)) process.kill(pid);
    await until(() => plain.exitCode !== null || plain.signalCode !== null);
    const ports = new Set(seen.match(/\.(4789|51820)(?=[: ])/g));
    assert.deepEqual([...ports], ['.51820'], seen);
  });
});

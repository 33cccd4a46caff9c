/** What one can ask of an endpoint, and connect and disconnect, of containers that run and that do not. */
import assert from 'node:assert/strict';
import type { Daemon } from '../support/daemon.ts';
import { hostTest } from '../support/host.ts';
import { addresses, dig, idle, words } from './support.ts';

async function networks({ dockerOk }: Daemon): Promise<void> {
  await dockerOk(...words('network create --subnet 10.8.0.0/24 --ipv6 --subnet fd00:8::/64 front'));
  await dockerOk(...words('network create --subnet 10.9.0.0/24 back'));
  await dockerOk(...words('network create --internal --subnet 10.7.0.0/24 inner'));
}

interface Endpoint {
  IPAMConfig: unknown;
  Aliases: unknown;
  Links: unknown;
  DriverOpts: unknown;
  GwPriority: number;
  MacAddress: string;
  IPAddress: string;
  DNSNames: string[];
}
async function endpointsOf(daemon: Daemon, name: string): Promise<Record<string, Endpoint>> {
  const { body } = await daemon.api<{ NetworkSettings: { Networks: Record<string, Endpoint> } }>(
    'GET',
    `/v1.50/containers/${name}/json`,
  );
  return body.NetworkSettings.Networks;
}

const route = async ({ dockerOk }: Daemon, name: string): Promise<string> =>
  /^default via (\S+)/m.exec(await dockerOk('exec', name, 'ip', 'route'))?.[1] ?? '';

hostTest('long syntax, short syntax, every option, from both clients', {}, async (host) => {
  const daemon = await host.startDaemon();
  const { dockerOk, berthOk } = daemon;
  await networks(daemon);
  const long = 'name=front,alias=www,alias=w3,ip=10.8.0.9,ip6=fd00:8::9,mac-address=02:42:0a:08:00:aa,gw-priority=7';
  const options =
    'link-local-ip=169.254.7.7,driver-opt=com.docker.network.endpoint.ifname=wan0,' +
    '"driver-opt=com.docker.network.endpoint.sysctls=net.ipv4.conf.IFNAME.log_martians=1,net.ipv4.conf.IFNAME.forwarding=0"';
  for (const client of [dockerOk, berthOk]) {
    await client(
      'run',
      '-d',
      '--name',
      'web',
      '--network',
      `${long},${options}`,
      ...words('--network back busybox sleep 99'),
    );
    assert.deepEqual(await addresses(host, daemon, 'web'), [
      'wan0 10.8.0.9/24',
      'wan0 169.254.7.7/16',
      'wan0 fd00:8::9/64',
      'eth0 10.9.0.2/24',
    ]);
    assert.match(await dockerOk('exec', 'web', 'ip', 'link', 'show', 'wan0'), /02:42:0a:08:00:aa/);
    assert.equal(await dockerOk('exec', 'web', 'cat', '/proc/sys/net/ipv4/conf/wan0/log_martians'), '1');
    assert.equal(await route(daemon, 'web'), '10.8.0.1');
    const { front } = await endpointsOf(daemon, 'web');
    assert.deepEqual(front?.Aliases, ['www', 'w3']);
    assert.deepEqual(front?.IPAMConfig, {
      IPv4Address: '10.8.0.9',
      IPv6Address: 'fd00:8::9',
      LinkLocalIPs: ['169.254.7.7'],
    });
    assert.deepEqual([front?.GwPriority, front?.MacAddress], [7, '02:42:0a:08:00:aa']);
    assert.deepEqual(front?.DNSNames.slice(0, 3), ['web', 'www', 'w3']);
    await dockerOk('rm', '-f', 'web');
    // The same words as flags of `run`.
    await client(
      ...words('run -d --name web --network front --ip 10.8.0.9 --ip6 fd00:8::9 --mac-address 02:42:0a:08:00:ab'),
      ...words('--network-alias www --link-local-ip 169.254.7.8 busybox sleep 99'),
    );
    assert.deepEqual(await addresses(host, daemon, 'web'), [
      'eth0 10.8.0.9/24',
      'eth0 169.254.7.8/16',
      'eth0 fd00:8::9/64',
    ]);
    assert.match(await dockerOk('exec', 'web', 'ip', 'addr'), /02:42:0a:08:00:ab/);
    await dockerOk('rm', '-f', 'web');
  }
});

hostTest('the default route: by priority, then by name, never by an internal network', {}, async (host) => {
  const daemon = await host.startDaemon();
  const { dockerOk, berthOk } = daemon;
  await networks(daemon);
  await idle(daemon, 'web', '--network', 'inner');
  assert.equal(await route(daemon, 'web'), '');
  await dockerOk('network', 'connect', 'front', 'web');
  assert.equal(await route(daemon, 'web'), '10.8.0.1');
  await berthOk('network', 'connect', 'back', 'web');
  assert.equal(await route(daemon, 'web'), '10.9.0.1', 'back comes before front');
  await dockerOk('network', 'connect', '--gw-priority', '1', 'bridge', 'web');
  assert.equal(await route(daemon, 'web'), '172.17.0.1');
  await berthOk('network', 'disconnect', 'bridge', 'web');
  await dockerOk('network', 'disconnect', 'back', 'web');
  assert.equal(await route(daemon, 'web'), '10.8.0.1');
  await dockerOk('restart', '-t', '0', 'web');
  assert.equal(await route(daemon, 'web'), '10.8.0.1');
  await dockerOk('network', 'disconnect', '-f', 'front', 'web');
  assert.equal(await route(daemon, 'web'), '');
  const { inner } = await endpointsOf(daemon, 'web');
  assert.equal(inner?.IPAddress, '10.7.0.2');
});

hostTest('connect and disconnect with every option, running and stopped', {}, async (host) => {
  const daemon = await host.startDaemon();
  const { dockerOk, berthOk } = daemon;
  await networks(daemon);
  await idle(daemon, 'db', '--network', 'front');
  await idle(daemon, 'web');
  const flags = [
    ...words('--ip 10.8.0.77 --ip6 fd00:8::77 --alias www --link db:store --link-local-ip 169.254.3.3'),
    ...words('--driver-opt com.docker.network.endpoint.ifname=lan7 --gw-priority 3'),
  ];
  for (const client of [dockerOk, berthOk]) {
    for (const running of [true, false]) {
      if (!running) await dockerOk('stop', '-t', '0', 'web');
      await client('network', 'connect', ...flags, 'front', 'web');
      const { front } = await endpointsOf(daemon, 'web');
      assert.deepEqual([front?.Aliases, front?.Links, front?.GwPriority], [['www'], ['db:store'], 3]);
      if (!running) await dockerOk('start', 'web');
      assert.deepEqual(await addresses(host, daemon, 'web'), [
        'eth0 172.17.0.2/16',
        'lan7 10.8.0.77/24',
        'lan7 169.254.3.3/16',
        'lan7 fd00:8::77/64',
      ]);
      assert.deepEqual(await dig(daemon, 'web', 'store'), ['10.8.0.2']);
      assert.deepEqual(await dig(daemon, 'db', 'www'), ['10.8.0.77']);
      if (!running) await dockerOk('stop', '-t', '0', 'web');
      await client('network', 'disconnect', 'front', 'web');
      assert.deepEqual(Object.keys(await endpointsOf(daemon, 'web')), ['bridge']);
      if (!running) await dockerOk('start', 'web');
      assert.deepEqual(await addresses(host, daemon, 'web'), ['eth0 172.17.0.2/16']);
    }
  }
});

hostTest('an address is its container’s as long as that exists, whatever ends in between', {}, async (host) => {
  const daemon = await host.startDaemon();
  const { dockerOk, docker } = daemon;
  await networks(daemon);
  await idle(daemon, 'fixed', '--network', 'back', '--ip', '10.9.0.2');
  const takeAll = async (): Promise<string[]> => {
    const taken: string[] = [];
    for (const name of ['one', 'two', 'three']) {
      await idle(daemon, name, '--network', 'back');
      taken.push(...(await addresses(host, daemon, name)));
      await dockerOk('rm', '-f', name);
    }
    return taken;
  };
  const free = 'eth0 10.9.0.3/24';
  await dockerOk('stop', '-t', '0', 'fixed');
  assert.deepEqual(await takeAll(), [free, free, free]);
  await daemon.restart();
  assert.deepEqual(await takeAll(), [free, free, free]);
  await daemon.kill9();
  await daemon.restart();
  assert.deepEqual(await takeAll(), [free, free, free]);
  await dockerOk('start', 'fixed');
  assert.deepEqual(await addresses(host, daemon, 'fixed'), ['eth0 10.9.0.2/24']);
  assert.match(
    (await docker(...words('run --rm --network back --ip 10.9.0.2 busybox'))).stderr,
    /Address already in use/,
  );
  await daemon.kill9();
  await dockerOk('version').catch(() => undefined);
  await daemon.restart();
  assert.deepEqual(await addresses(host, daemon, 'fixed'), ['eth0 10.9.0.2/24']);
  await dockerOk('rm', '-f', 'fixed');
  await idle(daemon, 'heir', '--network', 'back');
  assert.deepEqual(await addresses(host, daemon, 'heir'), ['eth0 10.9.0.2/24']);
});

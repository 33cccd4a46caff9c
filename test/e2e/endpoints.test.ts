/** Containers on several networks: connect, disconnect, ports and links, over stop, start and the end of the daemon. */
import assert from 'node:assert/strict';
import type { Daemon } from '../support/daemon.ts';
import { hostTest, OUTSIDE } from '../support/host.ts';

/** 'eth0 10.9.0.7/24' … of all interfaces but lo. */
async function addresses({ dockerOk }: Daemon, name: string): Promise<string[]> {
  const text = await dockerOk('exec', name, 'ip', '-o', '-4', 'addr');
  return [...text.matchAll(/^\d+: (?!lo)(\S+)\s+inet (\S+)/gm)].map(([, link, address]) => `${link} ${address}`);
}

const networks = ({ dockerOk }: Daemon, name: string): Promise<string> =>
  dockerOk('inspect', '-f', '{{range $name, $_ := .NetworkSettings.Networks}}{{$name}} {{end}}', name);

async function twoNetworks({ dockerOk, berthOk }: Daemon): Promise<void> {
  await dockerOk('network', 'create', '--subnet', '10.8.0.0/24', 'front');
  await berthOk('network', 'create', '--subnet', '10.9.0.0/24', 'back');
}

hostTest(
  'several networks at once, and what changes outlives stop, start and kill -9 of the daemon',
  {},
  async (host) => {
    const daemon = await host.startDaemon();
    const { dockerOk, berthOk } = daemon;
    await twoNetworks(daemon);
    const both = ['--network', 'name=front,ip=10.8.0.9,alias=www', '--network', 'name=back,ip=10.9.0.9', 'busybox'];
    await berthOk('run', '-d', '--name', 'web', ...both, 'sleep', '1000');
    assert.deepEqual(await addresses(daemon, 'web'), ['eth0 10.8.0.9/24', 'eth1 10.9.0.9/24']);

    await dockerOk('network', 'disconnect', 'front', 'web');
    await dockerOk('network', 'connect', '--gw-priority', '5', 'bridge', 'web');
    assert.equal((await networks(daemon, 'web')).trim(), 'back bridge');
    assert.match(await dockerOk('exec', 'web', 'ip', 'route'), /^default via 172\.17\.0\.1 /m);
    await daemon.kill9();
    await daemon.restart();
    assert.equal((await networks(daemon, 'web')).trim(), 'back bridge');
    await dockerOk('stop', '-t', '0', 'web');
    // Its address is kept for it while it does not run.
    await dockerOk('run', '-d', '--name', 'other', '--network', 'back', 'busybox', 'sleep', '1000');
    await berthOk('network', 'connect', '--ip', '10.8.0.77', '--alias', 'late', 'front', 'web');
    await berthOk('network', 'disconnect', 'bridge', 'web');
    await daemon.kill9();
    await daemon.restart();
    await dockerOk('start', 'web');
    // The network of the mode that was asked for comes first again.
    assert.deepEqual(await addresses(daemon, 'web'), ['eth0 10.8.0.77/24', 'eth1 10.9.0.9/24']);
    const [settings] = JSON.parse(await berthOk('inspect', 'web')) as {
      NetworkSettings: { Networks: Record<string, { Aliases: string[]; DNSNames: string[] }> };
    }[];
    const front = settings?.NetworkSettings.Networks['front'];
    assert.deepEqual(front?.Aliases, ['late']);
    assert.deepEqual(front?.DNSNames.slice(0, 2), ['web', 'late']);
    await dockerOk('rename', 'web', 'shop');
    assert.match(await dockerOk('network', 'inspect', 'front'), /"Name": "shop"/);
    for (const name of ['shop', 'other']) await dockerOk('rm', '-f', name);
    await dockerOk('network', 'rm', 'front', 'back');
  },
);

hostTest('from no network at all to one', {}, async (host) => {
  const daemon = await host.startDaemon();
  const { dockerOk } = daemon;
  await twoNetworks(daemon);
  await dockerOk('run', '-d', '--name', 'alone', '--network', 'none', 'busybox', 'sleep', '1000');
  await dockerOk('network', 'disconnect', 'none', 'alone');
  assert.equal((await networks(daemon, 'alone')).trim(), '');
  await dockerOk('network', 'connect', 'front', 'alone');
  assert.deepEqual(await addresses(daemon, 'alone'), ['eth0 10.8.0.2/24']);
  await dockerOk('network', 'disconnect', 'front', 'alone');
  await dockerOk('restart', '-t', '0', 'alone');
  assert.deepEqual(await addresses(daemon, 'alone'), []);
  await dockerOk('network', 'connect', 'back', 'alone');
  assert.deepEqual(await addresses(daemon, 'alone'), ['eth0 10.9.0.2/24']);
  assert.equal((await networks(daemon, 'alone')).trim(), 'back');
});

hostTest('published ports change while the container runs and while it does not', { outside: true }, async (host) => {
  const daemon = await host.startDaemon();
  const { dockerOk, berthOk } = daemon;
  await twoNetworks(daemon);
  await dockerOk(
    'run',
    '-d',
    '--name',
    'web',
    '--network',
    'front',
    '-p',
    '8080:80',
    'busybox',
    'httpd',
    '-f',
    '-p',
    '80',
  );
  const answers = async (port: number): Promise<boolean> =>
    (await host.outside.exec(['socat', '-u', '/dev/null', `TCP:${OUTSIDE.host4}:${port},connect-timeout=2`])).code ===
    0;
  assert.deepEqual([await answers(8080), await answers(9090)], [true, false]);
  assert.equal(
    await berthOk('port', 'web', '--add', '9090:80', '--rm', '8080:80'),
    '80/tcp -> 0.0.0.0:9090\n80/tcp -> [::]:9090',
  );
  assert.deepEqual([await answers(8080), await answers(9090)], [false, true]);
  // The port follows to the network by which the container is reached.
  await dockerOk('network', 'connect', 'back', 'web');
  await dockerOk('network', 'disconnect', 'front', 'web');
  assert.equal(await answers(9090), true);
  await daemon.kill9();
  await daemon.restart();
  assert.deepEqual([await answers(8080), await answers(9090)], [false, true]);
  await dockerOk('stop', '-t', '0', 'web');
  await berthOk('port', 'web', '--add', '127.0.0.1:7070:80', '--rm', '80/tcp');
  await dockerOk('start', 'web');
  assert.equal(await dockerOk('port', 'web'), '80/tcp -> 127.0.0.1:7070');
  assert.match(await dockerOk('ps'), /127\.0\.0\.1:7070->80\/tcp/);
  assert.equal(await dockerOk('ps', '-q', '--filter', 'publish=7070'), await dockerOk('ps', '-q'));
  assert.equal(await dockerOk('ps', '-q', '--filter', 'publish=80'), '', 'the host has another');
  assert.deepEqual([await answers(9090), await answers(7070)], [false, false]);
  await dockerOk('rm', '-f', 'web');
});

hostTest('links of the default bridge: variables, hosts entries, names', {}, async (host) => {
  const daemon = await host.startDaemon();
  const { dockerOk, berthOk } = daemon;
  await dockerOk('run', '-d', '--name', 'db', '--expose', '5432', '-e', 'USER=me', 'busybox', 'sleep', '1000');
  for (const client of [dockerOk, berthOk]) {
    const env = await client('run', '--rm', '--name', 'app', '--link', 'db:my-db', 'busybox', 'env');
    for (const line of [
      'MY_DB_NAME=/app/my-db',
      'MY_DB_PORT=tcp://172.17.0.2:5432',
      'MY_DB_PORT_5432_TCP_ADDR=172.17.0.2',
      'MY_DB_ENV_USER=me',
    ])
      assert.ok(env.split('\n').includes(line), `${line} in ${env}`);
  }
  await dockerOk('run', '-d', '--name', 'app', '--link', 'db:store', 'busybox', 'sleep', '1000');
  assert.match(await dockerOk('exec', 'app', 'cat', '/etc/hosts'), /^172\.17\.0\.2\tstore [0-9a-f]{12} db$/m);
  assert.equal(await dockerOk('inspect', '-f', '{{.HostConfig.Links}}', 'app'), '[/db:/app/store]');
  assert.match(await dockerOk('ps', '--no-trunc', '--filter', 'name=db'), /db,app\/store$/m);
  await dockerOk('rm', '--link', 'app/store');
  assert.equal(await dockerOk('inspect', '-f', '{{.HostConfig.Links}}', 'app'), '[]');
});

/** Published ports in every form, by connections from the host, from outside and from containers. */
import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import type { Daemon } from '../support/daemon.ts';
import { hostTest, OUTSIDE } from '../support/host.ts';
import { until } from '../support/wait.ts';
import { ask, idle, inside, serve, words } from './support.ts';

const portOf = async ({ dockerOk }: Daemon, name: string, port: string): Promise<number> =>
  Number((await dockerOk('port', name, port)).split('\n')[0]?.replace(/^.*:/, ''));

hostTest('all addresses, one address, 127.0.0.1, UDP; who is seen as the client', { outside: true }, async (host) => {
  const daemon = await host.startDaemon();
  const { dockerOk, berthOk } = daemon;
  await dockerOk('network', 'create', '--subnet', '10.8.0.0/24', '--ipv6', '--subnet', 'fd00:8::/64', 'front');
  await serve(
    daemon,
    'web',
    [
      ...words('--network name=front,ip=10.8.0.5,ip6=fd00:8::5 -p 8080:80 -p 8080:80/udp -p 127.0.0.1:8081:80'),
      ...words(`-p ${OUTSIDE.host4}:8082:81 -p [${OUTSIDE.host6}]:8083:81 -p [::1]:8084:81`),
    ],
    [80, 81],
  );
  await idle(daemon, 'peer', '--network', 'front');
  await idle(daemon, 'other', '--network', 'bridge');
  const { outside } = host;
  const [web, peer, other] = ['web', 'peer', 'other'].map((name) => inside(daemon, name));
  assert.ok(web && peer && other);
  const rows: [from: Parameters<typeof ask>[0], address: string, port: number, answer: RegExp][] = [
    [outside, OUTSIDE.host4, 8080, /^web 198\.51\.100\.1$/],
    [outside, OUTSIDE.host6, 8080, /^web 2001:db8:51::1$/],
    [host, OUTSIDE.host4, 8080, /^web 198\.51\.100\.2$/],
    [host, OUTSIDE.host6, 8080, /^web 2001:db8:51::2$/],
    [host, '127.0.0.1', 8080, /^web 10\.8\.0\.1$/],
    [host, '127.0.0.2', 8080, /^web 10\.8\.0\.1$/],
    [host, '::1', 8080, /^web fd00:8::1$/],
    [host, '10.8.0.1', 8080, /^web 10\.8\.0\.1$/],
    // Hairpin: itself, another on the network, another on another network.
    [web, OUTSIDE.host4, 8080, /^web 10\.8\.0\.1$/],
    [peer, OUTSIDE.host4, 8080, /^web 10\.8\.0\.1$/],
    [peer, OUTSIDE.host6, 8080, /^web fd00:8::1$/],
    [peer, '10.8.0.1', 8080, /^web 10\.8\.0\.1$/],
    [other, OUTSIDE.host4, 8080, /^web \S+$/],
    [other, '172.17.0.1', 8080, /^web \S+$/],
  ];
  const tcp: typeof rows = [
    [host, '127.0.0.1', 8081, /^web 10\.8\.0\.1$/],
    [host, OUTSIDE.host4, 8081, /^$/],
    [outside, OUTSIDE.host4, 8081, /^$/],
    [peer, OUTSIDE.host4, 8081, /^$/],
    [outside, OUTSIDE.host4, 8082, /^web 198\.51\.100\.1$/],
    [host, '127.0.0.1', 8082, /^$/],
    [outside, OUTSIDE.host6, 8083, /^web 2001:db8:51::1$/],
    [host, '::1', 8083, /^$/],
    [host, '::1', 8084, /^web /],
    [outside, OUTSIDE.host6, 8084, /^$/],
    // Not by a route to the container.
    [other, '10.8.0.5', 80, /^$/],
    [other, '10.8.0.5', 82, /^$/],
  ];
  await outside.run('ip', 'route', 'add', '10.8.0.0/24', 'via', OUTSIDE.host4);
  await outside.run('ip', '-6', 'route', 'add', 'fd00:8::/64', 'via', OUTSIDE.host6);
  tcp.push([outside, '10.8.0.5', 80, /^$/], [outside, '10.8.0.5', 81, /^$/], [outside, 'fd00:8::5', 80, /^$/]);
  const failures: string[] = [];
  const check = async (list: typeof rows, protocol: 'tcp' | 'udp'): Promise<void> => {
    await Promise.all(
      list.map(async ([from, address, port, wanted]) => {
        const answer = await ask(from, address, port, protocol);
        if (!wanted.test(answer)) failures.push(`${protocol} ${address}:${port}: '${answer}', wanted ${wanted}`);
      }),
    );
  };
  await check([...rows, ...tcp], 'tcp');
  await check(rows, 'udp');
  assert.deepEqual(failures, []);
  for (const client of [dockerOk, berthOk]) {
    assert.equal(
      await client('port', 'web'),
      [
        '80/tcp -> 0.0.0.0:8080',
        '80/tcp -> [::]:8080',
        '80/tcp -> 127.0.0.1:8081',
        '80/udp -> 0.0.0.0:8080',
        '80/udp -> [::]:8080',
        `81/tcp -> ${OUTSIDE.host4}:8082`,
        '81/tcp -> [::1]:8084',
        `81/tcp -> [${OUTSIDE.host6}]:8083`,
      ]
        .toSorted()
        .join('\n'),
    );
    assert.equal(await client('port', 'web', '80/udp'), '0.0.0.0:8080\n[::]:8080');
  }
});

hostTest('ranges, random ports, -P', {}, async (host) => {
  const daemon = await host.startDaemon();
  const { dockerOk } = daemon;
  await dockerOk('network', 'create', 'front');
  await serve(
    daemon,
    'many',
    ['--network', 'front', '-p', '7000-7003:80-83', '-p', '84', '-p', '7100-7110:85'],
    [80, 83, 84, 85],
  );
  assert.equal(await ask(host, '127.0.0.1', 7000), 'many 172.18.0.1');
  assert.equal(await ask(host, '127.0.0.1', 7003), 'many 172.18.0.1');
  const random = await portOf(daemon, 'many', '84');
  assert.ok(random >= 32768 && random <= 60999, `${random} is of the ephemeral range`);
  assert.equal(await ask(host, '127.0.0.1', random), 'many 172.18.0.1');
  assert.equal(await portOf(daemon, 'many', '85'), 7100);
  // Each further one takes the next of the range.
  await idle(daemon, 'next', '--network', 'front', '-p', '7100-7110:85');
  assert.equal(await portOf(daemon, 'next', '85'), 7101);
  await idle(daemon, 'all', '--network', 'front', '-P', '--expose', '90-91', '--expose', '92/udp');
  const published = (await dockerOk('port', 'all')).split('\n');
  assert.equal(published.length, 6, published.join('\n'));
  const both = (port: string): string[] =>
    published.filter((line) => line.startsWith(port)).map((line) => line.replace(/^.*:/, ''));
  for (const port of ['90/tcp', '91/tcp', '92/udp'])
    assert.equal(new Set(both(port)).size, 1, 'one port for both families');
  await dockerOk('restart', '-t', '0', 'all');
  assert.equal((await dockerOk('port', 'all')).split('\n').length, 6);
});

hostTest('what is taken is refused before anything starts, and by whom', { outside: true }, async (host) => {
  const daemon = await host.startDaemon();
  const { docker, berth, dockerOk } = daemon;
  await dockerOk('network', 'create', 'front');
  await idle(daemon, 'holder', '--network', 'front', '-p', '8080:80', '-p', '127.0.0.1:8081:80');
  host.spawn(['socat', 'TCP-LISTEN:8090,fork,bind=0.0.0.0', 'SYSTEM:true']);
  await until(async () => (await host.run('ss', '-Hltn')).includes(':8090'), 3000);
  const snapshot = async (): Promise<string[]> => [
    await host.run('nft', 'list', 'ruleset'),
    await host.run('ss', '-Hltun'),
    (await host.run('ip', '-o', 'link')).replaceAll(/state \S+/g, ''),
    await dockerOk('network', 'inspect', 'front'),
  ];
  const before = await snapshot();
  // The address that is named is the holder's.
  const cases: [ports: string[], says: RegExp][] = [
    [['8080:80'], /Bind for 0\.0\.0\.0:8080 failed: port is already allocated.*holder/],
    [['9090:80', '8080:81'], /Bind for 0\.0\.0\.0:8080 failed: port is already allocated.*holder/],
    [['127.0.0.1:8080:80'], /Bind for 0\.0\.0\.0:8080 failed: port is already allocated.*holder/],
    [['8081:80'], /Bind for 127\.0\.0\.1:8081 failed: port is already allocated.*holder/],
    [['8090:80'], /failed to bind host port 0\.0\.0\.0:8090\/tcp: address already in use/],
    [['203.0.113.9:80:80'], /failed to bind host port 203\.0\.113\.9:80\/tcp: cannot assign requested address/],
    [['8080-8080:80'], /8080 failed: port is already allocated/],
  ];
  const failures: string[] = [];
  for (const [ports, says] of cases) {
    for (const client of [docker, berth]) {
      const { code, stderr } = await client(
        ...words(`run --rm --network front ${ports.map((port) => `-p ${port}`).join(' ')} busybox echo started`),
      );
      if (code !== 125 || !says.test(stderr)) failures.push(`${ports.join(' ')}: ${code} ${stderr}`);
    }
  }
  assert.deepEqual(failures, []);
  // The kernel ends the last one's interface some 30 ms later.
  await until(async () => isDeepStrictEqual(await snapshot(), before), 3000).catch(() => undefined);
  assert.deepEqual(await snapshot(), before, 'nothing came of it');
  // UDP is another thing, and so is another address.
  await dockerOk(
    'run',
    '--rm',
    '--network',
    'front',
    '-p',
    '8080:80/udp',
    '-p',
    '127.0.0.2:8081:80',
    'busybox',
    'true',
  );
  await dockerOk('stop', '-t', '0', 'holder');
  await dockerOk('run', '--rm', '--network', 'front', '-p', '8080:80', 'busybox', 'true');
  await dockerOk('start', 'holder');
  // In the host's own PID namespace.
  await host.run('sh', '-c', 'for p in $(pgrep -x socat); do kill $p; done');
});

hostTest(
  'ports change while the container runs: berth port --add, --rm, and the API',
  { outside: true },
  async (host) => {
    const daemon = await host.startDaemon();
    const { berthOk, berth, dockerOk } = daemon;
    await dockerOk('network', 'create', 'front');
    await serve(daemon, 'web', ['--network', 'front', '-p', '8080:80']);
    await berthOk('port', 'web', '--add', '9000:80', '--add', '9001:80/udp');
    assert.equal(await ask(host.outside, OUTSIDE.host4, 9000), `web ${OUTSIDE.ip4}`);
    assert.equal(await ask(host.outside, OUTSIDE.host4, 9001, 'udp'), `web ${OUTSIDE.ip4}`);
    assert.equal(await ask(host, '::1', 9000), 'web 172.18.0.1');
    await berthOk('port', 'web', '--rm', '9000:80');
    assert.equal(await ask(host.outside, OUTSIDE.host4, 9000), '');
    assert.equal(await ask(host.outside, OUTSIDE.host4, 8080), `web ${OUTSIDE.ip4}`);
    assert.match((await berth('port', 'web', '--add', '8080:81')).stderr, /8080 failed: port is already allocated/);
    const path = '/containers/web/ports';
    const { status, body } = await daemon.api<{ Ports: object }>('POST', path, {
      Add: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '9002' }] },
      Remove: { '80/udp': null },
    });
    assert.equal(status, 200);
    const wanted = ['0.0.0.0 8080', '127.0.0.1 9002', ':: 8080'];
    const ports = Object.values(body.Ports).flatMap((list) => list as { HostIp: string; HostPort: string }[]);
    assert.deepEqual(ports.map(({ HostIp, HostPort }) => `${HostIp} ${HostPort}`).toSorted(), wanted);
    assert.equal(await ask(host, '127.0.0.1', 9002), 'web 172.18.0.1');
    assert.equal(await ask(host.outside, OUTSIDE.host4, 9001, 'udp'), '');
    // It is the same after a new start, of the daemon and of the container.
    await daemon.kill9();
    await daemon.restart();
    await dockerOk('network', 'create', 'back');
    await dockerOk('network', 'connect', '--gw-priority', '9', 'back', 'web');
    for (const restart of [false, true]) {
      if (restart) await dockerOk('restart', '-t', '0', 'web');
      const list = (await dockerOk('port', 'web')).split('\n');
      assert.deepEqual(list, ['80/tcp -> 0.0.0.0:8080', '80/tcp -> [::]:8080', '80/tcp -> 127.0.0.1:9002'].toSorted());
    }
  },
);

hostTest('206 ports', { outside: true }, async (host) => {
  const daemon = await host.startDaemon();
  await daemon.dockerOk('network', 'create', 'front');
  await serve(daemon, 'web', ['--network', 'front', '-p', '20000-20205:1000-1205'], [1000, 1205]);
  assert.equal((await daemon.dockerOk('port', 'web')).split('\n').length, 412);
  for (const port of [20000, 20205]) assert.equal(await ask(host.outside, OUTSIDE.host4, port), `web ${OUTSIDE.ip4}`);
  assert.equal(await ask(host, '::1', 20205), 'web 172.18.0.1');
  await daemon.kill9();
  await daemon.restart();
  assert.equal(await ask(host.outside, OUTSIDE.host4, 20205), `web ${OUTSIDE.ip4}`);
  await daemon.dockerOk('rm', '-f', 'web');
  assert.doesNotMatch(await host.run('ss', '-Hltun'), /:20\d\d\d /);
  assert.doesNotMatch(await host.run('nft', 'list', 'ruleset'), /20205/);
});

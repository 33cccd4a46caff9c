/** `network create`, `inspect`, `ls`, `prune` and `rm`, through the stock client, berth and the API. */
import assert from 'node:assert/strict';
import type { Daemon } from '../support/daemon.ts';
import { hostTest } from '../support/host.ts';
import { addresses, idle, words } from './support.ts';

const names = async (client: Daemon['dockerOk'], ...flags: string[]): Promise<string[]> =>
  (await client('network', 'ls', '--format', '{{.Name}}', ...flags)).split('\n').filter(Boolean);
const USER = ['-f', 'type=custom'];

hostTest('the lines of the tutorial', {}, async (host) => {
  const daemon = await host.startDaemon({ args: ['--bip', '172.17.0.1/20'] });
  const { dockerOk, berthOk, berth, docker } = daemon;
  for (const client of [dockerOk, berthOk]) {
    assert.match(await client('network', 'create', '--driver', 'bridge', 'bridge1'), /^[0-9a-f]{64}$/);
    await client(...words('network create --driver bridge --subnet 172.17.16.0/24 --gateway 172.17.16.1'), 'bridge2');
    assert.match(
      await client('run', '--rm', '-i', '--network=bridge2', '--ip=172.17.16.3', 'busybox', 'ip', 'addr'),
      /inet 172\.17\.16\.3\/24 brd 172\.17\.16\.255 scope global eth0/,
    );
    assert.match(await client('run', '--rm', '--network=bridge1', 'busybox', 'ip', 'addr'), /172\.18\.0\.2\/16/);
    assert.equal(await client('network', 'rm', 'bridge1', 'bridge2'), 'bridge1\nbridge2');
  }
  const mistyped = ['network', 'create', '--subnet', '172.17.16.0/24', '--dateway', '172.17.16.1', 'bridge2'];
  assert.match((await berth(...mistyped)).stderr, /--gateway/);
  assert.equal((await docker(...mistyped)).code, 125);
  await daemon.stop();
  const usual = await host.startDaemon();
  const refused = await usual.docker('network', 'create', '--subnet', '172.17.16.0/24', 'bridge2');
  assert.equal(refused.code, 1);
  assert.match(
    refused.stderr,
    /invalid pool request: Pool overlaps with other one on this address space: 172\.17\.16\.0\/24 overlaps 172\.17\.0\.0\/16 of network bridge; (\S+) is free/,
  );
  const free = /; (\S+) is free/.exec(refused.stderr)?.[1] ?? '';
  await usual.dockerOk('network', 'create', '--subnet', free, 'bridge2');
  await usual.dockerOk('network', 'rm', 'bridge2');
});

/** The stock client prints labels in the order of a Go map. */
const inOrder = (text: string): string =>
  text.replaceAll(/\w+=\w*(,\w+=\w*)+/g, (labels) => labels.split(',').toSorted().join(','));

hostTest('ls: every filter and format, the same from both clients', {}, async (host) => {
  const daemon = await host.startDaemon();
  const { dockerOk, berthOk, docker, berth } = daemon;
  await dockerOk('network', 'create', '--label', 'tier=front', '--label', 'x', 'front');
  await berthOk('network', 'create', '--label', 'tier=back', '--internal', 'back');
  await dockerOk('network', 'create', '--config-only', '--subnet', '10.4.0.0/24', 'plan');
  await idle(daemon, 'web', '--network', 'front');
  const id = await dockerOk('network', 'inspect', '-f', '{{.Id}}', 'front');
  const cases: [flags: string[], names: string[]][] = [
    [[], ['back', 'bridge', 'front', 'host', 'none', 'plan']],
    [
      ['-f', 'driver=bridge'],
      ['back', 'bridge', 'front'],
    ],
    [
      ['-f', 'driver=null', '-f', 'driver=host'],
      ['host', 'none', 'plan'],
    ],
    [['-f', `id=${id}`], ['front']],
    [['-f', `id=${id.slice(0, 7)}`], ['front']],
    [
      ['-f', 'label=tier'],
      ['back', 'front'],
    ],
    [['-f', 'label=tier=back'], ['back']],
    [['-f', 'label=tier', '-f', 'label=x'], ['front']],
    [['-f', 'name=ron'], ['front']],
    [
      ['-f', 'name=^b', '-f', 'name=plan'],
      ['back', 'bridge', 'plan'],
    ],
    [['-f', 'scope=swarm'], []],
    [
      ['-f', 'scope=local', '-f', 'type=builtin'],
      ['bridge', 'host', 'none'],
    ],
    [USER, ['back', 'front', 'plan']],
    [
      ['-f', 'dangling=true'],
      ['back', 'plan'],
    ],
    [['-f', 'dangling=false', '-f', 'type=custom'], ['front']],
  ];
  for (const [flags, wanted] of cases) {
    for (const client of [dockerOk, berthOk]) assert.deepEqual(await names(client, ...flags), wanted, flags.join(' '));
  }
  for (const flags of [
    ['-q'],
    ['-q', '--no-trunc'],
    ['--no-trunc'],
    ['--format', 'table {{.ID}}\t{{.Name}}\t{{.Internal}}\t{{.IPv6}}\t{{.Labels}}\t{{.Label "tier"}}'],
    ['--format', 'json'],
    ['--format', '{{json .}}'],
  ]) {
    const [own, theirs] = [await berthOk('network', 'ls', ...flags), await dockerOk('network', 'ls', ...flags)];
    assert.equal(inOrder(own), inOrder(theirs), flags.join(' '));
  }
  for (const client of [docker, berth]) {
    assert.match((await client('network', 'ls', '-f', 'nonesuch=1')).stderr, /invalid filter 'nonesuch'/);
    assert.match((await client('network', 'ls', '-f', 'type=odd')).stderr, /invalid filter: 'type'='odd'|type/);
    assert.match((await client('network', 'ls', '-f', 'dangling=odd')).stderr, /dangling/);
  }
});

hostTest('inspect: several, formats, verbose, what is missing', {}, async (host) => {
  const daemon = await host.startDaemon();
  const { dockerOk, berthOk, docker, berth } = daemon;
  await dockerOk('network', 'create', '--subnet', '10.8.0.0/24', 'front');
  const id = await dockerOk('network', 'inspect', '-f', '{{.Id}}', 'front');
  for (const client of [dockerOk, berthOk]) {
    const format = ['-f', '{{.Name}} {{range .IPAM.Config}}{{.Subnet}} {{.Gateway}}{{end}}'];
    assert.equal(await client('network', 'inspect', ...format, 'front', 'none'), 'front 10.8.0.0/24 10.8.0.1\nnone ');
    assert.equal(await client('network', 'inspect', '-f', '{{.Name}}', id.slice(0, 6)), 'front');
    assert.match(await client('network', 'inspect', '-v', 'front'), /"Name": "front"/);
    assert.match(await client('inspect', 'front'), /"Name": "front"/);
  }
  for (const client of [docker, berth]) {
    const { code, stdout, stderr } = await client('network', 'inspect', 'front', 'nonesuch');
    assert.deepEqual([code, (JSON.parse(stdout) as unknown[]).length], [1, 1]);
    assert.match(stderr, /network nonesuch not found/);
  }
  const scoped = await daemon.api('GET', '/networks/front?scope=swarm');
  assert.equal(scoped.status, 404);
});

hostTest('rm and prune', {}, async (host) => {
  const daemon = await host.startDaemon();
  const { dockerOk, berthOk, docker, berth } = daemon;
  const create = async (...list: string[]): Promise<void> => {
    for (const name of list) await dockerOk('network', 'create', '--label', `of=${name}`, name);
  };
  await create('used', 'stopped', 'free', 'other');
  await idle(daemon, 'web', '--network', 'used');
  await dockerOk('create', '--name', 'later', '--network', 'stopped', 'busybox');
  for (const client of [docker, berth]) {
    const busy = await client('network', 'rm', 'used', 'nonesuch');
    assert.equal(busy.code, 1);
    assert.match(busy.stderr, /network used has active endpoints \(name:"web" id:"[0-9a-f]{12}"\)/);
    assert.match(busy.stderr, /network nonesuch not found/);
    assert.equal((await client('network', 'rm', '-f', 'nonesuch')).code, 0);
  }
  for (const client of [dockerOk, berthOk]) {
    assert.match(await client('network', 'prune', '-f', '--filter', 'label=of=free'), /^Deleted Networks:\nfree\n?$/);
    assert.equal(await client('network', 'prune', '-f', '--filter', 'until=1h'), '');
    assert.equal(await client('network', 'prune', '-f', '--filter', 'label!=of'), '');
    assert.deepEqual(await names(client, ...USER), ['other', 'stopped', 'used']);
    await create('free');
  }
  // A container that does not run holds no network, as in Docker; its start says what is missing.
  const pruned = await berthOk('network', 'prune', '-f');
  assert.deepEqual(pruned.trim().split('\n').toSorted(), ['Deleted Networks:', 'free', 'other', 'stopped']);
  assert.match((await docker('start', 'later')).stderr, /network [0-9a-z]+ not found/);
  await dockerOk('rm', '-f', 'web');
  assert.equal(await dockerOk('network', 'rm', 'used'), 'used');
  assert.deepEqual(await names(dockerOk), ['bridge', 'host', 'none']);
  assert.equal((await host.exec(['sh', '-c', 'ip -o link | grep br-'])).stdout, '', 'no bridge is left');
});

hostTest('settings of networks: both families, ranges, pools, options, config-from', {}, async (host) => {
  const daemon = await host.startDaemon({ args: ['--default-address-pool', 'base=10.20.0.0/16,size=24'] });
  const { dockerOk, berthOk } = daemon;
  const address = async (network: string, ...flags: string[]): Promise<string[]> => {
    await idle(daemon, `on-${network}`, '--network', network, ...flags);
    return addresses(host, daemon, `on-${network}`);
  };
  await dockerOk('network', 'create', '--ipv6', 'auto');
  // docker0 has the first /24 of the pool.
  assert.match((await address('auto')).join(' '), /^eth0 10\.20\.1\.2\/24 eth0 fd[0-9a-f:]+::2\/64$/);
  const range = ['--subnet', '10.8.0.0/16', '--ip-range', '10.8.5.0/29', '--gateway', '10.8.5.3'];
  await berthOk('network', 'create', ...range, '--aux-address', 'host=10.8.5.1', 'range');
  assert.deepEqual(await address('range'), ['eth0 10.8.5.0/16'], 'the first of the range that nobody has');
  await dockerOk('network', 'create', '--ipv4=false', '--ipv6', '--subnet', 'fd00:8::/64', 'six');
  assert.deepEqual(await address('six'), ['eth0 fd00:8::2/64']);
  for (const client of [daemon.docker, daemon.berth]) {
    const bare = await client('network', 'create', '--ipam-driver', 'null', 'bare');
    assert.match(bare.stderr, /ipv4 pool is empty/, 'a bridge needs addresses');
  }
  await dockerOk(
    ...words('network create --config-only --subnet 10.4.0.0/24 -o com.docker.network.driver.mtu=1400'),
    'settings',
  );
  await berthOk('network', 'create', '--config-from', 'settings', 'made');
  assert.deepEqual(await address('made'), ['eth0 10.4.0.2/24']);
  assert.equal(await dockerOk('exec', 'on-made', 'cat', '/sys/class/net/eth0/mtu'), '1400');
  const named = ['-o', 'com.docker.network.bridge.name=lan0', '-o', 'com.docker.network.container_iface_prefix=lan'];
  await dockerOk('network', 'create', '--subnet', '10.5.0.0/24', ...named, 'named');
  assert.deepEqual(await address('named'), ['lan0 10.5.0.2/24']);
  assert.match(await host.run('brctl', 'show', 'lan0'), /lan0\s.*veth/);
  await daemon.kill9();
  await daemon.restart();
  await dockerOk('restart', '-t', '0', 'on-named', 'on-range', 'on-six');
  assert.deepEqual(await addresses(host, daemon, 'on-range'), ['eth0 10.8.5.0/16']);
  assert.deepEqual(await addresses(host, daemon, 'on-six'), ['eth0 fd00:8::2/64']);
  assert.deepEqual(await addresses(host, daemon, 'on-named'), ['lan0 10.5.0.2/24']);
});

/**
 * What somebody else takes away is there again soon, shown by packets; what is not Berth's stays as it is.
 * Each step asks until the answer comes; how soon it does, the bench says.
 */
import assert from 'node:assert/strict';
import type { Daemon } from '../support/daemon.ts';
import { hostTest, OUTSIDE } from '../support/host.ts';
import type { Host } from '../support/host.ts';
import { until } from '../support/wait.ts';
import { ask, dig, enter, idle, inside, serve, words } from './support.ts';

const FOREIGN = `
table inet mine {
  chain input {
    type filter hook input priority 0; policy accept;
    tcp dport 9999 drop
  }
}
table ip filter {
  chain mine {
    tcp dport 9998 drop
  }
}
`;

async function prepare(host: Host, backend: string, name = 'd'): Promise<Daemon> {
  const daemon = await host.startDaemon({ name, args: [`--firewall-backend=${backend}`] });
  await daemon.dockerOk(
    ...words('network create --subnet 10.8.0.0/24 --ipv6 --subnet fd00:8::/64'),
    ...words('-o com.docker.network.bridge.name=front0 front'),
  );
  await serve(daemon, 'web', ['--network', 'front', '--ip', '10.8.0.5', '--ip6', 'fd00:8::5', '-p', '8080:80']);
  await idle(daemon, 'peer', '--network', 'front');
  return daemon;
}

/** All ways to 'web', and 'peer's way out; what does not work. */
async function broken(host: Host, daemon: Daemon): Promise<string[]> {
  const peer = inside(daemon, 'peer');
  const ways: [name: string, works: () => Promise<boolean>][] = [
    ['outside → published port', async () => (await ask(host.outside, OUTSIDE.host4, 8080)) === `web ${OUTSIDE.ip4}`],
    [
      'outside → published port, IPv6',
      async () => (await ask(host.outside, OUTSIDE.host6, 8080)) === `web ${OUTSIDE.ip6}`,
    ],
    ['host → 127.0.0.1', async () => (await ask(host, '127.0.0.1', 8080)).startsWith('web ')],
    ['host → [::1]', async () => (await ask(host, '::1', 8080)).startsWith('web ')],
    ['container → container', async () => (await ask(peer, '10.8.0.5', 80)).startsWith('web 10.8.0.')],
    ['container → container, IPv6', async () => (await ask(peer, 'fd00:8::5', 80)).startsWith('web fd00:8::')],
    ['container → published port', async () => (await ask(peer, OUTSIDE.host4, 8080)).startsWith('web ')],
    ['name', async () => (await dig(daemon, 'peer', 'web')).join() === '10.8.0.5'],
    [
      'container → outside',
      async () => (await peer.exec(['ping', '-c1', '-W1', OUTSIDE.ip4])).stdout.includes(' 0% packet loss'),
    ],
  ];
  const found = await Promise.all(ways.map(async ([name, works]) => ((await works()) ? [] : [name])));
  return found.flat();
}

const DAMAGE: readonly [what: string, command: string][] = [
  ['the rules', 'nft flush ruleset'],
  ['the bridge', 'ip link del front0'],
  ['the bridge is down', 'ip link set front0 down'],
  ['the bridge’s address', 'ip addr del 10.8.0.1/24 dev front0'],
  ['the bridge’s IPv6 address', 'ip addr del fd00:8::1/64 dev front0'],
  ['the route to the network', 'ip route del 10.8.0.0/24 dev front0'],
  ['the IPv6 route to the network', 'ip -6 route del fd00:8::/64 dev front0'],
  ['a veth', "ip link del $(ip -j link show master front0 | grep -o 'veth[0-9a-z]*' | head -1)"],
  ['a veth is taken out', "ip link set $(ip -j link show master front0 | grep -o 'veth[0-9a-z]*' | tail -1) nomaster"],
  ['a veth is down', "ip link set $(ip -j link show master front0 | grep -o 'veth[0-9a-z]*' | head -1) down"],
];

/** Inside the container, from outside. */
const INSIDE: readonly [what: string, command: string][] = [
  ['the address', 'ip addr del 10.8.0.5/24 dev eth0'],
  ['the IPv6 address', 'ip addr del fd00:8::5/64 dev eth0'],
  ['the default route', 'ip route del default'],
  ['the IPv6 default route', 'ip -6 route del default'],
  ['eth0', 'ip link del eth0'],
  ['eth0 is down', 'ip link set eth0 down'],
];

async function heals(host: Host, daemon: Daemon, what: string): Promise<void> {
  // Packets get lost while the ways are made again: a round of attempts that wait for them may take a second itself.
  await until(async () => (await broken(host, daemon)).length === 0, 3000).catch(() => undefined);
  assert.deepEqual(await broken(host, daemon), [], `${what}\n${await host.run('ip', 'addr')}\n${daemon.log()}`);
}

/** The healing itself: what `look` prints is again as it was; how soon is for the bench to say. */
async function returns(host: Host, what: string, look: string, before: string): Promise<void> {
  const read = async (): Promise<string> => (await host.exec(['sh', '-c', look])).stdout;
  await until(async () => (await read()) === before, 5000).catch(() => undefined);
  assert.equal(await read(), before, `${what} is there again`);
}

for (const backend of ['nftables', 'iptables']) {
  hostTest(`${backend}: rules, bridges, veths, addresses and routes come back`, { outside: true }, async (host) => {
    const daemon = await prepare(host, backend);
    assert.deepEqual(await broken(host, daemon), [], 'before anything is done');
    const look =
      'nft list ruleset | sed -E "s/packets [0-9]+ bytes [0-9]+//" | wc -l; ' +
      'ip -o link show type bridge_slave | wc -l; ip -o addr show dev front0 scope global | cut -d" " -f2-7; ' +
      'ip route | grep front0; ip -6 route | grep "^fd.*front0" | cut -d" " -f1-3';
    const before = await host.run('sh', '-c', look);
    for (const [what, command] of DAMAGE) {
      await host.run('sh', '-c', command);
      await returns(host, what, look, before);
      await heals(host, daemon, what);
    }
  });
}

hostTest('inside a container, from outside: address, routes, the interface', { outside: true }, async (host) => {
  const daemon = await prepare(host, 'nftables');
  const namespace = await enter(daemon, 'web');
  const look = [
    ...namespace,
    'sh',
    '-c',
    'ip -o addr show scope global | cut -d" " -f2-7; ip route; ip -6 route show default',
  ];
  const state = async (): Promise<string> => (await host.run(...look)).replaceAll(/ {2,}/g, ' ');
  const before = await state();
  for (const [what, command] of INSIDE) {
    await host.run(...namespace, 'sh', '-c', command);
    await until(async () => (await state()) === before, 5000).catch(() => undefined);
    assert.equal(await state(), before, what);
    await heals(host, daemon, what);
  }
});

hostTest('rules and links of others are not touched', { outside: true }, async (host) => {
  const daemon = await prepare(host, 'nftables');
  const loaded = await host.exec(['nft', '-f', '-'], { input: FOREIGN });
  assert.equal(loaded.code, 0, loaded.stderr);
  await host.run('ip', 'link', 'add', 'other0', 'type', 'bridge');
  await host.run('ip', 'addr', 'add', '10.99.0.1/24', 'dev', 'other0');
  const foreign = async (): Promise<string> =>
    [
      await host.run('nft', 'list', 'table', 'inet', 'mine'),
      await host.run('nft', 'list', 'chain', 'ip', 'filter', 'mine'),
      (await host.run('ip', '-o', 'addr', 'show', 'other0')).replace(/^\d+/, ''),
    ].join('\n');
  const before = await foreign();
  await host.run('sh', '-c', 'nft delete table inet berth; ip link del front0; ip route del 10.8.0.0/24 || :');
  await heals(host, daemon, 'table and bridge');
  assert.equal(await foreign(), before);
  await daemon.kill9();
  await daemon.restart();
  await heals(host, daemon, 'a new daemon');
  assert.equal(await foreign(), before);
  await daemon.removeContainers();
  await daemon.dockerOk('network', 'rm', 'front');
  assert.equal(await foreign(), before);
  await daemon.stop();
  assert.equal(await foreign(), before, 'the daemon is gone, the administrator’s rules are not');
  await host.run('ip', 'link', 'del', 'other0');
});

hostTest('another backend at a restart: all rules move, published ports go on', { outside: true }, async (host) => {
  let daemon = await prepare(host, 'nftables');
  for (const backend of ['iptables', 'nftables']) {
    const before = await daemon.dockerOk('inspect', '-f', '{{json .NetworkSettings}}', 'web');
    await daemon.kill9();
    daemon = await host.startDaemon({ name: 'd', args: [`--firewall-backend=${backend}`] });
    const tables = (await host.run('nft', 'list', 'tables')).includes('table inet berth');
    const chains = (await host.run('iptables-save')).includes('BERTH');
    assert.deepEqual([tables, chains], backend === 'nftables' ? [true, false] : [false, true]);
    assert.equal(await daemon.dockerOk('inspect', '-f', '{{json .NetworkSettings}}', 'web'), before);
    await heals(host, daemon, backend);
  }
});

/** Containers on a LAN whose DHCP server gives them their addresses, through both the daemon's life and the server's. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { addresses, dig, enter, idle, words } from '../e2e/support.ts';
import type { Daemon } from '../support/daemon.ts';
import { hostTest } from '../support/host.ts';
import type { Host } from '../support/host.ts';
import { until } from '../support/wait.ts';
import { createLan, missing, PARENT, ROUTER } from './lan.ts';
import type { DhcpServer } from './lan.ts';

const skip = missing;
const NETWORK = `-d macvlan --ipam-driver dhcp -o parent=${PARENT}`;

const count = (server: DhcpServer, word: string): number => server.log().split(`${word}(`).length - 1;

interface Endpoint {
  IPAddress: string;
  Gateway: string;
  IPPrefixLen: number;
  MacAddress: string;
}

async function endpointOf(daemon: Daemon, name: string, network = 'lan'): Promise<Endpoint> {
  const text = await daemon.dockerOk('inspect', '-f', `{{json (index .NetworkSettings.Networks "${network}")}}`, name);
  return JSON.parse(text) as Endpoint;
}

const ping = async (host: Host, daemon: Daemon, from: string, to: string): Promise<void> =>
  void (await host.run(...(await enter(daemon, from)), 'ping', '-c1', '-W2', to));

hostTest('from the start of a container to its stop, berthd killed in between', { skip }, async (host) => {
  await using lan = await createLan(host);
  const server = await lan.serve({
    renew: 3,
    names: { 'printer.lan.example': '192.0.2.77' },
    args: ['--domain=lan.example', '--dhcp-option=26,1400'],
  });
  const daemon = await host.startDaemon();
  await daemon.dockerOk('network', 'create', ...words(NETWORK), 'lan');
  await idle(daemon, 'web', '--network', 'lan', '--hostname', 'shop');
  const web = await endpointOf(daemon, 'web');
  assert.deepEqual(await addresses(host, daemon, 'web'), [`eth0 ${web.IPAddress}/24`]);
  assert.deepEqual([web.Gateway, web.IPPrefixLen], [ROUTER, 24]);
  assert.match(server.leases().join(), new RegExp(`^${web.IPAddress} shop ff:`));
  await ping(host, daemon, 'web', ROUTER);
  const inside = async (...argv: string[]): Promise<string> => daemon.dockerOk('exec', 'web', ...argv);
  assert.match(await inside('ip', 'route'), /^default via 192\.0\.2\.1 /m);
  assert.match(await inside('cat', '/etc/hosts'), new RegExp(`^${web.IPAddress}\tshop$`, 'm'));
  assert.match(await inside('cat', '/etc/resolv.conf'), /^search lan\.example$/m);
  assert.match(await inside('ip', 'link', 'show', 'eth0'), / mtu 1400 /);
  assert.deepEqual(await dig(daemon, 'web', 'printer.lan.example'), ['192.0.2.77'], 'a name of the LAN');
  await idle(daemon, 'peer', '--network', 'lan');
  assert.deepEqual(await dig(daemon, 'peer', 'web'), [web.IPAddress]);
  await ping(host, daemon, 'peer', web.IPAddress);
  const shown = await daemon.dockerOk(
    'network',
    'inspect',
    '-f',
    '{{.IPAM.Driver}} {{range .Containers}}{{.IPv4Address}} {{end}}',
    'lan',
  );
  assert.ok(shown.startsWith('dhcp ') && shown.includes(`${web.IPAddress}/24`), shown);

  // Somebody deletes its interface: made again with what is lent.
  await host.run(...(await enter(daemon, 'web')), 'ip', 'link', 'del', 'eth0');
  const whole = `eth0 ${web.IPAddress}/24`;
  await until(async () => (await addresses(host, daemon, 'web')).join() === whole, 5000, 'the interface');
  assert.match(await inside('ip', 'link', 'show', 'eth0'), / mtu 1400 /);
  assert.match(await inside('ip', 'route'), /^default via 192\.0\.2\.1 /m);

  await daemon.kill9();
  const renewed = count(server, 'DHCPACK');
  await until(() => count(server, 'DHCPACK') >= renewed + 2, 9000, 'renewals while berthd is down');
  await daemon.restart();
  assert.deepEqual(await endpointOf(daemon, 'web'), web);
  assert.equal(count(server, 'DHCPDISCOVER'), 2, 'one for each container');
  await ping(host, daemon, 'web', ROUTER);

  await daemon.dockerOk('stop', '-t', '0', 'web');
  await until(() => server.leases().length === 1, 3000, 'the release of its lease');
  await daemon.dockerOk('start', 'web');
  assert.equal((await endpointOf(daemon, 'web')).IPAddress, web.IPAddress, 'the same client, the same address');
  await daemon.dockerOk('rm', '-f', 'web', 'peer');
  await until(() => server.leases().length === 0, 3000, 'the release of all');
  await daemon.dockerOk('network', 'rm', 'lan');
});

hostTest(
  'a container that ends while berthd is down gives its address back when berthd is there again',
  { skip },
  async (host) => {
    await using lan = await createLan(host);
    const server = await lan.serve();
    const daemon = await host.startDaemon();
    await daemon.dockerOk('network', 'create', ...words(NETWORK), 'lan');
    await idle(daemon, 'web', '--network', 'lan');
    const pid = await daemon.dockerOk('inspect', '-f', '{{.State.Pid}}', 'web');
    await daemon.kill9();
    await host.run('kill', '-9', pid);
    await daemon.restart();
    await until(() => server.leases().length === 0, 3000, 'the release');
    await daemon.dockerOk('rm', 'web');
  },
);

hostTest('no server: the start fails in the stated time, says so, and leaves nothing', { skip }, async (host) => {
  await using lan = await createLan(host);
  const daemon = await host.startDaemon();
  await daemon.dockerOk('network', 'create', ...words(NETWORK), '--ipam-opt', 'com.berth.dhcp_timeout=1', 'lan');
  const { code, stderr } = await daemon.docker('run', '--rm', '--network', 'lan', 'busybox', 'true');
  assert.notEqual(code, 0);
  assert.match(stderr, /no address on network lan: no DHCP server answered within 1 s/);
  assert.equal(await daemon.dockerOk('network', 'inspect', '-f', '{{len .Containers}}', 'lan'), '0');
  await daemon.removeContainers();
  // Also for a container that runs.
  await idle(daemon, 'web');
  const connect = await daemon.docker('network', 'connect', 'lan', 'web');
  assert.match(connect.stderr, /no DHCP server answered within 1 s/);
  assert.deepEqual(
    (await addresses(host, daemon, 'web')).map((text) => text.split(' ')[0]),
    ['eth0'],
  );
  assert.equal(await daemon.dockerOk('network', 'inspect', '-f', '{{len .Containers}}', 'lan'), '0');
  assert.equal((await host.run('ls', `${daemon.execRoot}/netns`)).trim().split('\n').length, 1, 'namespaces');

  const server = await lan.serve();
  await daemon.dockerOk('network', 'connect', 'lan', 'web');
  const { IPAddress } = await endpointOf(daemon, 'web');
  assert.ok((await addresses(host, daemon, 'web')).includes(`eth1 ${IPAddress}/24`));
  await daemon.dockerOk('network', 'disconnect', 'lan', 'web');
  await until(() => server.leases().length === 0, 3000, 'the release');
});

hostTest(
  'another server, other addresses: the container, its routes, names, files and events follow',
  { skip },
  async (host) => {
    await using lan = await createLan(host);
    const first = await lan.serve({ renew: 3 });
    const daemon = await host.startDaemon();
    await daemon.dockerOk('network', 'create', ...words(NETWORK), 'lan');
    await idle(daemon, 'web', '--network', 'lan', '--hostname', 'shop');
    const before = await endpointOf(daemon, 'web');
    await first.stop();
    await lan.place.run('ip', 'addr', 'add', '192.0.2.2/24', 'dev', 'br0');
    const since = Math.floor(Date.now() / 1000) - 1;
    await lan.serve({
      range: ['192.0.2.200', '192.0.2.210'],
      renew: 3,
      fresh: true,
      args: ['--dhcp-option=3,192.0.2.2'],
    });
    await until(async () => (await endpointOf(daemon, 'web')).Gateway === '192.0.2.2', 9000, 'another lease');
    const after = await endpointOf(daemon, 'web');
    assert.match(after.IPAddress, /^192\.0\.2\.2\d\d$/);
    assert.deepEqual(await addresses(host, daemon, 'web'), [`eth0 ${after.IPAddress}/24`]);
    assert.match(await daemon.dockerOk('exec', 'web', 'ip', 'route'), /^default via 192\.0\.2\.2 /m);
    await until(
      async () => (await daemon.dockerOk('exec', 'web', 'cat', '/etc/hosts')).includes(`${after.IPAddress}\tshop`),
      3000,
      'the hosts file',
    );
    await until(async () => (await dig(daemon, 'web', 'web')).join() === after.IPAddress, 3000, 'its name');
    const now = Math.ceil(Date.now() / 1000);
    const events = await daemon.dockerOk(
      ...words(`events --since ${since} --until ${now} --filter type=network --format`),
      '{{.Action}} {{.Actor.Attributes.address}} {{.Actor.Attributes.reason}}',
    );
    assert.match(events, /^lease-lost .*the DHCP server refused to renew it/m);
    assert.match(events, new RegExp(`^lease ${after.IPAddress}/24`, 'm'));
    assert.notEqual(before.IPAddress, after.IPAddress);
    await daemon.dockerOk('rm', '-f', 'web');
  },
);

hostTest('the address that is asked for, or none; what such a network cannot be', { skip }, async (host) => {
  await using lan = await createLan(host);
  await lan.serve();
  const daemon = await host.startDaemon();
  const refusals: [flags: string, text: RegExp][] = [
    ['-d bridge --ipam-driver dhcp', /the dhcp ipam driver is for networks of driver macvlan/],
    [`${NETWORK} --subnet 192.0.2.0/24`, /does not handle specific address pool requests/],
    [`${NETWORK} --ipv6`, /IPv4 addresses only/],
    [`${NETWORK} --ipv4=false`, /IPv4 must be enabled/],
    ['-d macvlan --ipam-driver dhcp', /needs a LAN: give the link that leads there with -o parent/],
    [`${NETWORK} --ipam-opt com.berth.dhcp_timeout=soon`, /"soon" is no number of seconds from 1 to 300/],
    [`${NETWORK} --ipam-opt speed=fast`, /has no option "speed"/],
    [`${NETWORK} -o com.berth.host_shim=true`, /com\.berth\.host_shim is for networks with a subnet/],
  ];
  for (const [flags, text] of refusals) {
    const { code, stderr } = await daemon.docker('network', 'create', ...words(flags), 'no');
    assert.notEqual(code, 0, flags);
    assert.match(stderr, text, flags);
  }
  await daemon.dockerOk('network', 'create', ...words(NETWORK), 'lan');
  await idle(daemon, 'web', '--network', 'lan', '--ip', '192.0.2.115');
  assert.equal((await endpointOf(daemon, 'web')).IPAddress, '192.0.2.115');
  const other = await daemon.docker('run', '--rm', '--network', 'lan', '--ip', '192.0.2.9', 'busybox', 'true');
  assert.match(other.stderr, /the DHCP server 192\.0\.2\.1 does not give 192\.0\.2\.9: it offers 192\.0\.2\.1/);
  await daemon.removeContainers();
});

hostTest('berthd killed while a container waits for a server: nothing of it stays', { skip }, async (host) => {
  await using lan = await createLan(host);
  const daemon = await host.startDaemon();
  await daemon.dockerOk('network', 'create', ...words(NETWORK), '--ipam-opt', 'com.berth.dhcp_timeout=300', 'lan');
  const asked = lan.place.spawn(['tcpdump', '-lni', 'br0', '-c1', 'udp dst port 67'], { stdio: 'ignore' });
  const heard = once(asked, 'exit');
  const started = daemon.docker('run', '-d', '--network', 'lan', 'busybox', 'sleep', '1000');
  await heard;
  await daemon.kill9();
  await started;
  // An answer that comes after all is nobody's.
  const server = await lan.serve();
  await until(() => server.leases().length === 1, 5000, 'a lease that nobody waits for');
  await daemon.restart();
  await until(() => server.leases().length === 0, 3000, 'its return');
  assert.equal(await daemon.dockerOk('network', 'inspect', '-f', '{{len .Containers}}', 'lan'), '0');
  await daemon.removeContainers();
});

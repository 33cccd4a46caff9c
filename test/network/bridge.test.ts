/** The default bridge on a real kernel, seen with independent tools. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { hostTest, OUTSIDE } from '../support/host.ts';
import type { Host } from '../support/host.ts';
import { until } from '../support/wait.ts';
import { inside, insideOk, json, startNetwork } from './support.ts';
import type { IpLink } from './support.ts';

const links = async (host: Host): Promise<IpLink[]> => json<IpLink[]>(host.run('ip', '-j', 'address'));
const veths = async (host: Host): Promise<string[]> =>
  (await links(host)).flatMap(({ ifname }) => (ifname.startsWith('veth') ? [ifname] : []));

hostTest('a container on the default bridge, from inside and outside', { outside: true }, async (host) => {
  await using network = await startNetwork(host);
  await network.restore();
  const first = await network.open('one');
  const second = await network.open('two');

  const docker0 = (await links(host)).find(({ ifname }) => ifname === 'docker0');
  assert.deepEqual(
    docker0?.addr_info
      ?.filter(({ family }) => family === 'inet')
      .map(({ local, prefixlen }) => `${local}/${prefixlen}`),
    ['172.17.0.1/16'],
  );
  const shown = await host.run('brctl', 'show', 'docker0');
  for (const veth of await veths(host)) assert.match(shown, new RegExp(veth));
  assert.equal((await veths(host)).length, 2);

  const [lo, eth0, ...others] = await json<IpLink[]>(insideOk(host, first, 'ip', '-j', 'address'));
  assert.deepEqual(others, []);
  assert.ok(lo && eth0);
  assert.ok(lo.flags.includes('UP') && eth0.flags.includes('UP'));
  assert.deepEqual([eth0.ifname, eth0.address, eth0.mtu], ['eth0', '02:42:ac:11:00:02', 1500]);
  assert.deepEqual(
    eth0.addr_info?.map(({ local, prefixlen }) => `${local}/${prefixlen}`),
    ['172.17.0.2/16'],
  );
  assert.match(await insideOk(host, first, 'ip', 'route'), /^default via 172.17.0.1 dev eth0/);

  assert.match(
    await host.run('iptables', '-t', 'nat', '-S'),
    /^-A POSTROUTING -s 172.17.0.0\/16 ! -o docker0 -j MASQUERADE$/m,
  );
  const filter = await host.run('iptables', '-S', 'FORWARD');
  assert.match(filter, /^-P FORWARD ACCEPT$/m);
  assert.match(filter, /^-A FORWARD -m mark --mark 0x1000\/0x1000 -j ACCEPT$/m);
  await host.run(
    'iptables',
    '-t',
    'nat',
    '-C',
    'POSTROUTING',
    '-s',
    '172.17.0.0/16',
    '!',
    '-o',
    'docker0',
    '-j',
    'MASQUERADE',
  );
  assert.match(await host.run('nft', '-j', 'list', 'tables'), /"family": "inet", "name": "berth-/);
  assert.equal((await host.run('cat', '/proc/sys/net/ipv4/ip_forward')).trim(), '1');
  assert.equal((await host.run('cat', '/proc/sys/net/ipv6/conf/docker0/accept_ra')).trim(), '0');

  await insideOk(host, first, 'ping', '-c1', '-W1', '172.17.0.1');
  await insideOk(host, first, 'ping', '-c1', '-W1', '172.17.0.3');
  await host.run('ping', '-c1', '-W1', '172.17.0.3');

  const tcpdump = host.outside.spawn(['tcpdump', '-lni', 'eth0', '-c', '1', 'icmp'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let seen = '';
  let said = '';
  tcpdump.stdout?.on('data', (data: Buffer) => (seen += data.toString()));
  tcpdump.stderr?.on('data', (data: Buffer) => (said += data.toString()));
  await until(async () => said.includes('listening on'), 5000, 'tcpdump');
  const ended = once(tcpdump, 'exit');
  await insideOk(host, second, 'ping', '-c1', '-W1', OUTSIDE.ip4);
  await ended;
  assert.match(seen, new RegExp(`IP ${OUTSIDE.host4} > ${OUTSIDE.ip4}: ICMP echo request`));

  // Nobody comes in by routing to a container.
  await host.outside.run('ip', 'route', 'add', '172.17.0.0/16', 'via', OUTSIDE.host4);
  assert.notEqual((await host.outside.exec(['ping', '-c1', '-W1', '172.17.0.2'])).code, 0);
  await host.outside.run('ip', 'route', 'del', '172.17.0.0/16');

  await network.close('one');
  await until(async () => (await veths(host)).length === 1, 2000, 'the veth of the first container to go');
  const third = await network.open('three');
  assert.match(await insideOk(host, third, 'ip', 'address'), /172\.17\.0\.2\/16/);
  await insideOk(host, third, 'ping', '-c1', '-W1', '172.17.0.3');
  await network.close('two');
  await network.close('three');
  await network.shutdown(false);
  assert.equal(await host.run('nft', 'list', 'ruleset'), '');
  assert.deepEqual((await links(host)).map(({ ifname }) => ifname).toSorted(), ['eth0', 'lo']);
});

hostTest('icc off, IPv6 on, a range, an MTU, a subnet that ends inside a byte', { outside: true }, async (host) => {
  await using network = await startNetwork(host, {
    icc: false,
    ipv6: true,
    bip: '192.168.160.1/20',
    fixedCidr: '192.168.165.0/24',
    bip6: 'fd00:77::1/64',
    mtu: 1400,
  });
  await network.restore();
  const one = await network.open('one');
  await network.open('two');
  const [, eth0] = await json<IpLink[]>(insideOk(host, one, 'ip', '-j', 'address'));
  assert.equal(eth0?.mtu, 1400);
  assert.deepEqual(
    eth0.addr_info?.filter(({ scope }) => scope === 'global').map(({ local, prefixlen }) => `${local}/${prefixlen}`),
    ['192.168.165.0/20', 'fd00:77::2/64'],
  );
  assert.notEqual((await inside(host, one, 'ping', '-c1', '-W1', '192.168.165.1')).code, 0);
  assert.notEqual((await inside(host, one, 'ping', '-c1', '-W1', 'fd00:77::3')).code, 0);
  await insideOk(host, one, 'ping', '-c1', '-W1', '192.168.160.1');
  await insideOk(host, one, 'ping', '-c1', '-W1', OUTSIDE.ip4);
  await insideOk(host, one, 'ping', '-c1', '-W1', OUTSIDE.ip6);
  const subnet = '-s 192.168.160.0/20 ! -o docker0 -j MASQUERADE';
  assert.ok((await host.run('iptables', '-t', 'nat', '-S')).includes(`-A POSTROUTING ${subnet}`));
  await host.run('iptables', '-t', 'nat', '-C', 'POSTROUTING', ...subnet.split(' '));
  assert.match(await host.run('ip6tables', '-t', 'nat', '-S'), /-s fd00:77::\/64 ! -o docker0 -j MASQUERADE/);
  await network.close('one');
  await network.close('two');
  await network.shutdown(false);
  assert.equal(await host.run('nft', 'list', 'ruleset'), '');
});

/** What follows finds everything made already. */
async function startAndKill(host: Host, backend: 'nftables' | 'iptables' = 'nftables'): Promise<void> {
  const network = await startNetwork(host, {}, { backend });
  await network.restore();
  await network.kill9();
}

hostTest(
  'FORWARD’s policy is another’s DROP: containers get out all the same, and the policy stays',
  { outside: true },
  async (host) => {
    await host.run('iptables', '-P', 'FORWARD', 'DROP');
    const before = await host.run('iptables-save');
    await startAndKill(host);
    await using network = await startNetwork(host);
    await network.restore();
    const one = await network.open('one');
    await insideOk(host, one, 'ping', '-c1', '-W1', OUTSIDE.ip4);
    assert.match(await host.run('iptables', '-S', 'FORWARD'), /^-P FORWARD DROP$/m);
    assert.equal(
      (await host.run('iptables', '-t', 'nat', '-S')).match(/MASQUERADE/g)?.length,
      1,
      'rules are not doubled',
    );
    await network.close('one');
    await network.shutdown(false);
    const withoutComments = (text: string): string => text.replaceAll(/^#.*\n/gm, '').replaceAll(/\[\d+:\d+\]/g, '');
    assert.equal(withoutComments(await host.run('iptables-save')), withoutComments(before));
    await host.run('nft', 'flush', 'ruleset');
  },
);

hostTest(
  'docker0 and its subnet belong to someone else; two daemons beside each other',
  { outside: true },
  async (host) => {
    await host.run('ip', 'link', 'add', 'docker0', 'type', 'bridge');
    await host.run('ip', 'address', 'add', '172.17.0.1/16', 'dev', 'docker0');
    const foreign = await host.run('ip', '-j', 'address', 'show', 'docker0');
    await using first = await startNetwork(host);
    await first.restore();
    assert.match(first.warnings.join('\n'), /the default bridge is docker1[^]*docker1 takes 172\.18\.0\.0\/16/);
    await using second = await startNetwork(host, {}, { name: 'second' });
    await second.restore();
    const one = await first.open('one');
    const two = await second.open('two');
    assert.match(await insideOk(host, one, 'ip', 'address'), /172\.18\.0\.2\/16/);
    assert.match(await insideOk(host, two, 'ip', 'address'), /172\.19\.0\.2\/16/);
    await insideOk(host, one, 'ping', '-c1', '-W1', OUTSIDE.ip4);
    await insideOk(host, two, 'ping', '-c1', '-W1', OUTSIDE.ip4);
    await first.close('one');
    await first.shutdown(false);
    await insideOk(host, two, 'ping', '-c1', '-W1', OUTSIDE.ip4);
    await second.close('two');
    await second.shutdown(false);
    assert.equal(await host.run('ip', '-j', 'address', 'show', 'docker0'), foreign);
    await host.run('ip', 'link', 'del', 'docker0');
    assert.equal(await host.run('nft', 'list', 'ruleset'), '');
  },
);

hostTest('the iptables backend', { outside: true }, async (host) => {
  await startAndKill(host, 'iptables');
  await using network = await startNetwork(host, {}, { backend: 'iptables' });
  await network.restore();
  const one = await network.open('one');
  await insideOk(host, one, 'ping', '-c1', '-W1', OUTSIDE.ip4);
  assert.match(await host.run('iptables', '-t', 'nat', '-S'), /-s 172.17.0.0\/16 ! -o docker0 -j MASQUERADE/);
  await network.close('one');
  await network.shutdown(false);
  assert.doesNotMatch(await host.run('iptables-save'), /BERTH|docker0/);
});

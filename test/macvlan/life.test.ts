/** Containers in a LAN, from their start to their end: names, several networks, damage, the daemon's restart and its death. */
import assert from 'node:assert/strict';
import { dig, enter, idle, pidOf, words } from '../e2e/support.ts';
import type { Daemon } from '../support/daemon.ts';
import type { Host, Place } from '../support/host.ts';
import { until } from '../support/wait.ts';
import { lan4, lan6, lanTest, OUTSIDE, PEER, ROUTER, subnet4, subnet6 } from './lan.ts';
import { kernelHas } from './support.ts';

const reaches = async (from: Pick<Place, 'exec'>, target: string): Promise<boolean> =>
  (await from.exec(['ping', '-c1', '-W1', target])).code === 0;

/** The namespace of a container that runs, entered from the host. */
async function within(host: Host, daemon: Daemon, name: string): Promise<Pick<Place, 'exec' | 'run'>> {
  const prefix = await enter(daemon, name);
  return {
    exec: async (argv, options) => host.exec([...prefix, ...argv], options),
    run: async (...argv) => host.run(...prefix, ...argv),
  };
}

const LAN = words(
  `network create -d macvlan -o parent=eth0 --ipv6 --subnet ${subnet4(0)} --gateway ${lan4(0, ROUTER.v4)} ` +
    `--subnet ${subnet6(0)} --gateway ${lan6(0, ROUTER.v6)}`,
);

interface Link {
  ifname: string;
  address: string;
  linkinfo?: { info_kind: string };
}
/** 'lo undefined', 'eth0 macvlan'…, of a container. */
const kindsIn = async (container: Pick<Place, 'run'>): Promise<string[]> =>
  (JSON.parse(await container.run('ip', '-j', '-d', 'link')) as Link[])
    .map(({ ifname, linkinfo }) => `${ifname} ${linkinfo?.info_kind}`)
    .slice(1);
const linksOf = async (host: Host): Promise<string[]> =>
  (JSON.parse(await host.run('ip', '-j', 'link')) as Link[]).map(({ ifname }) => ifname).toSorted();

lanTest('names, aliases, MAC, options of endpoints, ports; both clients show the same', async (host, lan) => {
  const daemon = await host.startDaemon();
  const { dockerOk, berthOk, docker } = daemon;
  await berthOk(...LAN, 'lan');
  await idle(daemon, 'web', ...words('--network lan --network-alias www --mac-address 02:42:c6:12:00:99 -p 8080:80'));
  const sysctl = 'com.docker.network.endpoint.sysctls=net.ipv4.conf.IFNAME.log_martians=1';
  const options = `name=lan,ip=${lan4(0, 77)},driver-opt=com.docker.network.endpoint.ifname=lan0,"driver-opt=${sysctl}"`;
  await idle(daemon, 'db', '--network', options);

  assert.deepEqual(await dig(daemon, 'db', 'www'), [lan4(0, 2)]);
  assert.deepEqual(await dig(daemon, 'web', 'db', 'AAAA'), [lan6(0, '3')]);
  assert.deepEqual(await dig(daemon, 'web', '-x', lan4(0, 77)), ['db.lan.']);
  const db = await within(host, daemon, 'db');
  assert.deepEqual(await kindsIn(db), ['lan0 macvlan']);
  assert.equal((await db.run('cat', '/proc/sys/net/ipv4/conf/lan0/log_martians')).trim(), '1');
  assert.match(await (await within(host, daemon, 'web')).run('ip', 'link', 'show', 'eth0'), /02:42:c6:12:00:99/);
  // In the LAN they are machines like others, by their own MAC…
  assert.deepEqual(await lan.whoHas(lan4(0, 2)), ['02:42:c6:12:00:99']);
  // …and what is published is ignored, as in Docker.
  assert.equal(await dockerOk('port', 'web'), '');
  assert.equal((await lan.peer.exec(words(`socat -u TCP:${lan4(0, 10)}:8080,connect-timeout=1 -`))).code, 1);
  assert.match((await docker('logs', 'web')).stdout, /^$/);

  const list = words('network ls --format {{.Name}}/{{.Driver}}/{{.Scope}}');
  assert.equal(await dockerOk(...list), await berthOk(...list));
  const [shown] = JSON.parse(await dockerOk('network', 'inspect', 'lan')) as [
    { Options: object; Containers: Record<string, { Name: string; MacAddress: string; IPv4Address: string }> },
  ];
  assert.deepEqual(shown.Options, { parent: 'eth0' });
  assert.deepEqual(
    Object.values(shown.Containers)
      .map(({ Name, IPv4Address }) => `${Name} ${IPv4Address}`)
      .toSorted(),
    [`db ${lan4(0, 77)}/24`, `web ${lan4(0, 2)}/24`],
  );
  const twice = await docker('run', '--rm', ...words('--network lan --mac-address 02:42:c6:12:00:99 busybox true'));
  assert.equal(twice.code, 125);
  assert.match(twice.stderr, /02:42:c6:12:00:99/);
  // At once: nothing of the old link stands in the way of the same MAC.
  await dockerOk('restart', '-t', '0', 'web');
  await dockerOk('rm', '-f', 'web', 'db');
  await dockerOk('network', 'rm', 'lan');
});

lanTest('on bridges and in LANs at once; connect and disconnect', async (host) => {
  const daemon = await host.startDaemon();
  const { dockerOk, docker } = daemon;
  const before = await linksOf(host);
  await dockerOk(...LAN, 'lan');
  await dockerOk('network', 'create', '--subnet', '10.9.0.0/24', 'back');
  await dockerOk('network', 'create', '-d', 'macvlan', '--internal', 'nowhere');
  await idle(daemon, 'app', '--network', 'back');
  await idle(daemon, 'peer', '--network', 'nowhere');
  const app = await within(host, daemon, 'app');
  await dockerOk('network', 'connect', 'lan', 'app');
  await dockerOk('network', 'connect', '--alias', 'inner', 'nowhere', 'app');
  assert.deepEqual(await kindsIn(app), ['eth0 veth', 'eth1 macvlan', 'eth2 macvlan']);
  assert.equal((await dig(daemon, 'peer', 'inner')).length, 1);
  assert.ok(await reaches(app, lan4(0, PEER.v4)));
  assert.ok(await reaches(app, '10.9.0.1'));
  // 'back' comes first by its name; the way out follows what is there.
  const via = async (): Promise<string> => /default via (\S+)/.exec(await app.run('ip', 'route'))?.[1] ?? '';
  assert.equal(await via(), '10.9.0.1');
  await dockerOk('network', 'disconnect', 'back', 'app');
  assert.equal(await via(), lan4(0, ROUTER.v4));
  assert.ok(await reaches(app, OUTSIDE.v4));
  await dockerOk('network', 'disconnect', 'lan', 'app');
  assert.deepEqual(await kindsIn(app), ['eth2 macvlan']);
  assert.equal(await via(), '');
  await dockerOk('network', 'connect', '--ip', lan4(0, 2), 'lan', 'app');
  assert.ok(await reaches(app, lan4(0, PEER.v4)), 'the address came free');
  const refused = await docker('network', 'rm', 'lan');
  assert.match(refused.stderr, /network lan has active endpoints \(name:"app"/);
  // Whoever shares the namespace keeps it; the links of its owner go all the same.
  await dockerOk('run', '-d', '--name', 'guest', '--network', 'container:app', 'busybox', 'sleep', '1000');
  await dockerOk('kill', 'app');
  await until(async () => (await dockerOk('inspect', '-f', '{{.State.Running}}', 'app')) === 'false');
  assert.deepEqual(await kindsIn(await within(host, daemon, 'guest')), []);
  await dockerOk('rm', '-f', 'app', 'peer', 'guest');
  await dockerOk('network', 'rm', 'lan', 'back', 'nowhere');
  assert.deepEqual(await linksOf(host), before);
});

lanTest('the daemon ends, is killed, and starts; what was taken away meanwhile or since is put right', async (host) => {
  const daemon = await host.startDaemon();
  const { dockerOk } = daemon;
  const before = await linksOf(host);
  await host.run('ip', 'link', 'add', 'par0', 'type', 'bridge');
  await host.run('ip', 'link', 'set', 'par0', 'up');
  await dockerOk(...LAN, '-o', 'com.berth.host_shim=true', 'lan');
  await dockerOk('network', 'create', '-d', 'macvlan', '--subnet', '10.7.0.0/24', '-o', 'parent=par0', 'away');
  await dockerOk('network', 'create', '-d', 'macvlan', '--subnet', '10.6.0.0/24', 'nowhere');
  await idle(daemon, 'one', '--network', 'lan', '--ip', lan4(0, 20), '--ip6', lan6(0, '20'));
  await idle(daemon, 'two', '--network', 'away', '--network', 'nowhere');
  const shim = (await linksOf(host)).find((name) => name.startsWith('hs-')) ?? '';
  const nowhere = (await linksOf(host)).find((name) => name.startsWith('dm-')) ?? '';
  let one = await within(host, daemon, 'one');
  const two = await within(host, daemon, 'two');
  const whole = async (): Promise<boolean> =>
    (await reaches(one, OUTSIDE.v6)) && (await reaches(host, lan4(0, 20))) && (await reaches(host, lan6(0, '20')));
  const healed = async (): Promise<void> => until(whole, 10_000);
  assert.ok(await whole());
  assert.deepEqual(await kindsIn(two), ['eth0 macvlan', 'eth1 macvlan']);

  // Inside a container, its own network; the host's link; a route; the parents.
  await one.run('ip', 'link', 'del', 'eth0');
  await healed();
  await host.run('ip', 'link', 'del', shim);
  await healed();
  await host.run('ip', 'route', 'del', `${lan4(0, 20)}/32`, 'dev', shim);
  await healed();
  await host.run('ip', 'link', 'del', nowhere);
  await until(async () => (await kindsIn(two)).includes('eth1 macvlan') && (await linksOf(host)).includes(nowhere));
  await host.run('ip', 'link', 'del', 'par0');
  await until(async () => !(await kindsIn(two)).includes('eth0 macvlan'));
  await host.run('ip', 'link', 'add', 'par0', 'type', 'bridge');
  await until(async () => (await kindsIn(two)).includes('eth0 macvlan'));
  await host.run('ip', 'link', 'set', 'par0', 'up');

  for (const end of [async () => daemon.stop(), async () => daemon.kill9()]) {
    await end();
    assert.ok(await whole(), 'while there is no daemon');
    await one.run('ip', 'link', 'del', 'eth0');
    await host.run('ip', 'link', 'del', shim);
    await daemon.restart();
    await healed();
    assert.deepEqual(await dig(daemon, 'one', 'one'), [lan4(0, 20)]);
  }
  // The containers end while nobody looks: what they had is taken away, and theirs again when they start.
  const pids = await Promise.all(['one', 'two'].map(async (name) => pidOf(daemon, name)));
  await daemon.kill9();
  await host.run('kill', '-KILL', ...pids);
  await daemon.restart();
  assert.equal(await host.run('ip', 'route', 'show', 'dev', shim), '');
  await dockerOk('start', 'one', 'two');
  one = await within(host, daemon, 'one');
  // Until the new MAC has been announced.
  await healed();
  await dockerOk('rm', '-f', 'one', 'two');
  await dockerOk('network', 'rm', 'lan', 'away', 'nowhere');
  await host.run('ip', 'link', 'del', 'par0');
  assert.deepEqual(await linksOf(host), before);
});

lanTest(
  'the LAN’s IPv6 router says itself that it is one, where the network names none; its DNS is asked',
  async (host, lan) => {
    const daemon = await host.startDaemon();
    const { dockerOk } = daemon;
    lan.switch.spawn(
      [
        ...words('ip netns exec router dnsmasq --no-daemon --no-resolv --no-hosts --user=root --pid-file='),
        ...words(`--conf-file=/dev/null --enable-ra --dhcp-range=${lan6(0, '')},ra-only --ra-param=eth0,4`),
        `--address=/away.test/${OUTSIDE.v4}`,
      ],
      { stdio: 'ignore' },
    );
    const taken = `--aux-address router=${lan6(0, ROUTER.v6)}`;
    const subnets = `--subnet ${subnet4(0)} --gateway ${lan4(0, ROUTER.v4)} --subnet ${subnet6(0)} ${taken}`;
    await dockerOk(...words(`network create -d macvlan -o parent=eth0 --ipv6 ${subnets} lan`));
    await idle(daemon, 'one', ...words(`--network lan --dns ${lan4(0, ROUTER.v4)}`));
    const one = await within(host, daemon, 'one');
    await until(async () => (await one.run('ip', '-6', 'route')).includes('default via fe80::'), 20_000);
    await until(async () => reaches(one, OUTSIDE.v6));
    // From the network's pool, and none made up from what the router advertises.
    const own = await one.run(...words('ip -6 -o addr show dev eth0 scope global'));
    assert.deepEqual(
      [...own.matchAll(/inet6 (\S+)/g)].map(([, address]) => address),
      [`${lan6(0, '2')}/64`],
    );
    await until(async () => (await dig(daemon, 'one', 'away.test')).join() === OUTSIDE.v4);
    await dockerOk('rm', '-f', 'one');
    // Named, it is the only one.
    await dockerOk('network', 'rm', 'lan');
    await dockerOk(...LAN, 'lan');
    await idle(daemon, 'two', '--network', 'lan');
    const two = await within(host, daemon, 'two');
    assert.equal((await two.run('cat', '/proc/sys/net/ipv6/conf/eth0/accept_ra')).trim(), '0');
    await dockerOk('rm', '-f', 'two');
    await dockerOk('network', 'rm', 'lan');
  },
);

lanTest(
  'a VLAN of the parent, and ipvlan; or a refusal that names the kernel’s option, and leaves nothing',
  async (host, _lan, context) => {
    const daemon = await host.startDaemon();
    const { dockerOk, docker } = daemon;
    const before = await linksOf(host);
    const vlan = ['network', 'create', '-d', 'macvlan', '-o', 'parent=eth2.50'];
    if (await kernelHas(host, 'vlan')) {
      await dockerOk(...vlan, 'one');
      await dockerOk(...vlan, 'two');
      const [link] = JSON.parse(await host.run('ip', '-j', '-d', 'link', 'show', 'eth2.50')) as [Link];
      assert.equal(link.linkinfo?.info_kind, 'vlan');
      await idle(daemon, 'app', '--network', 'one');
      // With its link goes a network's parent, and with the parent what stands on it: all are there again.
      await host.run('ip', 'link', 'del', 'eth2.50');
      const app = await within(host, daemon, 'app');
      await until(async () => (await kindsIn(app)).includes('eth0 macvlan'));
      await dockerOk('rm', '-f', 'app');
      await dockerOk('network', 'rm', 'one');
      assert.ok((await linksOf(host)).includes('eth2.50'), 'another network stands on it');
      await dockerOk('network', 'rm', 'two');
    } else {
      context.diagnostic('no CONFIG_VLAN_8021Q here');
      assert.match((await docker(...vlan, 'one')).stderr, /load the module 8021q \(CONFIG_VLAN_8021Q\)/);
    }
    const ipvlan = words(`network create -d ipvlan -o parent=eth1 -o ipvlan_mode=l3 --subnet ${subnet4(0)} routed`);
    if (await kernelHas(host, 'ipvlan')) {
      await dockerOk(...ipvlan);
      await idle(daemon, 'app', '--network', 'routed');
      const app = await within(host, daemon, 'app');
      assert.match(await app.run('ip', 'route'), /^default dev eth0/m);
      assert.equal(await dockerOk('inspect', '-f', '{{.NetworkSettings.Networks.routed.Gateway}}', 'app'), '');
      await daemon.restart();
      assert.match(await app.run('ip', 'route'), /^default dev eth0/m);
      await app.run('ip', 'link', 'del', 'eth0');
      await until(async () => (await kindsIn(app)).includes('eth0 ipvlan'));
      await until(async () => /^default dev eth0/m.test(await app.run('ip', 'route')));
      const mac = await docker(
        'run',
        '--rm',
        ...words('--network routed --mac-address 02:42:00:00:00:07 busybox true'),
      );
      assert.match(mac.stderr, /ipvlan interfaces do not support custom mac address assignment/);
      await dockerOk('rm', '-f', 'app');
      await dockerOk('network', 'rm', 'routed');
    } else {
      context.diagnostic('no CONFIG_IPVLAN here');
      assert.match((await docker(...ipvlan)).stderr, /load the module ipvlan \(CONFIG_IPVLAN\)/);
    }
    assert.deepEqual(await linksOf(host), before);
    assert.equal((await dockerOk('network', 'ls', '-qf', 'type=custom')).trim(), '');
  },
);

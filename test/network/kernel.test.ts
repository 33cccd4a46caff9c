/** Namespaces, interfaces and routes on a real kernel, seen with `ip -j` and `bridge -j`. */
import assert from 'node:assert/strict';
import { hostTest } from '../support/host.ts';
import type { Host } from '../support/host.ts';
import { until } from '../support/wait.ts';
import { bridgePlan, interfacePlan, startKernel } from './kernel-support.ts';
import { inside, insideOk, json } from './support.ts';
import type { IpLink } from './support.ts';

const at = (namespacePath: string): Parameters<typeof inside>[1] => ({ namespacePath }) as Parameters<typeof inside>[1];
const links = async (host: Host, path?: string): Promise<IpLink[]> =>
  json<IpLink[]>(
    path === undefined ? host.run('ip', '-j', 'address') : insideOk(host, at(path), 'ip', '-j', 'address'),
  );
const routes = async (host: Host, path: string, ...options: string[]): Promise<string> =>
  (await insideOk(host, at(path), 'ip', ...options, 'route')).replaceAll(/ +$/gm, '');
const addressesOf = (link: IpLink | undefined): string[] =>
  (link?.addr_info ?? [])
    .filter(({ scope }) => scope === 'global')
    .map(({ local, prefixlen }) => `${local}/${prefixlen}`);

hostTest('a namespace with three interfaces on three bridges', {}, async (host) => {
  await using process = await startKernel(host);
  const { kernel } = process;
  const path = `${host.root}/n/one`;
  for (const n of [0, 1, 2]) {
    await kernel.ensureBridge(
      bridgePlan(`br-${n}`, { mac: `02:42:01:02:03:0${n}`, addresses: [`10.77.${n}.1/24`, `fd00:77:${n}::1/64`] }),
    );
  }
  const plans = [0, 1, 2].map((n) =>
    interfacePlan(n, `br-${n}`, {
      name: `eth${n}`,
      isolated: n === 2,
      addresses: [`10.77.${n}.2/24`, `fd00:77:${n}::2/64`, ...(n === 1 ? ['169.254.7.7/32'] : [])],
      sysctls: [{ name: `net/ipv4/conf/eth${n}/log_martians`, value: '1' }],
    }),
  );
  await kernel.createNamespace(path, plans, [
    { via: '10.77.1.1', interface: 'eth1' },
    { via: 'fd00:77:2::1', interface: 'eth2' },
  ]);
  // From the first packet, in both directions and both families: no duplicate address detection stands in between.
  const pings = await Promise.all([
    inside(host, at(path), 'ping', '-c1', '-W1', 'fd00:77::1'),
    host.exec(['ping', '-c1', '-W1', 'fd00:77:1::2']),
    inside(host, at(path), 'ping', '-c1', '-W1', '10.77.0.1'),
    host.exec(['ping', '-c1', '-W1', '10.77.1.2']),
  ]);
  assert.deepEqual(
    pings.map(({ code }) => code),
    [0, 0, 0, 0],
  );
  const [lo, ...eths] = await links(host, path);
  assert.ok(lo?.flags.includes('UP'));
  assert.deepEqual(
    eths.map(({ ifname, address, flags }) => [ifname, address, flags.includes('UP')]),
    plans.map(({ name, mac }) => [name, mac, true]),
  );
  assert.deepEqual(
    eths.map(addressesOf),
    [
      ['10.77.0.2/24', 'fd00:77::2/64'],
      ['10.77.1.2/24', '169.254.7.7/32', 'fd00:77:1::2/64'],
      ['10.77.2.2/24', 'fd00:77:2::2/64'],
    ].map((list) => list.map((text) => text)),
  );
  assert.match(await routes(host, path), /^default via 10.77.1.1 dev eth1$/m);
  assert.match(await routes(host, path, '-6'), /^default via fd00:77:2::1 dev eth2 metric 1024 pref medium$/m);
  assert.equal(await insideOk(host, at(path), 'cat', '/proc/sys/net/ipv4/conf/eth2/log_martians'), '1\n');
  const ports = await json<{ ifname: string; master: string; isolated?: boolean }[]>(
    host.run('bridge', '-j', '-d', 'link'),
  );
  assert.deepEqual(
    ports.map(({ ifname, master, isolated }) => [ifname, master, isolated]),
    [
      ['veth0000000', 'br-0', false],
      ['veth0000001', 'br-1', false],
      ['veth0000002', 'br-2', true],
    ],
  );

  // Default routes: exactly these, whatever was there.
  await insideOk(host, at(path), 'ip', 'route', 'add', 'default', 'dev', 'eth0', 'metric', '7');
  await kernel.setDefaultRoutes(path, [{ via: '10.77.2.1', interface: 'eth2' }]);
  assert.deepEqual((await routes(host, path)).match(/^default.*$/gm), ['default via 10.77.2.1 dev eth2']);
  assert.doesNotMatch(await routes(host, path, '-6'), /default/);
  await kernel.setDefaultRoutes(path, [{ via: 'fd00:77::1', interface: 'eth0' }]);
  assert.doesNotMatch(await routes(host, path), /default/);
  assert.match(await routes(host, path, '-6'), /^default via fd00:77::1 dev eth0/m);
  const before = [await routes(host, path), await routes(host, path, '-6')];
  const wrong = [
    { via: '10.77.0.1', interface: 'eth0' },
    { via: 'fd00:99::1', interface: 'eth0' },
  ];
  await assert.rejects(kernel.setDefaultRoutes(path, wrong), /EHOSTUNREACH/);
  await assert.rejects(kernel.setDefaultRoutes(path, [{ via: '10.77.0.1', interface: 'eth7' }]), /no such link: eth7/);
  assert.deepEqual([await routes(host, path), await routes(host, path, '-6')], before);

  await kernel.dropNamespace(path);
  await kernel.linksGone(
    plans.map(({ hostName }) => hostName),
    200,
  );
  assert.deepEqual((await links(host)).map(({ ifname }) => ifname).toSorted(), ['br-0', 'br-1', 'br-2', 'lo']);
  await kernel.linksGone(['br-0', 'br-1', 'br-2'], 0);
  await process.end();
});

hostTest('connect and disconnect while the namespace is in use; all or nothing', {}, async (host) => {
  await using process = await startKernel(host);
  const { kernel } = process;
  const path = `${host.root}/n/one`;
  await kernel.ensureBridge(bridgePlan('br-0'));
  await kernel.createNamespace(path, [interfacePlan(0, 'br-0')], []);
  const second = interfacePlan(1, 'br-0', { name: 'eth1' });

  await kernel.addInterface(path, second);
  assert.deepEqual(addressesOf((await links(host, path))[2]), ['10.77.0.11/24', 'fd00:77::b/64']);
  await insideOk(host, at(path), 'ping', '-c1', '-W1', '-I', 'eth1', 'fd00:77::1');
  await kernel.linksGone([second.hostName], 0);
  const names = async (): Promise<string[]> => (await links(host, path)).map(({ ifname }) => ifname);
  assert.deepEqual(await names(), ['lo', 'eth0']);

  const failures = [
    [{ ...second, name: 'eth0' }, /EEXIST/],
    [{ ...second, bridge: 'br-none' }, /no such link: br-none/],
    [{ ...second, hostName: 'br-0' }, /EEXIST/],
    [{ ...second, routes: [{ to: '10.9.0.0/16', via: '10.88.0.1' }] }, /ENETUNREACH/],
    [{ ...second, sysctls: [{ name: 'net/ipv4/conf/eth1/nonsense', value: '1' }] }, /no such setting/],
    [{ ...second, sysctls: [{ name: 'net/ipv6/conf/eth1/forwarding', value: 'x' }] }, /refuses the value/],
  ] as const;
  for (const [plan, message] of failures) {
    await assert.rejects(kernel.addInterface(path, plan), message);
    assert.deepEqual(await names(), ['lo', 'eth0']);
  }
  assert.deepEqual((await links(host)).map(({ ifname }) => ifname).toSorted(), ['br-0', 'lo', 'veth0000000']);
  await assert.rejects(kernel.createNamespace(path, [], []), /EEXIST/);
  await assert.rejects(kernel.createNamespace(`${path}2`, [second, { ...second, name: 'eth2' }], []), /EEXIST/);
  assert.deepEqual(await kernel.listNamespaces(`${host.root}/n`), ['one']);
  await until(async () => (await links(host)).length === 3);

  await kernel.dropNamespace(path);
  await kernel.linksGone(['veth0000000', 'br-0', 'never-was'], 0);
});

hostTest('bridges: made, completed, and not half made', {}, async (host) => {
  await using process = await startKernel(host);
  const { kernel } = process;
  const bridge = async (name: string): Promise<IpLink | undefined> =>
    (await links(host)).find(({ ifname }) => ifname === name);
  await kernel.ensureBridge(bridgePlan('br-0'));
  await kernel.ensureBridge(bridgePlan('br-0', { mtu: 1400, addresses: ['10.77.0.1/24', '10.77.1.1/24'] }));
  const completed = await bridge('br-0');
  assert.deepEqual([completed?.mtu, addressesOf(completed)], [1400, ['10.77.0.1/24', '10.77.1.1/24']]);
  // Gateway mode isolated.
  await kernel.ensureBridge(bridgePlan('br-0', { addresses: [] }));
  assert.deepEqual(addressesOf(await bridge('br-0')), []);

  await assert.rejects(kernel.ensureBridge(bridgePlan('br-theirs', { owner: '' })), /must be created manually/);
  await host.run('ip', 'link', 'add', 'br-theirs', 'type', 'bridge');
  await host.run('ip', 'address', 'add', '10.99.0.1/24', 'dev', 'br-theirs');
  await kernel.ensureBridge(bridgePlan('br-theirs', { owner: '', addresses: [], sysctls: [], mtu: 1400 }));
  const theirs = await bridge('br-theirs');
  assert.deepEqual([theirs?.mtu, addressesOf(theirs)], [1500, ['10.99.0.1/24']]);

  const nonsense = [{ name: 'net/ipv4/conf/br-1/nonsense', value: '1' }];
  await assert.rejects(kernel.ensureBridge(bridgePlan('br-1', { sysctls: nonsense })), /no such setting/);
  await assert.rejects(kernel.ensureBridge(bridgePlan('lo')), /lo is no bridge/);
  assert.equal(await bridge('br-1'), undefined);
  await kernel.linksGone(['br-0', 'br-theirs'], 0);
});

hostTest('a bridge is full with 1,023 ports', {}, async (host) => {
  await using process = await startKernel(host);
  const { kernel } = process;
  const path = `${host.root}/n/one`;
  await kernel.ensureBridge(bridgePlan('br-0', { addresses: ['10.77.0.1/16'], sysctls: [] }));
  await host.run('sh', '-c', 'sysctl -qw net.ipv6.conf.default.disable_ipv6=1');
  await kernel.createNamespace(path, [], []);
  // Ports that are nothing but ports: half of a pair each, the other half is one as well.
  const pairs = Array.from(
    { length: 511 },
    (_, n) => `link add a${n} master br-0 type veth peer name b${n}\nlink set b${n} master br-0`,
  );
  await host.exec(['ip', '-batch', '-'], { input: pairs.join('\n') });
  const plan = interfacePlan(1, 'br-0', { addresses: ['10.77.0.11/16'] });
  await kernel.addInterface(path, plan);
  const full = /bridge br-0 has 1023 ports, as many as a Linux bridge can have: use another network/;
  await assert.rejects(kernel.addInterface(path, { ...plan, name: 'eth1', hostName: 'veth0000002' }), full);
  await assert.rejects(kernel.createNamespace(`${path}2`, [{ ...plan, hostName: 'veth0000002' }], []), full);
  await host.run('ip', 'link', 'add', 'lone', 'type', 'veth', 'peer', 'name', 'other');
  await assert.rejects(kernel.enslave(interfacePlan(0, 'br-0', { hostName: 'lone' })), full);
  assert.equal((await links(host)).filter(({ ifname }) => ifname.startsWith('veth')).length, 1);
  await kernel.dropNamespace(path);
  await kernel.linksGone([...pairs.map((_, n) => `a${n}`), 'veth0000001', 'lone', 'br-0'], 0);
});

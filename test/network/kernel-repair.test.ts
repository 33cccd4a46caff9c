/** repairNamespace() after damage of every kind, and what it leaves alone. */
import assert from 'node:assert/strict';
import type { DefaultRoute } from '../../src/drivers/plan.ts';
import type { Sandbox } from '../../src/network/port.ts';
import { hostTest } from '../support/host.ts';
import { bridgePlan, interfacePlan, startKernel } from './kernel-support.ts';
import { inside, insideOk } from './support.ts';

const at = (namespacePath: string): Sandbox => ({ namespacePath }) as Sandbox;

hostTest('damage inside a namespace is put right, once', {}, async (host) => {
  await using process = await startKernel(host);
  const { kernel } = process;
  const path = `${host.root}/n/one`;
  const ip = async (...argv: string[]): Promise<string> => insideOk(host, at(path), 'ip', ...argv);
  await kernel.ensureBridge(bridgePlan('br-0'));
  const plans = [
    interfacePlan(0, 'br-0', { routes: [{ to: '10.200.0.0/16', via: '10.77.0.1' }] }),
    interfacePlan(1, 'br-0', { name: 'eth1', isolated: true }),
  ];
  const defaults: DefaultRoute[] = [
    { via: '10.77.0.1', interface: 'eth0' },
    { via: 'fd00:77::1', interface: 'eth1' },
  ];
  await kernel.createNamespace(path, plans, defaults);
  const state = async (): Promise<string> => {
    const links = JSON.parse(await ip('-j', 'address')) as {
      ifname: string;
      flags: string[];
      addr_info: { local: string; scope: string }[];
    }[];
    const addresses = links.map(({ ifname, flags, addr_info }) => [
      ifname,
      flags.includes('UP'),
      ...addr_info.flatMap(({ local, scope }) => (scope === 'global' ? [local] : [])).toSorted(),
    ]);
    const routes = [await ip('route'), await ip('-6', 'route')].join('').split('\n');
    const ports = await host.run('bridge', '-d', 'link');
    return JSON.stringify([
      addresses.map((list) => list.join(' ')).toSorted(),
      routes
        .map((line) => line.trim())
        .filter((line) => line !== '' && !line.startsWith('fe80'))
        .toSorted(),
      [...ports.matchAll(/(veth\w+)@.* master (\S+)|isolated (on|off)/g)]
        .map(([, ...rest]) => rest.join(' '))
        .toSorted(),
    ]);
  };
  const sound = await state();
  const repairing = async (): Promise<boolean> => kernel.repairNamespace(path, plans, defaults);
  assert.equal(await repairing(), false);
  const damages = [
    ['ip link del eth0'],
    ['ip link del eth1'],
    ['ip link del eth0; ip link del eth1'],
    ['ip addr del 10.77.0.10/24 dev eth0'],
    ['ip addr flush dev eth1'],
    ['ip addr del fd00:77::b/64 dev eth1'],
    ['ip route del default'],
    ['ip -6 route del default'],
    ['ip route del 10.200.0.0/16'],
    ['ip route flush table main'],
    ['ip link set eth0 down'],
    ['ip link set lo down'],
  ] as const;
  for (const [damage] of damages) {
    await insideOk(host, at(path), 'sh', '-c', damage);
    assert.notEqual(await state(), sound, damage);
    assert.equal(await repairing(), true, damage);
    assert.equal(await state(), sound, damage);
    assert.equal(await repairing(), false, damage);
  }
  for (const damage of ['nomaster', 'down']) {
    await host.run('ip', 'link', 'set', 'veth0000001', damage);
    assert.equal(await repairing(), true, damage);
    assert.equal(await state(), sound, damage);
  }
  await host.run('ip', 'link', 'del', 'veth0000000');
  assert.equal(await repairing(), true);
  assert.equal(await state(), sound);
  await insideOk(host, at(path), 'ping', '-c1', '-W1', 'fd00:77::1');
  await insideOk(host, at(path), 'ping', '-c1', '-W1', '10.77.0.1');

  // What whoever is root in there did on purpose.
  await ip('route', 'replace', 'default', 'via', '10.77.0.77', 'dev', 'eth0');
  await ip('link', 'add', 'foreign', 'type', 'bridge');
  await ip('address', 'add', '10.66.0.1/24', 'dev', 'foreign');
  await ip('link', 'set', 'eth1', 'down');
  await ip('link', 'set', 'eth1', 'name', 'uplink');
  await ip('link', 'set', 'uplink', 'up');
  await repairing();
  assert.match(await ip('route'), /default via 10.77.0.77 dev eth0/);
  assert.match(await ip('address', 'show', 'uplink'), /fd00:77::b\/64/);
  assert.match(await ip('address', 'show', 'foreign'), /10.66.0.1\/24/);
  assert.equal(await repairing(), false);

  // A link that has our name and is not ours: told, and the other interface is repaired all the same.
  await ip('link', 'del', 'eth0');
  await ip('link', 'add', 'eth0', 'type', 'bridge');
  await ip('link', 'set', 'uplink', 'down');
  await assert.rejects(repairing(), /EEXIST/);
  assert.match(await ip('address', 'show', 'uplink'), /UP[^]*10.77.0.11\/24/);
  await ip('link', 'del', 'eth0');
  assert.equal(await repairing(), true);

  // Moved into a further namespace: it stays there.
  const start = 'unshare -n sleep 60 >/dev/null 2>&1 & sleep 0.3; ip link set uplink netns $!; echo $!';
  const holder = (await insideOk(host, at(path), 'sh', '-c', start)).trim();
  assert.equal(await repairing(), false);
  assert.notEqual((await inside(host, at(path), 'ip', 'link', 'show', 'uplink')).code, 0);

  await host.run('kill', holder);
  await kernel.dropNamespace(path);
  await kernel.linksGone(['veth0000000', 'veth0000001', 'br-0'], 200);
});

hostTest(
  'a port whose bridge was deleted is isolated again, and its neighbour need not be asked for',
  {},
  async (host) => {
    await using process = await startKernel(host);
    const { kernel } = process;
    const plans = [0, 1].map((number) => interfacePlan(number, 'br-0', { name: `eth${number}`, isolated: true }));
    await kernel.ensureBridge(bridgePlan('br-0'));
    const path = `${host.root}/n/one`;
    await kernel.createNamespace(path, plans, []);
    await host.run('ip', 'link', 'delete', 'br-0');
    await kernel.ensureBridge(bridgePlan('br-0'));
    for (const plan of plans) await kernel.enslave(plan);
    const ports = await host.run('bridge', '-d', 'link');
    assert.equal(ports.match(/isolated on/g)?.length, 2, ports);
    // A question that was lost before the port forwarded would be asked again a second later.
    const neighbours = await host.run('ip', 'neighbour', 'show', 'dev', 'br-0');
    for (const { mac, addresses } of plans) {
      const [address = ''] = addresses[0]?.split('/') ?? [];
      assert.ok(neighbours.includes(`${address} lladdr ${mac} `), neighbours);
    }
    await kernel.dropNamespace(path);
    await kernel.linksGone(['veth0000000', 'veth0000001', 'br-0'], 100);
  },
);

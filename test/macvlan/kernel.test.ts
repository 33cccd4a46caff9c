/** Links of macvlan and ipvlan, their parents and the shim on a real kernel, seen with `ip -j`. */
import assert from 'node:assert/strict';
import type { IpvlanPlan, LinkPlan, MacvlanPlan, ShimPlan } from '../../src/drivers/plan.ts';
import { startKernel } from '../network/kernel-support.ts';
import { inside, insideOk, json } from '../network/support.ts';
import type { IpLink } from '../network/support.ts';
import type { Host } from '../support/host.ts';
import { until } from '../support/wait.ts';
import { HOST, lan4, lan6, lanTest, PEER } from './lan.ts';
import { kernelHas } from './support.ts';

const at = (namespacePath: string): Parameters<typeof inside>[1] => ({ namespacePath }) as Parameters<typeof inside>[1];

const plan = (n: number, more: Partial<MacvlanPlan> = {}): MacvlanPlan => ({
  kind: 'macvlan',
  name: 'eth0',
  mac: `02:42:00:00:00:${n}`,
  mtu: 0,
  parent: 'eth0',
  mode: 'bridge',
  addresses: [`${lan4(0, n)}/24`, `${lan6(0, `${n}`)}/64`],
  routes: [],
  sysctls: [],
  announce: { count: 0, interval: 1000 },
  ...more,
});
const owner = 'berth:test';

interface SubLink extends IpLink {
  linkinfo?: { info_kind: string; info_data?: { mode: string } };
}
const links = async (host: Host, path: string): Promise<string[]> =>
  (await json<SubLink[]>(insideOk(host, at(path), 'ip', '-j', '-d', 'link'))).map(
    ({ ifname, address, linkinfo, flags }) =>
      `${ifname} ${address} ${linkinfo?.info_kind} ${linkinfo?.info_data?.mode} ${flags.includes('UP') ? 'up' : 'down'}`,
  );
const pings = async (host: Host, path: string, target: string): Promise<boolean> =>
  (await inside(host, at(path), 'ping', '-c1', '-W1', target)).code === 0;

lanTest('macvlan: made in a namespace, repaired, deleted there; all or nothing', async (host) => {
  await using process = await startKernel(host);
  const { kernel } = process;
  const path = `${host.root}/n/one`;
  const router = [{ via: lan4(0, 1), interface: 'eth0' }];
  await kernel.createNamespace(path, [plan(20)], router);
  assert.deepEqual((await links(host, path)).slice(1), ['eth0 02:42:00:00:00:20 macvlan bridge up']);
  assert.ok(await pings(host, path, lan4(0, PEER.v4)));
  assert.ok(await pings(host, path, lan6(0, PEER.v6)));
  assert.ok(await pings(host, path, '203.0.113.9'), 'by the router');
  assert.ok(!(await pings(host, path, lan4(0, HOST.v4))), 'a macvlan link and its parent do not talk');

  const second = plan(21, {
    name: 'eth1',
    parent: 'eth1',
    mode: 'private',
    addresses: [`${lan4(1, 21)}/24`],
    mtu: 1400,
  });
  await kernel.addInterface(path, second);
  assert.deepEqual((await links(host, path)).slice(1), [
    'eth0 02:42:00:00:00:20 macvlan bridge up',
    'eth1 02:42:00:00:00:21 macvlan private up',
  ]);
  await assert.rejects(kernel.addInterface(path, plan(22, { name: 'eth1' })), /EEXIST|exists/i);
  // The address cannot be: what was made before it goes.
  await assert.rejects(kernel.addInterface(path, plan(22, { name: 'eth2', addresses: ['ff02::1/64'] })));
  await assert.rejects(
    kernel.addInterface(path, plan(23, { name: 'eth3', parent: 'eth9' })),
    /the requested parent interface eth9 was not found on the Docker host/,
  );
  assert.equal((await links(host, path)).length, 3);

  // Renamed and with another MAC it is still the plan's; deleted, it is made again.
  await insideOk(host, at(path), 'ip', 'link', 'set', 'eth1', 'down');
  await insideOk(host, at(path), 'ip', 'link', 'set', 'eth1', 'name', 'lan1');
  assert.equal(await kernel.repairNamespace(path, [plan(20), second], router), true);
  assert.equal((await links(host, path))[2], 'lan1 02:42:00:00:00:21 macvlan private up');
  assert.equal(await kernel.repairNamespace(path, [plan(20), second], router), false);
  // Its maker died before he had named it.
  await insideOk(host, at(path), 'ip', 'link', 'set', 'lan1', 'down');
  await insideOk(host, at(path), 'ip', 'link', 'set', 'lan1', 'name', 'bv0123456789ab');
  assert.equal(await kernel.repairNamespace(path, [plan(20), second], router), true);
  assert.equal((await links(host, path))[2], 'eth1 02:42:00:00:00:21 macvlan private up');
  await insideOk(host, at(path), 'ip', 'link', 'del', 'eth0');
  assert.equal(await kernel.repairNamespace(path, [plan(20), second], router), true);
  assert.equal(await kernel.repairNamespace(path, [plan(20), second], router), false);
  assert.ok(await pings(host, path, '203.0.113.9'));

  await kernel.interfacesGone(path, [second]);
  assert.deepEqual((await links(host, path)).slice(1), ['eth0 02:42:00:00:00:20 macvlan bridge up']);
  await kernel.interfacesGone(path, [second, plan(23, { parent: 'eth9' })]);
  const gone = kernel.interfacesGone(path, [plan(20)]);
  await kernel.dropNamespace(path);
  await gone;
  // Its MAC is free at once.
  await kernel.createNamespace(path, [plan(20)], router);
  await kernel.dropNamespace(path);
  await kernel.interfacesGone(path, [plan(20)]);
});

lanTest('mode passthru: one container has the parent, and the next when that is gone', async (host) => {
  await using process = await startKernel(host);
  const { kernel } = process;
  const [one, two] = [`${host.root}/n/one`, `${host.root}/n/two`];
  const passthru = (n: number): MacvlanPlan => plan(n, { parent: 'eth1', mode: 'passthru' });
  await kernel.createNamespace(one, [passthru(20)], []);
  assert.ok(await pings(host, one, lan4(0, PEER.v4)));
  assert.ok(await pings(host, one, lan4(0, HOST.v4)), 'the host is by another link on the LAN');
  await assert.rejects(
    kernel.createNamespace(two, [passthru(21)], []),
    /failed to create the macvlan port: eth1 has a macvlan link in mode passthru/,
  );
  for (let turn = 0; turn < 3; turn++) {
    const gone = kernel.interfacesGone(one, [passthru(20)]);
    await kernel.dropNamespace(one);
    await gone;
    await kernel.createNamespace(one, [passthru(20)], []);
  }
  await host.run('ip', 'link', 'add', 'br7', 'type', 'bridge');
  await host.run('ip', 'link', 'set', 'eth2', 'master', 'br7');
  await assert.rejects(
    kernel.createNamespace(two, [plan(22, { parent: 'eth2' })], []),
    /failed to create the macvlan port: eth2 is in use as a bridge's port/,
  );
  await host.run('ip', 'link', 'del', 'br7');
  await kernel.dropNamespace(one);
});

lanTest('the host’s shim: a route for each container, ARP for no one else', async (host, lan) => {
  await using process = await startKernel(host);
  const { kernel } = process;
  const path = `${host.root}/n/one`;
  const shim: ShimPlan = {
    kind: 'shim',
    name: 'hs-0123456789ab',
    owner,
    parent: 'eth0',
    mac: '02:42:00:00:00:99',
    addresses: [`${lan4(0, 99)}/32`, `${lan6(0, '99')}/128`],
    sysctls: [{ name: 'net/ipv4/conf/hs-0123456789ab/arp_filter', value: '1' }],
  };
  await kernel.ensureLink(shim);
  await kernel.ensureLink(shim);
  await kernel.createNamespace(path, [plan(20)], []);
  const ping = async (target: string): Promise<boolean> => (await host.exec(['ping', '-c1', '-W1', target])).code === 0;
  assert.ok(!(await ping(lan4(0, 20))), 'not yet told');
  await kernel.setReach(shim, [lan4(0, 20), lan6(0, '20'), lan4(0, 30)]);
  await kernel.setReach(shim, [lan4(0, 20), lan6(0, '20')]);
  assert.deepEqual((await host.run('ip', 'route', 'show', 'dev', shim.name)).trim().split('\n'), [
    `${lan4(0, 20)} scope link `.trim(),
  ]);
  assert.ok(await ping(lan4(0, 20)));
  assert.ok(await ping(lan6(0, '20')));
  // By the shim's address, and in IPv4 by the host's own.
  for (const target of [lan4(0, 99), lan6(0, '99'), lan4(0, HOST.v4)])
    assert.ok(await pings(host, path, target), target);
  // Whoever is elsewhere in the LAN asks for the host and hears one MAC.
  const eth0 = (await json<IpLink[]>(host.run('ip', '-j', 'link', 'show', 'eth0')))[0]?.address;
  for (const target of [lan4(0, HOST.v4), lan4(0, 99)]) {
    assert.deepEqual(await lan.whoHas(target), [eth0], target);
  }
  assert.ok(await ping(lan4(0, PEER.v4)), 'the LAN stays where it was');

  // Somebody took the address, set it down, or made another parent.
  await host.run('ip', 'addr', 'flush', 'dev', shim.name);
  await host.run('ip', 'link', 'set', shim.name, 'down');
  await kernel.ensureLink(shim);
  await kernel.setReach(shim, [lan4(0, 20)]);
  assert.ok(await ping(lan4(0, 20)));
  await kernel.dropNamespace(path);
  await kernel.linksGone([shim.name], 0);
  await host.run('ip', 'link', 'add', shim.name, 'type', 'bridge');
  await assert.rejects(kernel.ensureLink(shim), /somebody else's/);
  await host.run('ip', 'link', 'del', shim.name);
});

lanTest('a link that leads nowhere, of whatever kind the kernel has', async (host) => {
  await using process = await startKernel(host);
  const { kernel } = process;
  const paths = [`${host.root}/n/one`, `${host.root}/n/two`] as const;
  const dummy: LinkPlan = { kind: 'dummy', name: 'dm-0123456789ab', owner };
  await kernel.ensureLink(dummy);
  await kernel.ensureLink(dummy);
  const [link] = await json<SubLink[]>(host.run('ip', '-j', '-d', 'link', 'show', dummy.name));
  assert.equal(link?.linkinfo?.info_kind, (await kernelHas(host, 'dummy')) ? 'dummy' : 'veth');
  for (const [n, path] of paths.entries())
    await kernel.createNamespace(path, [plan(20 + n, { parent: dummy.name })], []);
  assert.ok(await pings(host, paths[0], lan4(0, 21)));
  assert.ok(await pings(host, paths[0], lan6(0, '21')));
  for (const path of paths) await kernel.dropNamespace(path);
  await kernel.linksGone([dummy.name], 0);
});

lanTest('a VLAN’s link and ipvlan, or an error that names the option', async (host, _lan, context) => {
  await using process = await startKernel(host);
  const { kernel } = process;
  const path = `${host.root}/n/one`;
  const vlan: LinkPlan = { kind: 'vlan', name: 'eth2.50', owner, parent: 'eth2', id: 50 };
  const ipvlan: IpvlanPlan = { ...plan(20), kind: 'ipvlan', mac: '', mode: 'l2', flag: 'bridge' };
  await assert.rejects(
    kernel.ensureLink({ ...vlan, parent: 'eth9' }),
    /-o parent interface was not found on the host: eth9/,
  );
  if (await kernelHas(host, 'vlan')) {
    await kernel.ensureLink(vlan);
    await kernel.ensureLink(vlan);
    const [link] = await json<SubLink[]>(host.run('ip', '-j', '-d', 'link', 'show', vlan.name));
    assert.equal(link?.linkinfo?.info_kind, 'vlan');
    await kernel.createNamespace(path, [plan(20, { parent: vlan.name })], []);
    await kernel.dropNamespace(path);
    await kernel.linksGone([vlan.name], 0);
    await host.run('ip', 'link', 'set', 'eth2', 'down');
    await kernel.ensureLink(vlan);
    await host.run('ip', 'link', 'set', 'eth2', 'up');
    const flags = async (): Promise<string[]> =>
      (await json<IpLink[]>(host.run('ip', '-j', 'link', 'show', vlan.name)))[0]?.flags ?? [];
    await until(async () => (await flags()).includes('UP'));
    await kernel.linksGone([vlan.name], 0);
  } else {
    context.diagnostic('no CONFIG_VLAN_8021Q here');
    await assert.rejects(
      kernel.ensureLink(vlan),
      /this kernel cannot make vlan interfaces: load the module 8021q \(CONFIG_VLAN_8021Q\)/,
    );
  }
  if (await kernelHas(host, 'ipvlan')) {
    await kernel.createNamespace(path, [ipvlan], []);
    assert.ok(await pings(host, path, lan4(0, PEER.v4)));
    await insideOk(host, at(path), 'ip', 'link', 'del', 'eth0');
    assert.equal(await kernel.repairNamespace(path, [ipvlan], []), true);
    await kernel.dropNamespace(path);
  } else {
    context.diagnostic('no CONFIG_IPVLAN here');
    await assert.rejects(
      kernel.createNamespace(path, [ipvlan], []),
      /this kernel cannot make ipvlan interfaces: load the module ipvlan \(CONFIG_IPVLAN\)/,
    );
  }
});

/** Networks of macvlan and ipvlan on strict fakes: what is refused, what is made, healed and taken away again. */
import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { setImmediate as immediate } from 'node:timers/promises';
import type { NetworkParts } from './controller.ts';
import type { NetworkCreateRequest } from './port.ts';
import { creation, inspect, ipam, open, pool, request, settings, World } from './testing-world.ts';

const link = (
  name: string,
  more: { kind?: string; master?: string; alias?: string } = {},
): Parameters<World['kernel']['links']['set']>[1] => ({ name, kind: '', master: '', alias: '', up: true, ...more });

const macvlan = (Options: Record<string, string>, more: Partial<NetworkCreateRequest> = {}): NetworkCreateRequest =>
  creation('lan', { Driver: 'macvlan', Options, ...more });
const ipvlan = (Options: Record<string, string>, more: Partial<NetworkCreateRequest> = {}): NetworkCreateRequest =>
  creation('lan', { Driver: 'ipvlan', Options, ...more });
const LAN = pool('192.0.2.0/24', { Gateway: '192.0.2.1' });
const LAN6 = pool('2001:db8:2::/64', { Gateway: '2001:db8:2::1' });

let world = new World();
let parts: NetworkParts;
beforeEach(async () => {
  world = new World();
  for (const name of ['eth0', 'eth1']) world.kernel.links.set(name, link(name));
  world.kernel.addresses.push({ link: 'eth0', address: '192.0.2.2/24' });
  parts = await world.started();
});

const namespaceOf = (id: string): ReturnType<World['kernel']['namespaces']['get']> =>
  world.kernel.namespaces.get(parts.sandboxes.view(id)?.SandboxKey ?? '');
const ownLinks = (): string[] =>
  [...world.kernel.links.values()]
    .filter(({ alias, name }) => alias !== '' && name !== 'docker0')
    .map(({ name, kind }) => `${name.replace(/-\w+/, '-')} ${kind}`);

void describe('macvlan and ipvlan: what is refused, in Docker’s words', () => {
  const cases: [what: string, asked: NetworkCreateRequest, kind: string, message: string | RegExp][] = [
    [
      'mode',
      macvlan({ macvlan_mode: 'x' }),
      'InvalidParameter',
      "requested macvlan mode 'x' is not valid, 'bridge' mode is the macvlan driver default",
    ],
    [
      'ipvlan’s mode',
      ipvlan({ ipvlan_mode: 'l4' }),
      'InvalidParameter',
      "requested ipvlan mode 'l4' is not valid, 'l2' mode is the ipvlan driver default",
    ],
    [
      'ipvlan’s flag',
      ipvlan({ ipvlan_flag: 'x' }),
      'InvalidParameter',
      "requested ipvlan flag 'x' is not valid, 'bridge' is the ipvlan driver default",
    ],
    ['lo', macvlan({ parent: 'lo' }), 'InvalidParameter', 'loopback interface is not a valid macvlan parent link'],
    [
      'lo of ipvlan',
      ipvlan({ parent: 'lo' }),
      'InvalidParameter',
      'loopback interface is not a valid ipvlan parent link',
    ],
    ['no name', macvlan({ parent: 'a b' }), 'InvalidParameter', 'invalid parent "a b": no name of an interface'],
    [
      'a parent that is not there',
      macvlan({ parent: 'eth9' }),
      'InvalidParameter',
      'invalid subinterface vlan name eth9, example formatting is eth0.10',
    ],
    [
      'two dots',
      macvlan({ parent: 'eth0.1.2' }),
      'InvalidParameter',
      'required interface name format is: name.vlan_id, ex. eth0.10 for vlan 10, instead received eth0.1.2',
    ],
    [
      'no number',
      ipvlan({ parent: 'eth0.x' }),
      'InvalidParameter',
      'unable to parse a valid vlan id from: x (ex. eth0.10 for vlan 10)',
    ],
    [
      'VLAN of nothing',
      macvlan({ parent: 'eth9.5' }),
      'NotFound',
      '-o parent interface was not found on the host: eth9',
    ],
    [
      'VLAN 4095',
      macvlan({ parent: 'eth0.4095' }),
      'InvalidParameter',
      'vlan id must be between 1-4094, received: 4095',
    ],
    ['VLAN 0', macvlan({ parent: 'eth0.0' }), 'InvalidParameter', 'vlan id must be between 1-4094, received: 0'],
    [
      'no addresses',
      macvlan({ parent: 'eth0' }, { IPAM: { Driver: 'null', Config: [], Options: {} } }),
      'InvalidParameter',
      'ipv4 pool is empty',
    ],
    ['MTU', macvlan({ 'com.docker.network.driver.mtu': '50' }), 'InvalidParameter', 'invalid MTU number: 50'],
    [
      'parent of a passthru network',
      macvlan({ parent: 'eth1' }),
      'Forbidden',
      /^macvlan network \w{64} is already using parent interface eth1 in mode passthru$/,
    ],
    [
      'passthru on a parent in use',
      macvlan({ parent: 'eth0', macvlan_mode: 'passthru' }),
      'Forbidden',
      /^cannot use mode passthru, macvlan network \w{64} is already using parent interface eth0$/,
    ],
    [
      'two of ipvlan on one parent',
      ipvlan({ parent: 'eth0' }),
      'Forbidden',
      /^network di-\w{12} is already using parent interface eth0$/,
    ],
    [
      'a shim in another mode',
      macvlan({ parent: 'eth0', macvlan_mode: 'private', 'com.berth.host_shim': 'true' }),
      'InvalidParameter',
      "com.berth.host_shim is for mode bridge: in mode private the containers do not talk to the host's links",
    ],
    [
      'a shim’s address elsewhere',
      macvlan({ parent: 'eth0', 'com.berth.host_shim': 'true', 'com.berth.host_shim_address': '10.9.9.9' }),
      'InvalidParameter',
      'com.berth.host_shim_address: 10.9.9.9 is in no subnet of the network',
    ],
    [
      'a shim’s address without a shim',
      macvlan({ parent: 'eth0', 'com.berth.host_shim_address': '10.9.9.9' }),
      'InvalidParameter',
      'com.berth.host_shim_address is for networks with com.berth.host_shim=true',
    ],
    [
      'a shim that is none',
      macvlan({ 'com.berth.host_shim': 'maybe' }),
      'InvalidParameter',
      'driver-opt "com.berth.host_shim" is not a valid bool',
    ],
    [
      'a shim of ipvlan',
      ipvlan({ 'com.berth.host_shim': 'true' }),
      'InvalidParameter',
      'com.berth.host_shim is for networks of driver macvlan',
    ],
  ];
  for (const [what, asked, kind, message] of cases) {
    void test(what, async () => {
      await parts.networks.create(creation('one', { Driver: 'macvlan', Options: { parent: 'eth0' } }));
      await parts.networks.create(creation('two', { Driver: 'ipvlan', Options: { parent: 'eth0' } }));
      await parts.networks.create(
        creation('all', { Driver: 'macvlan', Options: { parent: 'eth1', macvlan_mode: 'passthru' } }),
      );
      const before = world.snapshot();
      await assert.rejects(parts.networks.create(asked), { name: 'BerthError', kind, message });
      assert.deepEqual(world.snapshot(), before);
    });
  }

  void test('a MAC on ipvlan; a MAC that is a group’s', async () => {
    await parts.networks.create(ipvlan({ parent: 'eth0' }));
    const asked = (MacAddress: string): Promise<unknown> =>
      open(parts, request('c', { networkMode: 'lan', endpoints: { lan: settings({ MacAddress }) } }));
    await assert.rejects(asked('02:42:00:00:00:07'), /ipvlan interfaces do not support custom mac address assignment/);
  });
});

void describe('macvlan and ipvlan: what is made', () => {
  void test('a container of a LAN: a MAC made up, the LAN’s router, no port, nothing on the host', async () => {
    await parts.networks.create(macvlan({ parent: 'eth0' }, { EnableIPv6: true, IPAM: ipam(LAN, LAN6) }));
    const before = [...world.kernel.links.keys()];
    await open(
      parts,
      request('c', { networkMode: 'lan', portBindings: { '80/tcp': [{ HostIp: '', HostPort: '80' }] } }),
    );
    const [eth0] = namespaceOf('c')?.interfaces ?? [];
    assert.ok(eth0?.kind === 'macvlan');
    // .1 is the router, .2 the host.
    assert.deepEqual(eth0.addresses, ['192.0.2.3/24', '2001:db8:2::2/64']);
    assert.match(eth0.mac, /^02:42:/);
    assert.deepEqual([eth0.parent, eth0.mode, eth0.mtu, eth0.name], ['eth0', 'bridge', 0, 'eth0']);
    assert.deepEqual(namespaceOf('c')?.defaults, [
      { via: '192.0.2.1', interface: 'eth0' },
      { via: '2001:db8:2::1', interface: 'eth0' },
    ]);
    assert.deepEqual([...world.kernel.links.keys()], before);
    assert.deepEqual(world.firewall.state().ports, []);
    assert.deepEqual(world.warnings, ['macvlan driver does not support port mappings']);
    const view = parts.sandboxes.view('c')?.Networks['lan'];
    assert.deepEqual([view?.Gateway, view?.IPv6Gateway, view?.MacAddress], ['192.0.2.1', '2001:db8:2::1', eth0.mac]);
    const shown = await inspect(parts, 'lan');
    assert.deepEqual(shown['Options'], { parent: 'eth0' });
    assert.deepEqual([shown['Driver'], shown['Scope'], shown['Internal']], ['macvlan', 'local', false]);
    await parts.sandboxes.close('c');
    assert.equal(world.kernel.namespaces.size, 0);
  });

  void test('no router unless it is named, as in Docker 29; none on an internal network, none without a parent', async () => {
    const gatewayOf = async (asked: NetworkCreateRequest): Promise<unknown> => {
      await parts.networks.create(asked);
      await open(parts, request('c', { networkMode: 'lan' }));
      const found = namespaceOf('c')?.defaults;
      await parts.sandboxes.close('c');
      await parts.networks.remove('lan');
      return found;
    };
    assert.deepEqual(await gatewayOf(macvlan({ parent: 'eth0' }, { IPAM: ipam(pool('192.0.2.0/24')) })), []);
    assert.deepEqual(await gatewayOf(macvlan({ parent: 'eth0' }, { Internal: true, IPAM: ipam(LAN) })), []);
    assert.deepEqual(await gatewayOf(macvlan({}, { IPAM: ipam(LAN) })), []);
    assert.deepEqual(await gatewayOf(ipvlan({ parent: 'eth0' }, { IPAM: ipam(LAN) })), [
      { via: '192.0.2.1', interface: 'eth0' },
    ]);
    for (const mode of ['l3', 'l3s']) {
      const routed = ipvlan({ parent: 'eth0', ipvlan_mode: mode }, { EnableIPv6: true, IPAM: ipam(LAN, LAN6) });
      assert.deepEqual(await gatewayOf(routed), [
        { via: '0.0.0.0', interface: 'eth0' },
        { via: '::', interface: 'eth0' },
      ]);
    }
    assert.deepEqual(ownLinks(), []);
  });

  void test('several subnets: each container has the router of its own', async () => {
    const second = pool('198.51.100.0/24', { Gateway: '198.51.100.9' });
    await parts.networks.create(macvlan({ parent: 'eth0' }, { IPAM: ipam(LAN, second) }));
    const endpoints = {
      lan: settings({ IPAMConfig: { IPv4Address: '198.51.100.7', IPv6Address: '', LinkLocalIPs: [] } }),
    };
    await open(parts, request('c', { networkMode: 'lan', endpoints }));
    await open(parts, request('d', { networkMode: 'lan' }));
    assert.deepEqual(namespaceOf('c')?.defaults, [{ via: '198.51.100.9', interface: 'eth0' }]);
    assert.deepEqual(namespaceOf('d')?.defaults, [{ via: '192.0.2.1', interface: 'eth0' }]);
    assert.equal(parts.sandboxes.view('c')?.Networks['lan']?.Gateway, '198.51.100.9');
  });

  void test('ipvlan: no MAC of its own; its link says mode and flag', async () => {
    await parts.networks.create(
      ipvlan({ parent: 'eth0', ipvlan_mode: 'l3s', ipvlan_flag: 'vepa' }, { IPAM: ipam(LAN) }),
    );
    await open(parts, request('c', { networkMode: 'lan' }));
    const [eth0] = namespaceOf('c')?.interfaces ?? [];
    assert.ok(eth0?.kind === 'ipvlan');
    assert.deepEqual([eth0.mac, eth0.mode, eth0.flag, eth0.announce.count], ['', 'l3s', 'vepa', 0]);
    const view = parts.sandboxes.view('c')?.Networks['lan'];
    assert.deepEqual([view?.MacAddress, view?.Gateway, view?.IPAddress], ['', '', '192.0.2.3']);
  });

  void test('beside a bridge: the way out and the ports follow the priority', async () => {
    await parts.networks.create(macvlan({ parent: 'eth0' }, { IPAM: ipam(LAN) }));
    await parts.networks.create(creation('back', { IPAM: ipam(pool('10.1.0.0/24')) }));
    const portBindings = { '80/tcp': [{ HostIp: '', HostPort: '8080' }] };
    await open(parts, request('c', { networkMode: 'back', endpoints: { lan: settings({}) }, portBindings }));
    assert.equal(world.firewall.state().ports.length, 1);
    assert.deepEqual(namespaceOf('c')?.defaults, [{ via: '10.1.0.1', interface: 'eth0' }]);
    await parts.sandboxes.disconnect('c', 'lan', { force: false });
    assert.deepEqual(
      namespaceOf('c')?.interfaces.map(({ kind }) => kind),
      ['veth'],
    );
    await parts.sandboxes.connect('c', 'lan', settings({ GwPriority: 1 }));
    assert.deepEqual(namespaceOf('c')?.defaults, [{ via: '192.0.2.1', interface: 'eth1' }]);
    // dockerd, too, publishes by the endpoint that leads out or not at all.
    assert.deepEqual(world.firewall.state().ports, []);
  });

  void test('a VLAN’s link is made once and goes with its last network; one that is there stays', async () => {
    const on = (name: string, parent: string): NetworkCreateRequest =>
      creation(name, { Driver: 'macvlan', Options: { parent } });
    await parts.networks.create(on('one', 'eth0.50'));
    await parts.networks.create(on('two', 'eth0.50'));
    assert.deepEqual(ownLinks(), ['eth0.50 vlan']);
    await parts.networks.remove('one');
    assert.deepEqual(ownLinks(), ['eth0.50 vlan']);
    await parts.networks.remove('two');
    assert.deepEqual(ownLinks(), []);
    world.kernel.links.set('eth0.60', link('eth0.60', { kind: 'vlan' }));
    await parts.networks.create(on('three', 'eth0.60'));
    await parts.networks.remove('three');
    assert.ok(world.kernel.links.has('eth0.60'));
    // Nothing is left when it cannot be.
    world.kernel.failNext = 'ensureLink';
    await assert.rejects(parts.networks.create(on('four', 'eth0.70')), /ensureLink failed/);
    assert.deepEqual(ownLinks(), []);
    assert.equal(world.store.list('network').length, 3);
  });

  void test('what is worth a warning', async () => {
    const warningOf = async (asked: NetworkCreateRequest): Promise<string> =>
      (await parts.networks.create(asked)).Warning;
    const own = pool('192.0.2.0/24', { Gateway: '192.0.2.2' });
    assert.match(
      await warningOf(macvlan({ parent: 'eth0' }, { IPAM: ipam(own) })),
      /gateway 192\.0\.2\.2 is this host's own address/,
    );
    assert.match(
      await warningOf(creation('other', { Driver: 'ipvlan', Options: { parent: 'eth0' } })),
      /network lan of driver macvlan stands on eth0, too/,
    );
    world.kernel.links.set('eth1', { ...link('eth1', { master: 'br0' }), up: false });
    assert.match(
      await warningOf(creation('third', { Driver: 'macvlan', Options: { parent: 'eth1' } })),
      /^eth1 is down: nothing reaches the containers until it is up; eth1 is a port of br0/,
    );
  });
});

void describe('the host’s shim', () => {
  const withShim = (more: Record<string, string> = {}): NetworkCreateRequest =>
    macvlan({ parent: 'eth0', 'com.berth.host_shim': 'true', ...more }, { EnableIPv6: true, IPAM: ipam(LAN, LAN6) });
  const reached = (): string[] =>
    world.kernel.routes.filter((route) => route.link.startsWith('hs-')).map(({ destination }) => destination);

  void test('has the first free addresses, and a route to each container', async () => {
    await parts.networks.create(withShim());
    assert.deepEqual(ownLinks(), ['hs- macvlan']);
    const shown = await inspect(parts, 'lan');
    assert.deepEqual(shown['Options'], {
      parent: 'eth0',
      'com.berth.host_shim': 'true',
      'com.berth.host_shim_address': '192.0.2.3,2001:db8:2::2',
    });
    await open(parts, request('c', { networkMode: 'lan' }));
    assert.deepEqual(reached(), ['192.0.2.4/32', '2001:db8:2::3/128']);
    await open(parts, request('d', { networkMode: 'bridge' }));
    await parts.sandboxes.connect('d', 'lan', settings({}));
    assert.equal(reached().length, 4);
    await parts.sandboxes.disconnect('d', 'lan', { force: false });
    await parts.sandboxes.close('c');
    assert.deepEqual(reached(), []);
    await parts.networks.remove('lan');
    assert.deepEqual(ownLinks(), []);
  });

  void test('has the address that was asked for, and nobody else gets it', async () => {
    await parts.networks.create(withShim({ 'com.berth.host_shim_address': '192.0.2.77' }));
    const endpoints = {
      lan: settings({ IPAMConfig: { IPv4Address: '192.0.2.77', IPv6Address: '', LinkLocalIPs: [] } }),
    };
    await assert.rejects(open(parts, request('c', { networkMode: 'lan', endpoints })), /Address already in use/);
  });

  void test('and all that a network stands on come back: deleted, or after a reboot', async () => {
    await parts.networks.create(withShim({ parent: 'eth0.7' }));
    await open(parts, request('c', { networkMode: 'lan' }));
    parts.watch();
    const wanted = world.snapshot();
    const shim = [...world.kernel.links.keys()].find((name) => name.startsWith('hs-')) ?? '';
    await world.kernel.linksGone([shim, 'eth0.7']);
    const path = parts.sandboxes.view('c')?.SandboxKey ?? '';
    world.kernel.namespaces.set(path, { interfaces: [], defaults: [] });
    world.kernel.tell({ kind: 'link-gone', name: 'eth0.7' });
    while (ownLinks().length < 2 || namespaceOf('c')?.interfaces.length !== 1) await immediate();
    assert.deepEqual(world.snapshot(), wanted);
    await parts.shutdown({ keep: true });

    // The container died with the host, and a network was removed in a crash.
    world.kernel.routes.splice(0);
    world.kernel.links.delete(shim);
    world.kernel.links.set('eth0.8', link('eth0.8', { kind: 'vlan', alias: 'berth:gone' }));
    world.kernel.links.set('hs-gone', link('hs-gone', { kind: 'macvlan', alias: 'berth:gone' }));
    world.kernel.links.set('eth0.9', link('eth0.9', { kind: 'vlan', alias: 'berth-12345678:another' }));
    const next = await world.started();
    assert.deepEqual(ownLinks(), ['eth0.7 vlan', 'eth0.9 vlan', 'hs- macvlan']);
    assert.deepEqual(reached(), []);
    assert.equal(world.kernel.namespaces.size, 0);
    await next.shutdown({ keep: false });
    assert.deepEqual(ownLinks(), ['eth0.9 vlan']);
  });
});

import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import type { PortMap } from '../model/container.ts';
import type { NetworkParts } from './controller.ts';
import type { PublishChange } from './port.ts';
import { open, creation, request, settings, World } from './testing-world.ts';

const ipam = (Subnet: string): { IPAM: { Driver: string; Config: never[]; Options: Record<string, string> } } => ({
  IPAM: {
    Driver: 'default',
    Config: [{ Subnet, IPRange: '', Gateway: '', AuxiliaryAddresses: {} }] as never[],
    Options: {},
  },
});
const web: PortMap = { '80/tcp': [{ HostIp: '', HostPort: '8080' }] };

/** What is added is all that is asked for afterwards. */
const change = (add: PortMap, remove: PortMap): PublishChange => ({
  add,
  remove,
  wish: { portBindings: add, publishAll: false },
});

void describe('user-defined networks', () => {
  let world = new World();
  let parts: NetworkParts;
  beforeEach(async () => {
    world = new World();
    parts = await world.started();
    for (const [name, subnet] of [
      ['a', '10.1.0.0/24'],
      ['b', '10.2.0.0/24'],
    ] as const) {
      await parts.networks.create(creation(name, ipam(subnet)));
    }
    world.published = [];
  });
  const insideOf = (id: string): { names: string[]; via: string[] } => {
    const found = world.kernel.namespaces.get(parts.sandboxes.view(id)?.SandboxKey ?? '');
    return {
      names: found?.interfaces.map(({ name }) => name) ?? [],
      via: found?.defaults.map(({ via }) => via) ?? [],
    };
  };
  const addressOf = (id: string, network: string): string | undefined =>
    parts.sandboxes.view(id)?.Networks[network]?.IPAddress;

  void test('several networks at once: the mode’s first, the way out by priority', async () => {
    const endpoints = { b: settings({ GwPriority: 1 }), a: settings({}) };
    await open(parts, request('c', { networkMode: 'a', endpoints }));
    assert.deepEqual(insideOf('c'), { names: ['eth0', 'eth1'], via: ['10.2.0.1'] });
    assert.deepEqual([addressOf('c', 'a'), addressOf('c', 'b')], ['10.1.0.2', '10.2.0.2']);
    const [names] = [...world.attendant.names.values()];
    assert.deepEqual(
      names?.endpoints.map(({ networkName }) => networkName),
      ['b', 'a'],
    );
    assert.deepEqual(names.endpoints[0]?.names, ['name-c', 'c']);
    assert.match(world.files.read('/c/c/resolv.conf') ?? '', /^nameserver 127.0.0.11$/m);
  });

  void test('connect and disconnect: interface, route, ports, names and files follow', async () => {
    await open(parts, request('c', { networkMode: 'a', portBindings: web, exposed: ['80/tcp'] }));
    const port = (): unknown =>
      world.firewall.state().ports.map(({ hostPort, address, bridge }) => [hostPort, address, bridge.length > 0]);
    assert.deepEqual(port(), [[8080, '10.1.0.2', true]]);
    await parts.sandboxes.connect('c', 'b', settings({ GwPriority: 5, Aliases: ['db'] }));
    assert.deepEqual(insideOf('c'), { names: ['eth0', 'eth1'], via: ['10.2.0.1'] });
    assert.deepEqual(port(), [[8080, '10.2.0.2', true]]);
    assert.equal(world.attendant.held.size, 2);
    assert.match(world.files.read('/c/c/hosts') ?? '', /10\.1\.0\.2\tc\n10\.2\.0\.2\tc\n/);
    await parts.sandboxes.disconnect('c', 'b', { force: false });
    assert.deepEqual(insideOf('c'), { names: ['eth0'], via: ['10.1.0.1'] });
    assert.deepEqual(port(), [[8080, '10.1.0.2', true]]);
    await parts.sandboxes.disconnect('c', 'a', { force: false });
    assert.deepEqual(insideOf('c'), { names: [], via: [] });
    assert.deepEqual([world.firewall.state().ports, world.attendant.held.size, world.attendant.names.size], [[], 0, 0]);
    await parts.networks.remove('a');
    assert.deepEqual(
      world.events.map((text) => text.split(' ').slice(1, 3).join(' ')),
      ['connect a', 'connect b', 'disconnect b', 'disconnect a', 'destroy a'],
    );
  });

  void test('a connect that fails leaves the container as it was', async () => {
    await open(parts, request('c', { networkMode: 'a', portBindings: web }));
    const before = JSON.stringify([insideOf('c'), parts.sandboxes.view('c'), world.firewall.state()]);
    for (const failing of ['addInterface', 'setDefaultRoutes'] as const) {
      world.kernel.failNext = failing;
      await assert.rejects(async () => parts.sandboxes.connect('c', 'b', settings({ GwPriority: 5 })), {
        message: /failed/,
      });
      assert.equal(JSON.stringify([insideOf('c'), parts.sandboxes.view('c'), world.firewall.state()]), before, failing);
    }
    world.attendant.failNext = 'putNames';
    await assert.rejects(async () => parts.sandboxes.connect('c', 'b', settings({})), { message: /putNames failed/ });
    assert.equal(JSON.stringify([insideOf('c'), parts.sandboxes.view('c'), world.firewall.state()]), before);
    await assert.rejects(async () => parts.sandboxes.connect('c', 'a', settings({})), {
      kind: 'Forbidden',
      message: 'endpoint with name name-c already exists in network a',
    });
    await parts.sandboxes.connect('c', 'b', settings({}));
    assert.equal(addressOf('c', 'b'), '10.2.0.2', 'no address was lost');
  });

  void test('an address that was asked for is kept while its container is stopped', async () => {
    const asked = { a: settings({ IPAMConfig: { IPv4Address: '10.1.0.2' } }) };
    parts.sandboxes.reserve('stopped', asked);
    await open(parts, request('other', { networkMode: 'a' }));
    assert.equal(addressOf('other', 'a'), '10.1.0.3');
    await open(parts, request('stopped', { networkMode: 'a', endpoints: asked }));
    assert.equal(addressOf('stopped', 'a'), '10.1.0.2');
    // Who asks for it by name gets it when nobody uses it.
    parts.sandboxes.reserve('heir', asked);
    await assert.rejects(async () => open(parts, request('heir', { networkMode: 'a', endpoints: asked })), {
      kind: 'Forbidden',
      message: 'Address already in use',
    });
    await parts.sandboxes.close('stopped');
    await open(parts, request('heir', { networkMode: 'a', endpoints: asked }));
    await parts.sandboxes.close('heir');
    parts.sandboxes.forget('heir');
    parts.sandboxes.forget('stopped');
    await open(parts, request('third', { networkMode: 'a' }));
    assert.equal(addressOf('third', 'a'), '10.1.0.2');
  });

  void test('ports: changed while the container runs, refused with the holder’s name', async () => {
    await open(parts, request('c', { networkMode: 'a', portBindings: web }));
    const refused = { kind: 'Conflict', message: /8080 failed: port is already allocated.*name-c/ };
    await assert.rejects(async () => open(parts, request('d', { networkMode: 'a', portBindings: web })), refused);
    assert.equal(parts.sandboxes.view('d'), undefined);
    const more: PortMap = { '53/udp': [{ HostIp: '127.0.0.1', HostPort: '5353' }] };
    await parts.sandboxes.publish('c', change(more, { '80/tcp': null }));
    assert.deepEqual(parts.sandboxes.view('c')?.Ports, { '53/udp': [{ HostIp: '127.0.0.1', HostPort: '5353' }] });
    assert.deepEqual(
      world.firewall.state().ports.map(({ hostAddress, hostPort }) => [hostAddress, hostPort]),
      [['127.0.0.1', 5353]],
    );
    // What was taken back does not come again when the container is reached by another network.
    await parts.sandboxes.connect('c', 'b', settings({ GwPriority: 5 }));
    assert.deepEqual(
      world.firewall.state().ports.map(({ hostPort, address }) => [hostPort, address]),
      [[5353, '10.2.0.2']],
    );
    world.attendant.elsewhere.add('tcp/0.0.0.0/8080');
    await assert.rejects(async () => parts.sandboxes.publish('c', change(web, { '53/udp': null })), {
      kind: 'Conflict',
      message: /address already in use/,
    });
    assert.equal(world.firewall.state().ports.length, 1);
    assert.deepEqual([...world.attendant.held.keys()], ['udp/127.0.0.1/5353']);
    await parts.sandboxes.close('c');
    assert.deepEqual([world.firewall.state().ports, world.attendant.held.size], [[], 0]);
  });

  void test('a host port given at random stays when the container is reached by another network, in the families there are', async () => {
    world = new World();
    parts = await world.started({ userlandProxy: false });
    await parts.networks.create(creation('a', ipam('10.1.0.0/24')));
    await parts.networks.create(creation('six', { EnableIPv6: true }));
    const any: PortMap = { '80/tcp': [{ HostIp: '', HostPort: '' }] };
    await open(parts, request('c', { networkMode: 'a', portBindings: any }));
    const [first] = parts.sandboxes.view('c')?.Ports['80/tcp'] ?? [];
    await parts.sandboxes.connect('c', 'six', settings({ GwPriority: 1 }));
    const HostPort = first?.HostPort ?? '';
    assert.deepEqual(parts.sandboxes.view('c')?.Ports['80/tcp'], [
      { HostIp: '0.0.0.0', HostPort },
      { HostIp: '::', HostPort },
    ]);
  });

  void test('a bridge that was deleted a moment ago is there again for who connects', async () => {
    await open(parts, request('c', { networkMode: 'a' }));
    const [bridge = ''] = world.firewall
      .state()
      .networks.flatMap((one) => (one.subnets[0] === '10.2.0.0/24' ? one.bridge : []));
    world.kernel.links.delete(bridge);
    await parts.sandboxes.connect('c', 'b', settings({}));
    assert.equal(world.kernel.links.get(bridge)?.kind, 'bridge');
  });

  void test('a port that one gives up and another takes at the same moment has one rule', async () => {
    await open(parts, request('c', { networkMode: 'a', portBindings: web }));
    world.attendant.holdPorts = async (...call) => {
      Reflect.deleteProperty(world.attendant, 'holdPorts');
      await open(parts, request('d', { networkMode: 'b', portBindings: web }));
      return world.attendant.holdPorts(...call);
    };
    const add: PortMap = { '53/udp': [{ HostIp: '127.0.0.1', HostPort: '5353' }] };
    await parts.sandboxes.publish('c', change(add, { '80/tcp': null }));
    assert.deepEqual(
      world.firewall.state().ports.map(({ hostPort, address }) => [hostPort, address]),
      [
        [8080, '10.2.0.2'],
        [5353, '10.1.0.2'],
      ],
    );
  });

  void test('a name that the resolver does not take is not taken at all', async () => {
    await open(parts, request('c', { networkMode: 'a' }));
    world.attendant.failNext = 'putNames';
    await assert.rejects(async () => parts.sandboxes.rename('c', 'other'), { message: /putNames/ });
    assert.equal(parts.sandboxes.view('c')?.Networks['a']?.DNSNames?.[0], 'name-c');
  });

  void test('a restart finds ports, names and addresses again', async () => {
    await open(parts, request('c', { networkMode: 'a', portBindings: web }));
    const before = world.firewall.state();
    await parts.shutdown({ keep: true });
    const second = world.start();
    await second.sandboxes.restore(new Map([['c', { pid: 7, name: 'renamed' }]]), new Map());
    assert.deepEqual(world.firewall.state(), before);
    assert.equal([...world.attendant.names.values()][0]?.endpoints[0]?.names[0], 'renamed');
    await assert.rejects(async () => open(second, request('d', { networkMode: 'b', portBindings: web })), {
      message: /renamed/,
    });
    await open(second, request('e', { networkMode: 'a' }));
    assert.equal(second.sandboxes.view('e')?.Networks['a']?.IPAddress, '10.1.0.3');
  });

  void test('a daemon that ends in the middle of a connect or disconnect: the next one finishes it', async () => {
    const endless = new Promise<never>(() => undefined);
    /** Goes on with the state as `body` leaves it where it waits for the process beside the daemon. */
    const killedIn = async (body: () => Promise<void>, networks: readonly string[]): Promise<void> => {
      world.attendant.putNames = async () => endless;
      void body();
      await new Promise(setImmediate);
      Reflect.deleteProperty(world.attendant, 'putNames');
      parts = world.start();
      const existing = new Map([['c', Object.fromEntries(networks.map((name) => [name, settings({})]))]]);
      await parts.sandboxes.restore(new Map([['c', { pid: 7, name: 'c' }]]), existing);
    };
    const port = (): unknown => world.firewall.state().ports.map(({ hostPort, address }) => [hostPort, address]);
    await open(parts, request('c', { networkMode: 'a', portBindings: web }));
    world.kernel.addInterface = () => undefined;
    world.kernel.setDefaultRoutes = () => undefined;
    await killedIn(async () => parts.sandboxes.connect('c', 'b', settings({ GwPriority: 1 })), ['a']);
    for (const name of ['addInterface', 'setDefaultRoutes']) Reflect.deleteProperty(world.kernel, name);
    assert.deepEqual([insideOf('c'), port()], [{ names: ['eth0', 'eth1'], via: ['10.2.0.1'] }, [[8080, '10.2.0.2']]]);
    assert.match(world.files.read('/c/c/hosts') ?? '', /10\.1\.0\.2\tc\n10\.2\.0\.2\tc\n/);

    await killedIn(async () => parts.sandboxes.disconnect('c', 'b', { force: false }), ['a', 'b']);
    assert.deepEqual([insideOf('c'), port()], [{ names: ['eth0'], via: ['10.1.0.1'] }, [[8080, '10.1.0.2']]]);
    assert.equal(world.attendant.held.size, 2);
    assert.doesNotMatch(world.files.read('/c/c/hosts') ?? '', /10\.2\./);
    await parts.networks.remove('b');
  });

  void test('what others took away while there was no daemon comes back at the start', async () => {
    await open(parts, request('c', { networkMode: 'a' }));
    const [veth = ''] = [...world.kernel.links.keys()].filter((name) => name.startsWith('veth'));
    await parts.shutdown({ keep: true });
    await world.kernel.linksGone([veth]);
    parts = world.start();
    await parts.sandboxes.restore(new Map([['c', { pid: 7, name: 'c' }]]), new Map([['c', { a: settings({}) }]]));
    assert.deepEqual([world.kernel.links.has(veth), insideOf('c').via], [true, ['10.1.0.1']]);
  });

  void test('what others take away comes back', async () => {
    parts.watch();
    await open(parts, request('c', { networkMode: 'a' }));
    const [veth = ''] = [...world.kernel.links.keys()].filter((name) => name.startsWith('veth'));
    const bridge = world.kernel.links.get(veth)?.master ?? '';
    const settled = async (): Promise<void> => {
      for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
    };
    world.kernel.links.delete(bridge);
    world.kernel.tell({ kind: 'link-gone', name: bridge });
    await settled();
    assert.equal(world.kernel.links.get(bridge)?.kind, 'bridge');
    world.kernel.links.delete(veth);
    world.kernel.tell({ kind: 'link-gone', name: veth });
    await settled();
    assert.equal(world.kernel.links.get(veth)?.master, bridge);
    const { SandboxKey = '' } = parts.sandboxes.view('c') ?? {};
    await open(parts, request('vpn', { networkMode: 'a', netAdmin: true }));
    const vpn = parts.sandboxes.view('vpn')?.SandboxKey ?? '';
    for (const path of [SandboxKey, vpn]) world.kernel.setDefaultRoutes(path, []);
    for (const path of [SandboxKey, vpn]) world.kernel.tell({ kind: 'inside', path });
    await settled();
    assert.deepEqual([insideOf('c').via, insideOf('vpn').via], [['10.1.0.1'], []], 'it did so on purpose');
    world.kernel.tell({ kind: 'lost' });
    await settled();
    assert.deepEqual(insideOf('vpn').via, []);
    await parts.sandboxes.close('vpn');
    const sets = world.firewall.sets;
    world.kernel.tell({ kind: 'rules-gone' });
    world.kernel.tell({ kind: 'rules-gone' });
    await settled();
    assert.equal(world.firewall.sets, sets + 1);
    await parts.sandboxes.close('c');
    await parts.networks.remove('a');
    world.kernel.tell({ kind: 'link-gone', name: bridge });
    world.kernel.tell({ kind: 'link-gone', name: veth });
    await settled();
    assert.equal(world.kernel.links.has(bridge), false, 'what was meant to go stays away');
  });

  void test('a bridge that is made again isolates its ports as before', async () => {
    parts.watch();
    const apart = creation('apart', { Options: { 'com.docker.network.bridge.enable_icc': 'false' } });
    await parts.networks.create(apart);
    await open(parts, request('c', { networkMode: 'apart' }));
    const [veth = ''] = [...world.kernel.links.keys()].filter((name) => name.startsWith('veth'));
    const link = world.kernel.links.get(veth);
    assert.ok(link);
    world.kernel.links.delete(link.master);
    world.kernel.links.set(veth, { ...link, master: '' });
    world.kernel.tell({ kind: 'link-gone', name: link.master });
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
    assert.deepEqual(world.kernel.links.get(veth), link);
    assert.ok(world.kernel.isolated.has(veth));
  });

  void test('links of the default bridge are entries of hosts, and follow', async () => {
    await open(parts, request('db'));
    const links = [{ containerId: 'db', name: 'name-db', alias: 'database' }];
    await open(parts, request('app', { links }));
    assert.match(world.files.read('/c/app/hosts') ?? '', /^172\.17\.0\.2\tdatabase db name-db$/m);
    await parts.sandboxes.close('db');
    await open(parts, request('x'));
    await open(parts, request('db'));
    assert.match(world.files.read('/c/app/hosts') ?? '', /^172\.17\.0\.4\tdatabase db name-db$/m);
    assert.equal(world.attendant.names.size, 0);
  });

  void test('an internal network has no way out and publishes nothing', async () => {
    await parts.networks.create(creation('inner', { Internal: true, ...ipam('10.3.0.0/24') }));
    await open(parts, request('c', { networkMode: 'inner', portBindings: web }));
    assert.deepEqual(insideOf('c').via, []);
    assert.match(world.files.read('/c/c/resolv.conf') ?? '', /^nameserver 127.0.0.11$[^]*asked of: nobody/m);
    assert.deepEqual([world.attendant.held.size, world.firewall.state().ports], [0, []]);
    assert.equal([...world.attendant.names.values()][0]?.forward, false);
    await parts.sandboxes.connect('c', 'a', settings({}));
    assert.deepEqual(insideOf('c').via, ['10.1.0.1']);
    assert.equal(world.attendant.held.size, 2);
    assert.equal([...world.attendant.names.values()][0]?.forward, true);
  });
});

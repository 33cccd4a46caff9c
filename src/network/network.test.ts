import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { createMemoryStore } from '../store/memory.ts';
import type { SandboxRequest } from './port.ts';
import { open, creation, request, settings, World } from './testing-world.ts';

void describe('networks and sandboxes', () => {
  let world = new World();
  beforeEach(() => (world = new World()));

  void test('a container on the default bridge', async () => {
    const { sandboxes } = await world.started();
    const sandbox = await open(
      { sandboxes },
      request('c1', { domainname: 'example', extraHosts: ['gw:host-gateway'] }),
    );
    assert.ok(sandbox.namespacePath);
    assert.deepEqual(world.kernel.namespaces.get(sandbox.namespacePath)?.interfaces, [
      {
        kind: 'veth',
        name: 'eth0',
        mac: '02:42:ac:11:00:02',
        mtu: 1500,
        hostName: [...world.kernel.links.keys()].find((name) => name.startsWith('veth')),
        bridge: 'docker0',
        isolated: false,
        addresses: ['172.17.0.2/16'],
        routes: [],
        sysctls: [{ name: 'net/ipv6/conf/eth0/disable_ipv6', value: '1' }],
        announce: { count: 3, interval: 1000 },
      },
    ]);
    assert.deepEqual(world.kernel.namespaces.get(sandbox.namespacePath)?.defaults, [
      { via: '172.17.0.1', interface: 'eth0' },
    ]);
    assert.equal(
      world.files.read('/c/c1/hosts'),
      '127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::\tip6-localnet\nff00::\tip6-mcastprefix\n' +
        'ff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n172.17.0.1\tgw\n172.17.0.2\tc1.example c1\n',
    );
    assert.equal(world.files.read('/c/c1/hostname'), 'c1\n');
    const view = sandboxes.view('c1');
    assert.equal(view?.SandboxKey, sandbox.namespacePath);
    assert.deepEqual(
      [view.Networks['bridge']?.IPAddress, view.Networks['bridge']?.IPPrefixLen, view.Networks['bridge']?.Gateway],
      ['172.17.0.2', 16, '172.17.0.1'],
    );
    assert.equal(world.kernel.sysctls.get('net/ipv4/ip_forward'), '1');
    assert.equal(world.firewall.state().networks.length, 1);

    await sandboxes.close('c1');
    assert.equal(sandboxes.view('c1'), undefined);
    assert.equal(world.kernel.namespaces.size, 0);
    assert.deepEqual(world.store.list('sandbox'), []);
    assert.deepEqual(world.store.list('endpoint'), []);
    await sandboxes.close('c1');
    assert.deepEqual(world.events, ['network connect bridge bridge c1', 'network disconnect bridge bridge c1']);
    await open({ sandboxes }, request('c2'));
    assert.equal(sandboxes.view('c2')?.Networks['bridge']?.IPAddress, '172.17.0.2');
  });

  void test('none, host and a container’s network', async () => {
    world.files.texts.set('/etc/hosts', '127.0.0.1 localhost myhost');
    world.files.texts.set('/etc/resolv.conf', 'nameserver 127.0.0.1\n');
    const { sandboxes } = await world.started();
    const none = await open({ sandboxes }, request('n', { networkMode: 'none' }));
    assert.deepEqual(world.kernel.namespaces.get(none.namespacePath ?? '')?.interfaces, []);
    assert.doesNotMatch(world.files.read('/c/n/hosts') ?? '', /\tn\n/);
    const host = await open({ sandboxes }, request('h', { networkMode: 'host', extraHosts: ['a:1.2.3.4'] }));
    assert.equal(host.namespacePath, undefined);
    assert.equal(world.files.read('/c/h/hosts'), '127.0.0.1 localhost myhost\n1.2.3.4\ta\n');
    assert.equal(world.files.read('/c/h/resolv.conf'), 'nameserver 127.0.0.1\n');
    assert.equal(sandboxes.view('h')?.SandboxKey, '/run/berth/netns/default');

    const joined = await open({ sandboxes }, request('j', { networkMode: 'container:n' }));
    assert.deepEqual({ ...joined, id: '', ready: 0 }, { ...none, id: '', ready: 0 });
    assert.deepEqual(sandboxes.view('j')?.Networks, {});
    await assert.rejects(async () => open({ sandboxes }, request('k', { networkMode: 'container:gone' })), {
      kind: 'Conflict',
      message: 'cannot join network of a non running container: gone',
    });
    await sandboxes.close('j');
    assert.equal(world.kernel.namespaces.size, 1, 'the owner keeps its namespace');
  });

  void test('an address that is still in use by who joined is not given away', async () => {
    const { sandboxes } = await world.started();
    await open({ sandboxes }, request('a'));
    await open({ sandboxes }, request('b', { networkMode: 'container:a' }));
    const veth = [...world.kernel.links.keys()].find((name) => name.startsWith('veth')) ?? '';
    await sandboxes.close('a');
    await new Promise(setImmediate);
    assert.ok(!world.kernel.links.has(veth));
    await open({ sandboxes }, request('c'));
    assert.equal(sandboxes.view('c')?.Networks['bridge']?.IPAddress, '172.17.0.2');
  });

  void test('what fails half-way leaves nothing', async () => {
    const { sandboxes } = await world.started();
    const clean = (): void => {
      assert.equal(world.kernel.namespaces.size, 0);
      assert.deepEqual([...world.store.list('sandbox'), ...world.store.list('endpoint')], []);
    };
    world.kernel.failNext = 'createNamespace';
    await assert.rejects(async () => open({ sandboxes }, request('a')), /createNamespace failed/);
    clean();
    world.files.full = true;
    await assert.rejects(async () => open({ sandboxes }, request('a')), /ENOSPC/);
    clean();
    world.files.full = false;
    await open({ sandboxes }, request('a'));
    assert.equal(sandboxes.view('a')?.Networks['bridge']?.IPAddress, '172.17.0.2', 'addresses came back');
    assert.equal(world.events.length, 1);
    world.kernel.failNext = 'dropNamespace';
    await assert.rejects(async () => sandboxes.close('a'), /dropNamespace failed/);
    assert.equal(sandboxes.view('a'), undefined);
  });

  void test('refusals, in Docker’s words', async () => {
    const { sandboxes } = await world.started();
    const refused = (more: Partial<SandboxRequest>, kind: string, message: string | RegExp): void => {
      assert.throws(() => sandboxes.check(request('x', more)), { kind, message });
    };
    refused({ networkMode: 'nosuch' }, 'NotFound', 'network nosuch not found');
    refused(
      { endpoints: { bridge: settings({ MacAddress: '01:00:00:00:00:01' }) } },
      'InvalidParameter',
      /invalid MAC/,
    );
    refused({ endpoints: { bridge: settings({ MacAddress: 'nonsense' }) } }, 'InvalidParameter', /invalid MAC/);
    refused(
      { networkMode: 'host', endpoints: { bridge: settings({}) } },
      'InvalidParameter',
      /sharing network namespace/,
    );
    refused({ networkMode: 'none', endpoints: { bridge: settings({}) } }, 'InvalidParameter', /private \(none\) mode/);
    refused({ extraHosts: ['nonsense'] }, 'InvalidParameter', 'bad format for add-host: "nonsense"');
    refused({ extraHosts: ['a\n1.2.3.4 b:1.2.3.4'] }, 'InvalidParameter', /bad format/);
    refused({ extraHosts: ['a:1.2.3.400'] }, 'InvalidParameter', 'invalid IP address in add-host: "1.2.3.400"');
    sandboxes.check(request('x', { extraHosts: ['a:::1', 'b=[fe80::1]', 'c:1.2.3.4'] }));
    const sandbox = await open(
      { sandboxes },
      request('m', { endpoints: { bridge: settings({ MacAddress: '0A-0b:0c:0D:0e:0f' }) } }),
    );
    assert.equal(world.kernel.namespaces.get(sandbox.namespacePath ?? '')?.interfaces[0]?.mac, '0a:0b:0c:0d:0e:0f');
  });

  void test('the networks as the API shows them', async () => {
    const { networks, sandboxes } = await world.started();
    assert.deepEqual(
      networks.list(new Map()).map((view) => [view['Name'], view['Driver'], view['Scope']]),
      [
        ['bridge', 'bridge', 'local'],
        ['host', 'host', 'local'],
        ['none', 'null', 'local'],
      ],
    );
    await open({ sandboxes }, request('c1'));
    const bridge = await networks.inspect('bridge', { verbose: false, scope: '' });
    assert.deepEqual(Object.keys(bridge['Containers'] as object), ['c1']);
    assert.deepEqual(bridge['Status'], {
      IPAM: { Subnets: { '172.17.0.0/16': { IPsInUse: 4, DynamicIPsAvailable: 65532 } } },
    });
    const { id } = sandboxes.networkOf('bridge');
    assert.equal(sandboxes.networkOf(id.slice(0, 8)).name, 'bridge');
    assert.throws(() => sandboxes.networkOf('nonesuch'), { kind: 'NotFound' });
    assert.throws(() => sandboxes.networkOf('0000'), { message: /ambiguous|not found/ });
    const named = (filters: [string, string[]][]): unknown[] =>
      networks.list(new Map(filters)).map((view) => view['Name']);
    assert.deepEqual(named([['name', ['o']]]), ['host', 'none']);
    assert.deepEqual(named([['name', ['^host$']]]), ['host']);
    assert.deepEqual(named([['driver', ['null', 'host']]]), ['host', 'none']);
    assert.deepEqual(named([['type', ['custom']]]), []);
    assert.deepEqual(named([['dangling', ['true']]]), []);
    assert.deepEqual(named([['scope', ['swarm']]]), []);
    assert.throws(() => named([['type', ['x']]]), { kind: 'InvalidParameter' });
    await assert.rejects(async () => networks.remove('bridge'), {
      kind: 'Forbidden',
      message: 'bridge is a pre-defined network and cannot be removed',
    });
    await assert.rejects(async () => networks.remove('x'), { kind: 'NotFound' });
    await assert.rejects(async () => networks.create(creation('host')), { kind: 'Forbidden' });
    assert.deepEqual(await networks.prune(new Map()), { NetworksDeleted: [] });
  });

  void test('docker0 or its subnet belongs to someone else: the next free ones, and a warning', async () => {
    world.kernel.links.set('docker0', { name: 'docker0', kind: 'bridge', master: '', alias: '', up: true });
    world.kernel.addresses.push({ link: 'docker0', address: '172.17.0.1/16' });
    world.kernel.routes.push({ link: 'tun0', destination: '172.18.4.0/24' });
    const { networks } = await world.started();
    const view = await networks.inspect('bridge', { verbose: false, scope: '' });
    assert.equal((view['Options'] as Record<string, string>)['com.docker.network.bridge.name'], 'docker1');
    assert.match(JSON.stringify(view['IPAM']), /"172.19.0.0\/16"/);
    assert.match(world.warnings.join('\n'), /docker0 belongs to someone else[^]*172.17.0.0\/16 is in use by docker0/);
    const other = new World();
    other.kernel.addresses.push({ link: 'eth0', address: '172.17.5.5/24' });
    await assert.rejects(async () => other.started({ bip: '172.17.0.1/16' }), {
      kind: 'Conflict',
      message: '--bip 172.17.0.1/16 overlaps 172.17.5.0/24 of eth0 of this host',
    });
  });

  void test('settings of the default bridge', async () => {
    const { sandboxes } = await world.started({
      bip: '10.9.0.1/24',
      fixedCidr: '10.9.0.128/25',
      defaultGateway: '10.9.0.254',
      mtu: 1400,
      icc: false,
      ipv6: true,
      dns: ['10.9.0.53'],
    });
    const { namespacePath = '' } = await open({ sandboxes }, request('c'));
    const [eth0] = world.kernel.pairs(namespacePath);
    assert.equal(eth0?.addresses[0], '10.9.0.128/24');
    assert.match(eth0.addresses[1] ?? '', /^fd.*::2\/64$/);
    assert.deepEqual([eth0.mtu, eth0.isolated], [1400, true]);
    assert.equal(world.kernel.namespaces.get(namespacePath)?.defaults[0]?.via, '10.9.0.254');
    assert.match(world.files.read('/c/c/resolv.conf') ?? '', /^nameserver 10.9.0.53$/m);

    const administrators = new World();
    await assert.rejects(async () => administrators.started({ bridge: 'br0' }), /must be created manually/);
    administrators.kernel.links.set('br0', { name: 'br0', kind: 'bridge', master: '', alias: '', up: true });
    administrators.kernel.addresses.push({ link: 'br0', address: '10.1.0.7/24' });
    const parts = await administrators.started({ bridge: 'br0' });
    await open(parts, request('c'));
    assert.equal(parts.sandboxes.view('c')?.Networks['bridge']?.Gateway, '10.1.0.7');
    await parts.sandboxes.close('c');
    await parts.shutdown({ keep: false });
    assert.ok(administrators.kernel.links.has('br0'), 'a bridge of the administrator stays');

    const bare = await new World().started({ bridge: 'none' });
    await open(bare, request('c'));
    assert.deepEqual(Object.keys(bare.sandboxes.view('c')?.Networks ?? {}), ['none']);
  });

  void test('a restart takes over what runs and removes all else', async () => {
    const first = await world.started();
    const kept = await open(first, request('kept'));
    const lost = await open(first, request('lost'));
    await open(first, request('friend', { networkMode: 'container:kept' }));
    await first.shutdown({ keep: true });
    // A crash between the kernel and the store, and a bridge that somebody took a port out of.
    world.kernel.namespaces.set('/run/berth/netns/stray', { interfaces: [], defaults: [] });
    world.kernel.links.set('vethdeadbee', {
      name: 'vethdeadbee',
      kind: 'veth',
      master: 'docker0',
      alias: '',
      up: true,
    });
    world.kernel.links.set('tap0', { name: 'tap0', kind: 'tun', master: 'docker0', alias: '', up: true });
    const hostName = world.kernel.pairs(kept.namespacePath ?? '')[0]?.hostName ?? '';
    world.kernel.links.set(hostName, { name: hostName, kind: 'veth', master: '', alias: '', up: true });
    const before = first.sandboxes.networkOf('bridge').id;

    const second = world.start();
    await second.sandboxes.restore(
      new Map([
        ['kept', { pid: 42, name: 'renamed' }],
        ['friend', { pid: 43, name: 'friend' }],
      ]),
      new Map(),
    );
    assert.equal(second.sandboxes.networkOf('bridge').id, before);
    assert.deepEqual([...world.kernel.namespaces.keys()], [kept.namespacePath]);
    assert.deepEqual(world.kernel.adopted, [{ path: kept.namespacePath, pid: 42 }]);
    assert.equal(second.sandboxes.view('lost'), undefined);
    assert.ok(lost.namespacePath !== undefined && !world.kernel.namespaces.has(lost.namespacePath));
    assert.ok(!world.kernel.links.has('vethdeadbee') && world.kernel.links.has('tap0'));
    assert.equal(world.kernel.links.get(hostName)?.master, 'docker0');
    const containers = (await second.networks.inspect('bridge', { verbose: false, scope: '' }))['Containers'];
    assert.match(JSON.stringify(containers), /"Name":"renamed"/);
    await open(second, request('new'));
    assert.equal(second.sandboxes.view('new')?.Networks['bridge']?.IPAddress, '172.17.0.3');

    for (const id of ['kept', 'friend', 'new']) await second.sandboxes.close(id);
    await second.shutdown({ keep: false });
    assert.deepEqual([...world.kernel.links.keys()], ['tap0']);
    assert.equal(world.firewall.up, false);
  });

  void test('started with another subnet while a container runs: a warning, and no address is given twice', async () => {
    const first = await world.started();
    await open(first, request('a'));
    await first.shutdown({ keep: true });
    const second = world.start({ bip: '172.17.0.2/24' });
    await second.sandboxes.restore(new Map([['a', { pid: 1, name: 'a' }]]), new Map());
    assert.match(world.warnings.join(), /no longer has/);
    await second.sandboxes.close('a');
    await open(second, request('b'));
    assert.equal(second.sandboxes.view('b')?.Networks['bridge']?.IPAddress, '172.17.0.1');
    await open(second, request('c'));
    assert.equal(second.sandboxes.view('c')?.Networks['bridge']?.IPAddress, '172.17.0.3', 'the gateway is 172.17.0.2');
  });

  void test('a lost store: the bridge is known by its mark', async () => {
    await world.started();
    world.store = createMemoryStore();
    const { networks } = await world.started();
    assert.match(JSON.stringify(await networks.inspect('bridge', { verbose: false, scope: '' })), /"docker0"/);
    assert.deepEqual(world.warnings, []);
  });

  void test('a bridge that somebody deleted is made again, with its ports', async () => {
    const { sandboxes } = await world.started();
    await open({ sandboxes }, request('a'));
    const port = [...world.kernel.links.keys()].find((name) => name.startsWith('veth')) ?? '';
    world.kernel.links.delete('docker0');
    world.kernel.links.set(port, { name: port, kind: 'veth', master: '', alias: '', up: true });
    await open({ sandboxes }, request('b'));
    assert.equal(world.kernel.links.get('docker0')?.kind, 'bridge');
    assert.equal(world.kernel.links.get(port)?.master, 'docker0');
    assert.match(world.warnings.join(), /docker0 was changed by someone else/);
  });

  void test('a bridge that another daemon has made under our name since stays at our end', async () => {
    const parts = await world.started();
    world.kernel.links.set('docker0', {
      name: 'docker0',
      kind: 'bridge',
      master: '',
      alias: 'berth-0a1b2c3d:bridge',
      up: true,
    });
    await parts.shutdown({ keep: false });
    assert.ok(world.kernel.links.has('docker0'));
    assert.equal(world.firewall.up, false);
  });

  void test('without --iptables no rule is made, without --ip-forward nothing is switched on', async () => {
    await world.started({ iptables: false, ipForward: false });
    assert.equal(world.firewall.sets, 0);
    assert.equal(world.kernel.sysctls.size, 0);
  });
});

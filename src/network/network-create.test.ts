import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import * as option from '../drivers/bridge/options.ts';
import { FakeFirewall } from '../firewall/fake-firewall.ts';
import { World, creation, inspect, ipam, names, open, pool, request } from './testing-world.ts';

let world = new World();
beforeEach(() => (world = new World()));

void describe('create and remove', () => {
  void test('a network as everything chosen for it', async () => {
    const parts = await world.started();
    const before = world.snapshot();
    const { Id, Warning } = await parts.networks.create(creation('front', { Driver: '', Labels: { a: 'b' } }));
    assert.equal(Warning, '');
    const bridge = `br-${Id.slice(0, 12)}`;
    assert.deepEqual(await inspect(parts, 'front'), {
      Name: 'front',
      Id,
      Created: '2026-01-01T00:00:00Z',
      Scope: 'local',
      Driver: 'bridge',
      EnableIPv4: true,
      EnableIPv6: false,
      IPAM: { Driver: 'default', Options: null, Config: [{ Subnet: '172.18.0.0/16', Gateway: '172.18.0.1' }] },
      Internal: false,
      Attachable: false,
      Ingress: false,
      ConfigFrom: { Network: '' },
      ConfigOnly: false,
      Containers: {},
      Options: {},
      Labels: { a: 'b' },
      Status: { IPAM: { Subnets: { '172.18.0.0/16': { IPsInUse: 3, DynamicIPsAvailable: 65533 } } } },
    });
    assert.deepEqual(world.kernel.links.get(bridge)?.alias, `berth:${Id}`);
    assert.ok(world.kernel.addresses.some(({ link, address }) => link === bridge && address === '172.18.0.1/16'));
    assert.deepEqual(
      world.firewall.state().networks.map((rules) => [rules.bridge, rules.subnets.join()]),
      [
        ['docker0', '172.17.0.0/16'],
        [bridge, '172.18.0.0/16'],
      ],
    );
    await parts.networks.remove('front');
    assert.deepEqual(world.published, [
      ['network', 'create', Id, { name: 'front', type: 'bridge' }],
      ['network', 'destroy', Id, { name: 'front', type: 'bridge' }],
    ]);
    world.published = [];
    world.kernel.sysctls.delete(`net/ipv6/conf/${bridge}/accept_ra`);
    assert.deepEqual(world.snapshot(), before);
  });

  void test('everything that can be said', async () => {
    const parts = await world.started();
    const options = {
      [option.BRIDGE_NAME]: 'mybr',
      [option.ENABLE_ICC]: 'false',
      [option.DRIVER_MTU]: '1400',
      unknown: 'kept',
    };
    const { Id } = await parts.networks.create(
      creation('whole', {
        Internal: true,
        Attachable: true,
        Scope: 'local',
        EnableIPv6: true,
        IPAM: {
          Driver: 'default',
          Options: { some: 'option' },
          Config: [
            pool('10.9.0.0/16', {
              IPRange: '10.9.5.0/24',
              Gateway: '10.9.0.254',
              AuxiliaryAddresses: { router: '10.9.5.0' },
            }),
            pool('FD00:0::/64'),
          ],
        },
        Options: options,
      }),
    );
    const view = await inspect(parts, Id.slice(0, 8));
    assert.deepEqual(view['IPAM'], {
      Driver: 'default',
      Options: { some: 'option' },
      Config: [
        {
          Subnet: '10.9.0.0/16',
          IPRange: '10.9.5.0/24',
          Gateway: '10.9.0.254',
          AuxiliaryAddresses: { router: '10.9.5.0' },
        },
        { Subnet: 'fd00::/64', Gateway: 'fd00::1' },
      ],
    });
    assert.deepEqual(
      [view['Internal'], view['Attachable'], view['EnableIPv6'], view['Options']],
      [true, true, true, options],
    );
    // Exact, where a JSON number of JavaScript is not.
    assert.match(
      JSON.stringify(view['Status']),
      /"fd00::\/64":\{"IPsInUse":2,"DynamicIPsAvailable":18446744073709551614\}/,
    );
    assert.match(JSON.stringify(view['Status']), /"10\.9\.0\.0\/16":\{"IPsInUse":4,"DynamicIPsAvailable":255\}/);
    assert.equal(world.kernel.links.get('mybr')?.alias, `berth:${Id}`);
    const rules = world.firewall.state().networks.filter(({ bridge }) => bridge === 'mybr');
    assert.deepEqual(
      rules.map(({ family, internal, masquerade, interContainer }) => [family, internal, masquerade, interContainer]),
      [
        [4, true, false, false],
        [6, true, false, false],
      ],
    );
  });

  void test('the first address of the range is the gateway; an auxiliary one can lead out instead', async () => {
    const parts = await world.started();
    const config = pool('10.9.0.0/16', {
      IPRange: '10.9.5.0/24',
      AuxiliaryAddresses: { DefaultGatewayIPv4: '10.9.0.9' },
    });
    await parts.networks.create(creation('a', { IPAM: ipam(config) }));
    assert.deepEqual(world.record('a').subnets, [
      {
        subnet: '10.9.0.0/16',
        range: '10.9.5.0/24',
        gateway: '10.9.5.0',
        routeVia: '10.9.0.9',
        auxiliary: { DefaultGatewayIPv4: '10.9.0.9' },
        configured: true,
      },
    ]);
    await open(parts, request('c1', { networkMode: 'a' }));
    const networks = parts.sandboxes.view('c1')?.Networks;
    assert.deepEqual([networks?.['a']?.IPAddress, networks?.['a']?.Gateway], ['10.9.5.1', '10.9.0.9']);
  });

  void test('IPv6: alone, automatic out of one prefix of the host', async () => {
    const parts = await world.started();
    await parts.networks.create(creation('six', { EnableIPv4: false, EnableIPv6: true }));
    await parts.networks.create(creation('both', { EnableIPv6: true }));
    const subnets = (name: string): string[] => world.record(name).subnets.map(({ subnet }) => subnet);
    const [first = ''] = subnets('six');
    assert.match(first, /^fd[0-9a-f:]+::\/64$/);
    assert.equal(subnets('both')[1], first.replace('::/64', ':1::/64').replace(/^(fd\w*:\w*):1::/, '$1:0:1::'));
    assert.equal((await inspect(parts, 'six'))['EnableIPv4'], false);
    const { Warning } = await parts.networks.create(
      creation('four', { IPAM: ipam(pool('fd99::/64'), pool('10.3.0.0/24')) }),
    );
    assert.equal(Warning, 'fd99::/64: not used, because the network does not have that IP version');
    assert.deepEqual(subnets('four'), ['10.3.0.0/24']);
  });

  void test('an endpoint without IPv6 on a network that has it', async () => {
    const parts = await world.started();
    await parts.networks.create(creation('both', { EnableIPv6: true }));
    const DriverOpts = { 'com.docker.network.endpoint.sysctls': 'net.ipv6.conf.IFNAME.disable_ipv6=1' };
    const settings = { IPAMConfig: null, Links: null, Aliases: null, MacAddress: '', DriverOpts, GwPriority: 0 };
    await open(parts, { ...request('c1', { networkMode: 'both' }), endpoints: { both: settings } });
    const view = parts.sandboxes.view('c1')?.Networks['both'];
    assert.deepEqual([view?.IPAddress, view?.GlobalIPv6Address, view?.IPv6Gateway], ['172.18.0.2', '', '']);
  });

  void test('--ip is for the default bridge, host_binding_ipv4 for others', async () => {
    const parts = await world.started({ ip: '127.0.0.1' });
    await parts.networks.create(creation('plain'));
    await parts.networks.create(creation('bound', { Options: { [option.HOST_BINDING]: '127.0.0.2' } }));
    const published = async (id: string, network: string, port: string): Promise<string[]> => {
      const portBindings = { '80/tcp': [{ HostIp: '', HostPort: port }] };
      await open(parts, { ...request(id, { networkMode: network }), exposed: ['80/tcp'], portBindings });
      return (parts.sandboxes.view(id)?.Ports['80/tcp'] ?? []).map(({ HostIp }) => HostIp);
    };
    assert.deepEqual(await published('c1', 'bridge', '8001'), ['127.0.0.1']);
    assert.deepEqual(await published('c2', 'bound', '8002'), ['127.0.0.2']);
    assert.deepEqual(await published('c3', 'plain', '8003'), ['0.0.0.0', '::']);
  });

  void test('isolated gateway modes and inhibited addresses', async () => {
    const parts = await world.started();
    await parts.networks.create(
      creation('isolated', { Internal: true, Options: { [option.GATEWAY_MODE_4]: 'isolated' } }),
    );
    assert.equal(world.record('isolated').subnets[0]?.gateway, '');
    const { Id } = await parts.networks.create(creation('inhibited', { Options: { [option.INHIBIT_IPV4]: '1' } }));
    assert.equal(world.record('inhibited').subnets[0]?.gateway, '172.19.0.1');
    assert.ok(!world.kernel.addresses.some(({ link }) => link === `br-${Id.slice(0, 12)}`));
  });

  void test('a bridge that is there is used and left', async () => {
    const parts = await world.started();
    world.kernel.links.set('mine', { name: 'mine', kind: 'bridge', master: '', alias: '', up: true });
    await parts.networks.create(creation('n', { Options: { [option.BRIDGE_NAME]: 'mine' } }));
    assert.equal(world.record('n').foreignBridge, true);
    assert.ok(world.kernel.addresses.some(({ link, address }) => link === 'mine' && address === '172.18.0.1/16'));
    await parts.networks.remove('n');
    assert.ok(world.kernel.links.has('mine'));
    assert.ok(!world.firewall.state().networks.some(({ bridge }) => bridge === 'mine'));
  });

  void test('pools of the daemon, those that the host uses left out, and who has them when they run out', async () => {
    world.kernel.addresses.push({ link: 'eth0', address: '10.0.0.5/26' });
    world.kernel.routes.push({ link: 'wg0', destination: '10.0.0.128/25' });
    world.kernel.routes.push({ link: 'tun0', destination: '0.0.0.0/1' });
    const parts = await world.started({
      bip: '192.168.1.1/24',
      defaultAddressPools: [{ base: '10.0.0.0/24', size: 26 }],
    });
    await parts.networks.create(creation('one'));
    assert.equal(world.record('one').subnets[0]?.subnet, '10.0.0.64/26');
    await assert.rejects(parts.networks.create(creation('two')), {
      kind: 'InvalidParameter',
      message:
        'all predefined address pools have been fully subnetted: 10.0.0.64/26 by network one, 10.0.0.0/26 by eth0 of this host, ' +
        '10.0.0.128/25 by wg0 of this host',
    });
    await assert.rejects(
      parts.networks.create(creation('two', { IPAM: ipam(pool('0.0.0.0/8')) })),
      /^BerthError: invalid address pool$/,
    );
    await parts.networks.create(creation('six', { EnableIPv4: false, EnableIPv6: true }));
  });

  void test('some subnet of a length', async () => {
    const parts = await world.started();
    await parts.networks.create(creation('small', { IPAM: ipam(pool('0.0.0.0/24')) }));
    assert.equal(world.record('small').subnets[0]?.subnet, '172.18.0.0/24');
  });

  void test('options of the daemon for a driver', async () => {
    const parts = await world.started({
      defaultNetworkOptions: {
        bridge: { [option.DRIVER_MTU]: '1300', [option.ENABLE_ICC]: 'false', 'com.docker.network.enable_ipv6': 'true' },
      },
    });
    await parts.networks.create(creation('a', { Options: { [option.ENABLE_ICC]: 'true' } }));
    assert.deepEqual(
      [world.record('a').ipv6, world.record('a').options],
      [true, { [option.DRIVER_MTU]: '1300', [option.ENABLE_ICC]: 'true', 'com.docker.network.enable_ipv6': 'true' }],
    );
    await parts.networks.create(creation('b', { EnableIPv6: false }));
    assert.deepEqual([world.record('b').ipv6, Object.keys(world.record('b').options).length], [false, 2]);
    const wrong = world.started({ defaultNetworkOptions: { bridge: { 'com.docker.network.enable_ipv4': 'x' } } });
    await assert.rejects(
      (await wrong).networks.create(creation('c')),
      /driver-opt "com.docker.network.enable_ipv4" is not a valid bool/,
    );
    world.warnings = [];
    await world.started({ defaultNetworkOptions: { bridge: { [option.DRIVER_MTU]: 'abc' }, brigde: {} } });
    assert.match(
      world.warnings.join('\n'),
      /no network of driver "bridge" can be made with it: .*abc[^]*no network driver "brigde"/,
    );
  });

  void test('settings in a network of their own', async () => {
    const parts = await world.started();
    const settings = creation('settings', {
      ConfigOnly: true,
      EnableIPv6: true,
      IPAM: ipam(pool('10.77.0.0/24', { Gateway: '10.77.0.9' })),
      Options: { [option.DRIVER_MTU]: '1280' },
      Labels: { from: 'settings' },
    });
    await parts.networks.create(settings);
    const view = await inspect(parts, 'settings');
    assert.deepEqual([view['Driver'], view['ConfigOnly'], view['Status']], ['null', true, undefined]);
    assert.equal(world.kernel.links.size, 1);
    await parts.networks.create(creation('real', { ConfigFrom: { Network: 'settings' } }));
    const real = await inspect(parts, 'real');
    assert.deepEqual(
      [real['ConfigFrom'], real['EnableIPv6'], real['Labels'], real['Options']],
      [{ Network: 'settings' }, true, { from: 'settings' }, { [option.DRIVER_MTU]: '1280' }],
    );
    assert.deepEqual((real['IPAM'] as { Config: unknown[] }).Config[0], {
      Subnet: '10.77.0.0/24',
      Gateway: '10.77.0.9',
    });
    await assert.rejects(parts.networks.remove('settings'), {
      kind: 'Forbidden',
      message: 'error while removing network: configuration network "settings" is in use',
    });
    await parts.networks.remove('real');
    world.published = [];
    await parts.networks.remove('settings');
    assert.deepEqual(world.published, []);
  });

  void test('what fails half-way leaves nothing', async () => {
    const parts = await world.started();
    const before = world.snapshot();
    for (const fail of [
      () => (world.kernel.failNext = 'ensureBridge'),
      () => (world.firewall.failNext = new Error('no rules')),
    ]) {
      fail();
      await assert.rejects(parts.networks.create(creation('n')));
      for (const name of world.kernel.sysctls.keys()) if (name.includes('/br-')) world.kernel.sysctls.delete(name);
      assert.deepEqual(world.snapshot(), before);
    }
    await parts.networks.create(creation('n'));
    world.firewall.failNext = new Error('no rules');
    await parts.networks.remove('n');
    assert.deepEqual(world.warnings, ['a removed network left something behind']);
    assert.ok(!names(parts).includes('n') && world.kernel.links.size === 1);
  });

  void test('a bridge of its name that somebody else made while it was gone is used as it is, and left', async () => {
    const options = { 'com.docker.network.bridge.name': 'lan' };
    const before = await world.started();
    await before.networks.create(creation('a', { Options: options }));
    await before.networks.create(creation('b'));
    const theirs = { name: 'lan', kind: 'bridge', master: '', alias: '', up: true };
    world.kernel.links.clear();
    world.kernel.links.set('lan', theirs);
    const { networks } = await world.started();
    assert.match(world.warnings.join(), /lan is somebody else's now/);
    assert.equal([...world.kernel.links.keys()].filter((name) => name.startsWith('br-')).length, 1);
    await networks.remove('a');
    assert.deepEqual(world.kernel.links.get('lan'), theirs);
  });

  void test('after a restart all are there again, and their subnets are kept from the default bridge', async () => {
    const parts = await world.started();
    const { Id } = await parts.networks.create(creation('n', { IPAM: ipam(pool('10.5.0.0/16')) }));
    const view = await inspect(parts, 'n');
    // A reboot.
    for (const map of [world.kernel.links, world.kernel.sysctls]) map.clear();
    world.kernel.addresses.length = 0;
    world.kernel.routes.length = 0;
    world.firewall = new FakeFirewall();
    const again = await world.started();
    assert.deepEqual(await inspect(again, 'n'), view);
    assert.ok(world.kernel.links.has(`br-${Id.slice(0, 12)}`));
    assert.equal(world.firewall.state().networks.length, 2);
    await assert.rejects(world.started({ bip: '10.5.1.1/24' }), {
      message: '--bip 10.5.1.1/24 overlaps 10.5.0.0/16 of network n',
    });
  });
});

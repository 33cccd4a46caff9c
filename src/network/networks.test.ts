import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import fc from 'fast-check';
import * as option from '../drivers/bridge/options.ts';
import { FakeFirewall } from '../firewall/fake-firewall.ts';
import { overlaps, parsePrefix } from '../ipam/address.ts';
import type { NetworkParts } from './controller.ts';
import type { IpamConfig, NetworkCreateRequest } from './port.ts';
import type { NetworkRecord } from './records.ts';
import { container, ipam, pool, wish, World } from './testing-networks.ts';
import { open } from './testing-world.ts';

const inspect = ({ networks }: NetworkParts, ref: string) => networks.inspect(ref, { verbose: false, scope: '' });
const names = ({ networks }: NetworkParts, ...filters: [string, string[]][]): string[] =>
  networks.list(new Map(filters)).map(({ Name }) => String(Name));

let world = new World();
beforeEach(() => (world = new World()));

void describe('create and remove', () => {
  void test('a network as everything chosen for it', async () => {
    const parts = await world.start();
    const before = world.snapshot();
    const { Id, Warning } = await parts.networks.create(wish('front', { Driver: '', Labels: { a: 'b' } }));
    assert.equal(Warning, '');
    const bridge = `br-${Id.slice(0, 12)}`;
    assert.deepEqual(inspect(parts, 'front'), {
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
    assert.deepEqual(world.events, [
      ['network', 'create', Id, { name: 'front', type: 'bridge' }],
      ['network', 'destroy', Id, { name: 'front', type: 'bridge' }],
    ]);
    world.events = [];
    world.kernel.sysctls.delete(`net/ipv6/conf/${bridge}/accept_ra`);
    assert.deepEqual(world.snapshot(), before);
  });

  void test('everything that can be said', async () => {
    const parts = await world.start();
    const options = {
      [option.BRIDGE_NAME]: 'mybr',
      [option.ENABLE_ICC]: 'false',
      [option.DRIVER_MTU]: '1400',
      unknown: 'kept',
    };
    const { Id } = await parts.networks.create(
      wish('whole', {
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
    const view = inspect(parts, Id.slice(0, 8));
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
    const parts = await world.start();
    const config = pool('10.9.0.0/16', {
      IPRange: '10.9.5.0/24',
      AuxiliaryAddresses: { DefaultGatewayIPv4: '10.9.0.9' },
    });
    await parts.networks.create(wish('a', { IPAM: ipam(config) }));
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
    await open(parts, container('c1', 'a'));
    const networks = parts.sandboxes.view('c1')?.Networks;
    assert.deepEqual([networks?.['a']?.IPAddress, networks?.['a']?.Gateway], ['10.9.5.1', '10.9.0.9']);
  });

  void test('IPv6: alone, automatic out of one prefix of the host', async () => {
    const parts = await world.start();
    await parts.networks.create(wish('six', { EnableIPv4: false, EnableIPv6: true }));
    await parts.networks.create(wish('both', { EnableIPv6: true }));
    const subnets = (name: string): string[] => world.record(name).subnets.map(({ subnet }) => subnet);
    const [first = ''] = subnets('six');
    assert.match(first, /^fd[0-9a-f:]+::\/64$/);
    assert.equal(subnets('both')[1], first.replace('::/64', ':1::/64').replace(/^(fd\w*:\w*):1::/, '$1:0:1::'));
    assert.equal(inspect(parts, 'six')['EnableIPv4'], false);
    const { Warning } = await parts.networks.create(
      wish('four', { IPAM: ipam(pool('fd99::/64'), pool('10.3.0.0/24')) }),
    );
    assert.equal(Warning, 'fd99::/64: not used, because the network does not have that IP version');
    assert.deepEqual(subnets('four'), ['10.3.0.0/24']);
  });

  void test('an endpoint without IPv6 on a network that has it', async () => {
    const parts = await world.start();
    await parts.networks.create(wish('both', { EnableIPv6: true }));
    const DriverOpts = { 'com.docker.network.endpoint.sysctls': 'net.ipv6.conf.IFNAME.disable_ipv6=1' };
    const settings = { IPAMConfig: null, Links: null, Aliases: null, MacAddress: '', DriverOpts, GwPriority: 0 };
    await open(parts, { ...container('c1', 'both'), endpoints: { both: settings } });
    const view = parts.sandboxes.view('c1')?.Networks['both'];
    assert.deepEqual([view?.IPAddress, view?.GlobalIPv6Address, view?.IPv6Gateway], ['172.18.0.2', '', '']);
  });

  void test('--ip is for the default bridge, host_binding_ipv4 for others', async () => {
    const parts = await world.start({ ip: '127.0.0.1' });
    await parts.networks.create(wish('plain'));
    await parts.networks.create(wish('bound', { Options: { [option.HOST_BINDING]: '127.0.0.2' } }));
    const published = async (id: string, network: string, port: string): Promise<string[]> => {
      const portBindings = { '80/tcp': [{ HostIp: '', HostPort: port }] };
      await open(parts, { ...container(id, network), exposed: ['80/tcp'], portBindings });
      return (parts.sandboxes.view(id)?.Ports['80/tcp'] ?? []).map(({ HostIp }) => HostIp);
    };
    assert.deepEqual(await published('c1', 'bridge', '8001'), ['127.0.0.1']);
    assert.deepEqual(await published('c2', 'bound', '8002'), ['127.0.0.2']);
    assert.deepEqual(await published('c3', 'plain', '8003'), ['0.0.0.0', '::']);
  });

  void test('isolated gateway modes and inhibited addresses', async () => {
    const parts = await world.start();
    await parts.networks.create(wish('isolated', { Internal: true, Options: { [option.GATEWAY_MODE_4]: 'isolated' } }));
    assert.equal(world.record('isolated').subnets[0]?.gateway, '');
    const { Id } = await parts.networks.create(wish('inhibited', { Options: { [option.INHIBIT_IPV4]: '1' } }));
    assert.equal(world.record('inhibited').subnets[0]?.gateway, '172.19.0.1');
    assert.ok(!world.kernel.addresses.some(({ link }) => link === `br-${Id.slice(0, 12)}`));
  });

  void test('a bridge that is there is used and left', async () => {
    const parts = await world.start();
    world.kernel.links.set('mine', { name: 'mine', kind: 'bridge', master: '', alias: '', up: true });
    await parts.networks.create(wish('n', { Options: { [option.BRIDGE_NAME]: 'mine' } }));
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
    const parts = await world.start({
      bip: '192.168.1.1/24',
      defaultAddressPools: [{ base: '10.0.0.0/24', size: 26 }],
    });
    await parts.networks.create(wish('one'));
    assert.equal(world.record('one').subnets[0]?.subnet, '10.0.0.64/26');
    await assert.rejects(parts.networks.create(wish('two')), {
      kind: 'InvalidParameter',
      message:
        'all predefined address pools have been fully subnetted: 10.0.0.64/26 by network one, 10.0.0.0/26 by eth0 of this host, ' +
        '10.0.0.128/25 by wg0 of this host',
    });
    await assert.rejects(
      parts.networks.create(wish('two', { IPAM: ipam(pool('0.0.0.0/8')) })),
      /^BerthError: invalid address pool$/,
    );
    await parts.networks.create(wish('six', { EnableIPv4: false, EnableIPv6: true }));
  });

  void test('some subnet of a length', async () => {
    const parts = await world.start();
    await parts.networks.create(wish('small', { IPAM: ipam(pool('0.0.0.0/24')) }));
    assert.equal(world.record('small').subnets[0]?.subnet, '172.18.0.0/24');
  });

  void test('options of the daemon for a driver', async () => {
    const parts = await world.start({
      defaultNetworkOptions: {
        bridge: { [option.DRIVER_MTU]: '1300', [option.ENABLE_ICC]: 'false', 'com.docker.network.enable_ipv6': 'true' },
      },
    });
    await parts.networks.create(wish('a', { Options: { [option.ENABLE_ICC]: 'true' } }));
    assert.deepEqual(
      [world.record('a').ipv6, world.record('a').options],
      [true, { [option.DRIVER_MTU]: '1300', [option.ENABLE_ICC]: 'true', 'com.docker.network.enable_ipv6': 'true' }],
    );
    await parts.networks.create(wish('b', { EnableIPv6: false }));
    assert.deepEqual([world.record('b').ipv6, Object.keys(world.record('b').options).length], [false, 2]);
    const wrong = world.start({ defaultNetworkOptions: { bridge: { 'com.docker.network.enable_ipv4': 'x' } } });
    await assert.rejects(
      (await wrong).networks.create(wish('c')),
      /driver-opt "com.docker.network.enable_ipv4" is not a valid bool/,
    );
  });

  void test('settings in a network of their own', async () => {
    const parts = await world.start();
    const settings = wish('settings', {
      ConfigOnly: true,
      EnableIPv6: true,
      IPAM: ipam(pool('10.77.0.0/24', { Gateway: '10.77.0.9' })),
      Options: { [option.DRIVER_MTU]: '1280' },
      Labels: { from: 'settings' },
    });
    await parts.networks.create(settings);
    const view = inspect(parts, 'settings');
    assert.deepEqual([view['Driver'], view['ConfigOnly'], view['Status']], ['null', true, undefined]);
    assert.equal(world.kernel.links.size, 1);
    await parts.networks.create(wish('real', { ConfigFrom: { Network: 'settings' } }));
    const real = inspect(parts, 'real');
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
    world.events = [];
    await parts.networks.remove('settings');
    assert.deepEqual(world.events, []);
  });

  void test('what fails half-way leaves nothing', async () => {
    const parts = await world.start();
    const before = world.snapshot();
    for (const fail of [
      () => (world.kernel.failNext = 'ensureBridge'),
      () => (world.firewall.failNext = new Error('no rules')),
    ]) {
      fail();
      await assert.rejects(parts.networks.create(wish('n')));
      for (const name of world.kernel.sysctls.keys()) if (name.includes('/br-')) world.kernel.sysctls.delete(name);
      assert.deepEqual(world.snapshot(), before);
    }
    await parts.networks.create(wish('n'));
    world.firewall.failNext = new Error('no rules');
    await parts.networks.remove('n');
    assert.deepEqual(world.warnings, ['a removed network left something behind']);
    assert.ok(!names(parts).includes('n') && world.kernel.links.size === 1);
  });

  void test('a bridge of its name that somebody else made while it was gone is used as it is, and left', async () => {
    const options = { 'com.docker.network.bridge.name': 'lan' };
    const before = await world.start();
    await before.networks.create(wish('a', { Options: options }));
    await before.networks.create(wish('b'));
    const theirs = { name: 'lan', kind: 'bridge', master: '', alias: '', up: true };
    world.kernel.links.clear();
    world.kernel.links.set('lan', theirs);
    const { networks } = await world.start();
    assert.match(world.warnings.join(), /lan is somebody else's now/);
    assert.equal([...world.kernel.links.keys()].filter((name) => name.startsWith('br-')).length, 1);
    await networks.remove('a');
    assert.deepEqual(world.kernel.links.get('lan'), theirs);
  });

  void test('after a restart all are there again, and their subnets are kept from the default bridge', async () => {
    const parts = await world.start();
    const { Id } = await parts.networks.create(wish('n', { IPAM: ipam(pool('10.5.0.0/16')) }));
    const view = inspect(parts, 'n');
    // A reboot.
    for (const map of [world.kernel.links, world.kernel.sysctls]) map.clear();
    world.kernel.addresses.length = 0;
    world.kernel.routes.length = 0;
    world.firewall = new FakeFirewall();
    const again = await world.start();
    assert.deepEqual(inspect(again, 'n'), view);
    assert.ok(world.kernel.links.has(`br-${Id.slice(0, 12)}`));
    assert.equal(world.firewall.state().networks.length, 2);
    await assert.rejects(world.start({ bip: '10.5.1.1/24' }), {
      message: '--bip 10.5.1.1/24 overlaps 10.5.0.0/16 of network n',
    });
  });
});

void describe('what is refused', () => {
  type Case = [what: string, request: NetworkCreateRequest, kind: string, message: string];
  const text = 'invalid network config:\n';
  const bad = (subnet: string, more?: Partial<IpamConfig>): NetworkCreateRequest =>
    wish('n', { EnableIPv6: true, IPAM: ipam(pool(subnet, more)) });
  const icc = `${option.ENABLE_ICC} value: maybe (strconv.ParseBool: parsing "maybe": invalid syntax)`;
  const cases: Case[] = [
    ['predefined name', wish('host'), 'Forbidden', 'operation is not permitted on predefined host network'],
    ['no name', wish(' '), 'InvalidParameter', 'invalid name: name is empty'],
    [
      'a mode as name',
      wish('container:x'),
      'InvalidParameter',
      'invalid name: "container:x" cannot be the name of a network',
    ],
    ['name twice', wish('there'), 'Conflict', 'network with name there already exists'],
    ['unknown driver', wish('n', { Driver: 'foo' }), 'NotFound', 'plugin "foo" not found'],
    [
      'unknown IPAM driver',
      wish('n', { IPAM: { Driver: 'foo', Config: [], Options: {} } }),
      'NotFound',
      'plugin "foo" not found',
    ],
    ['second host', wish('n', { Driver: 'host' }), 'Forbidden', 'only one instance of "host" network is allowed'],
    ['second none', wish('n', { Driver: 'null' }), 'Forbidden', 'only one instance of "null" network is allowed'],
    [
      'overlay',
      wish('n', { Driver: 'overlay' }),
      'Forbidden',
      'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.',
    ],
    [
      'macvlan',
      wish('n', { Driver: 'macvlan' }),
      'NotImplemented',
      'networks of driver "macvlan" come with a later version of Berth',
    ],
    ['ingress', wish('n', { Ingress: true }), 'Forbidden', 'Ingress network can only be global scope network'],
    [
      'swarm scope',
      wish('n', { Scope: 'swarm' }),
      'Forbidden',
      'cannot create a swarm scoped network when swarm is not active',
    ],
    [
      'strange scope',
      wish('n', { Scope: 'x' }),
      'InvalidParameter',
      'invalid scope "x": a network of this driver has scope local',
    ],
    ['no subnet', bad('10.0.0.0'), 'InvalidParameter', `${text}invalid subnet 10.0.0.0: invalid CIDR block notation`],
    [
      'host bits',
      bad('10.0.0.1/24'),
      'InvalidParameter',
      `${text}invalid subnet 10.0.0.1/24: it should be 10.0.0.0/24`,
    ],
    [
      'range elsewhere, gateway of another family, wrong auxiliary address',
      bad('10.0.0.0/24', { IPRange: '10.1.0.0/25', Gateway: '::1', AuxiliaryAddresses: { a: 'x', b: '10.0.1.1' } }),
      'InvalidParameter',
      `${text}* invalid ip-range 10.1.0.0/25: parent subnet 10.0.0.0/24 doesn't contain ip-range\n` +
        '* invalid gateway ::1: parent subnet is an IPv4 block\n* invalid auxiliary address a: invalid address\n' +
        "* invalid auxiliary address b: parent subnet 10.0.0.0/24 doesn't contain this address",
    ],
    [
      'gateway outside',
      bad('10.0.0.0/24', { Gateway: '10.0.1.1' }),
      'InvalidParameter',
      `${text}invalid gateway 10.0.1.1: parent subnet 10.0.0.0/24 doesn't contain this address`,
    ],
    [
      'range too big',
      bad('10.0.0.0/24', { IPRange: '10.0.0.0/16' }),
      'InvalidParameter',
      `${text}invalid ip-range 10.0.0.0/16: CIDR block is bigger than its parent subnet 10.0.0.0/24`,
    ],
    [
      'range with host bits',
      bad('10.0.0.0/24', { IPRange: '10.0.0.3/25' }),
      'InvalidParameter',
      `${text}invalid ip-range 10.0.0.3/25: it should be 10.0.0.0/25`,
    ],
    [
      'no range',
      bad('fd00::/64', { IPRange: 'x' }),
      'InvalidParameter',
      `${text}invalid ip-range x: invalid CIDR block notation`,
    ],
    [
      'network address as gateway',
      bad('10.0.0.0/24', { Gateway: '10.0.0.0' }),
      'System',
      'failed to allocate gateway (10.0.0.0): Address already in use',
    ],
    [
      'auxiliary address is the gateway',
      bad('10.0.0.0/24', { AuxiliaryAddresses: { a: '10.0.0.1' } }),
      'System',
      'failed to allocate secondary ip address (a:10.0.0.1): Address already in use',
    ],
    [
      'overlap with another network',
      bad('172.17.16.0/24'),
      'Forbidden',
      'invalid pool request: Pool overlaps with other one on this address space: 172.17.16.0/24 overlaps 172.17.0.0/16 of network bridge; 172.19.0.0/16 is free',
    ],
    [
      'overlap, with a range',
      bad('172.16.0.0/12', { IPRange: '172.16.0.0/24' }),
      'Forbidden',
      'invalid pool request: Pool overlaps with other one on this address space: 172.16.0.0/12 overlaps 172.17.0.0/16 of network bridge; 172.19.0.0/16 is free',
    ],
    [
      'overlap with itself',
      wish('n', { IPAM: ipam(pool('10.0.0.0/8'), pool('10.1.0.0/16')) }),
      'Forbidden',
      'invalid pool request: Pool overlaps with other one on this address space: 10.1.0.0/16 overlaps 10.0.0.0/8 of network n; 172.19.0.0/16 is free',
    ],
    [
      'two subnets of a family',
      wish('n', { IPAM: ipam(pool('10.0.0.0/24'), pool('10.0.1.0/24')) }),
      'Forbidden',
      "bridge driver doesn't support multiple subnets",
    ],
    [
      'null IPAM driver',
      wish('n', { IPAM: { Driver: 'null', Config: [], Options: {} } }),
      'InvalidParameter',
      'ipv4 pool is empty',
    ],
    [
      'null IPAM driver with a subnet',
      wish('n', { IPAM: { Driver: 'null', Config: [pool('10.0.0.0/24')], Options: {} } }),
      'InvalidParameter',
      'null ipam driver does not handle specific address pool requests',
    ],
    ['neither family', wish('n', { EnableIPv4: false }), 'InvalidParameter', 'IPv4 or IPv6 must be enabled'],
    ['multicast', bad('ff02::/64'), 'InvalidParameter', "multicast subnet 'ff02::/64' is not allowed"],
    [
      'part of fe80::/64',
      bad('fe80::/80'),
      'InvalidParameter',
      "'fe80::/80' clashes with the Link-Local prefix 'fe80::/64'",
    ],
    ['IPv4 in IPv6', bad('::ffff:10.0.0.0/120'), 'InvalidParameter', "'::ffff:a00:0/120' is not a valid IPv6 subnet"],
    ['option', wish('n', { Options: { [option.ENABLE_ICC]: 'maybe' } }), 'InvalidParameter', `failed to parse ${icc}`],
    [
      'isolated for an open network',
      wish('n', { Options: { [option.GATEWAY_MODE_6]: 'isolated' } }),
      'System',
      "gateway mode 'isolated' can only be used for an internal network",
    ],
    [
      'MTU too small for IPv6',
      wish('n', { EnableIPv6: true, Options: { [option.DRIVER_MTU]: '1000' } }),
      'InvalidParameter',
      'invalid MTU number: 1000',
    ],
    [
      'a link that is no bridge',
      wish('n', { Options: { [option.BRIDGE_NAME]: 'eth0' } }),
      'System',
      'existing interface eth0 is not a bridge',
    ],
    [
      'operator fields of settings',
      wish('n', { ConfigOnly: true, Internal: true }),
      'Forbidden',
      'configuration network can only contain network specific fields. Network operator fields like [ ingress | internal | attachable | scope ] are not supported.',
    ],
    [
      'settings from settings',
      wish('n', { ConfigOnly: true, ConfigFrom: { Network: 'x' } }),
      'Forbidden',
      'a configuration network cannot depend on another configuration network',
    ],
    [
      'settings from nowhere',
      wish('n', { ConfigFrom: { Network: 'there' } }),
      'NotFound',
      'configuration network "there" does not exist',
    ],
    [
      'settings from elsewhere and here',
      wish('n', { ConfigFrom: { Network: 'x' }, Labels: { a: '' } }),
      'Forbidden',
      'user-specified configurations are not supported if the network depends on a configuration network',
    ],
    [
      'settings from elsewhere and an option',
      wish('n', { ConfigFrom: { Network: 'x' }, Options: { a: '' } }),
      'Forbidden',
      'network driver options are not supported if the network depends on a configuration network',
    ],
    [
      'announcements of settings',
      wish('n', { ConfigOnly: true, Options: { [option.ADVERTISE_COUNT]: '9' } }),
      'InvalidParameter',
      `${option.ADVERTISE_COUNT} must be in the range 0 to 3`,
    ],
  ];
  for (const [what, request, kind, message] of cases) {
    void test(what, async () => {
      world.kernel.links.set('eth0', { name: 'eth0', kind: '', master: '', alias: '', up: true });
      const parts = await world.start();
      await parts.networks.create(wish('there'));
      const before = world.snapshot();
      await assert.rejects(parts.networks.create(request), { name: 'BerthError', kind, message });
      assert.deepEqual(world.snapshot(), before);
    });
  }

  void test('a bridge twice', async () => {
    const parts = await world.start();
    const options = { [option.BRIDGE_NAME]: 'docker0' };
    await assert.rejects(parts.networks.create(wish('n', { Options: options })), {
      kind: 'Forbidden',
      message:
        /^cannot create network \w{64} \(docker0\): conflicts with network \w{64} \(docker0\): networks have same bridge name$/,
    });
  });

  void test('removing what is predefined, unknown or in use', async () => {
    const parts = await world.start();
    const { Id } = await parts.networks.create(wish('n'));
    await open(parts, container('c1', 'n'));
    const endpoint = parts.sandboxes.view('c1')?.Networks['n']?.EndpointID.slice(0, 12);
    const before = world.snapshot();
    const refused = async (ref: string, kind: string, message: string): Promise<void> =>
      assert.rejects(parts.networks.remove(ref), { kind, message });
    for (const name of ['bridge', 'host', 'none']) {
      await refused(name, 'Forbidden', `${name} is a pre-defined network and cannot be removed`);
    }
    await refused('x', 'NotFound', 'network x not found');
    await refused('', 'NotFound', 'network  not found');
    await refused('0', 'InvalidParameter', 'network 0 is ambiguous (4 matches found based on ID prefix)');
    const inUse = `error while removing network: network n has active endpoints (name:"name-c1" id:"${endpoint}")`;
    await refused(Id, 'Forbidden', inUse);
    assert.deepEqual(world.snapshot(), before);
    await parts.sandboxes.close('c1');
    await parts.networks.remove(Id.slice(0, 7));
  });
});

void describe('lists and prune', () => {
  void test('filters', async () => {
    const parts = await world.start();
    await parts.networks.create(wish('web-front', { Labels: { tier: 'front', a: '' } }));
    await parts.networks.create(wish('web-back', { Labels: { tier: 'back' } }));
    await open(parts, container('c1', 'web-back'));
    const custom = ['web-front', 'web-back'];
    const all = ['bridge', 'host', 'none', ...custom];
    assert.deepEqual(names(parts), all);
    assert.deepEqual(names(parts, ['driver', ['host', 'null']]), ['host', 'none']);
    assert.deepEqual(names(parts, ['type', ['custom']]), custom);
    assert.deepEqual(names(parts, ['type', ['builtin', 'custom']]), all);
    assert.deepEqual(names(parts, ['scope', ['local']]), all);
    assert.deepEqual(names(parts, ['scope', ['swarm']]), []);
    assert.deepEqual(names(parts, ['name', ['^web-.*t$', 'one']]), ['none', 'web-front']);
    assert.deepEqual(names(parts, ['name', ['[']]), []);
    assert.deepEqual(names(parts, ['name', ['(?=web)']]), []);
    assert.deepEqual(names(parts, ['id', [world.record('web-back').id.slice(0, 9)]]), ['web-back']);
    assert.deepEqual(names(parts, ['label', ['tier']]), custom);
    assert.deepEqual(names(parts, ['label', ['tier=front', 'a']]), ['web-front']);
    assert.deepEqual(names(parts, ['label', ['tier=front', 'tier=back']]), []);
    assert.deepEqual(names(parts, ['dangling', ['true']]), ['web-front']);
    assert.deepEqual(names(parts, ['dangling', ['0']]), ['bridge', 'host', 'none', 'web-back']);
    const refused = (name: string, values: string[], message: string): void =>
      assert.throws(() => names(parts, [name, values]), { kind: 'InvalidParameter', message });
    refused('type', ['x'], "invalid filter: 'type'='x'");
    refused('dangling', ['1', '0'], 'got more than one value for filter key "dangling"');
    const dangling = `invalid value for filter 'dangling', must be "true" (or "1"), or "false" (or "0")`;
    refused('dangling', ['maybe'], dangling);
  });

  void test('prune removes what nobody uses, and says so', async () => {
    const parts = await world.start();
    const prune = async (...filters: [string, string[]][]): Promise<string[]> =>
      (await parts.networks.prune(new Map(filters))).NetworksDeleted;
    await parts.networks.create(wish('old', { Labels: { keep: 'no' } }));
    await parts.networks.create(wish('used'));
    await parts.networks.create(wish('settings', { ConfigOnly: true }));
    await open(parts, container('c1', 'used'));
    world.now = '2026-01-02T00:00:00Z';
    await parts.networks.create(wish('new', { Labels: { keep: 'yes' } }));
    assert.deepEqual(await prune(['until', ['48h']]), []);
    assert.deepEqual(await prune(['label', ['keep=maybe']]), []);
    assert.deepEqual(await prune(['label!', ['keep']]), []);
    assert.deepEqual(await prune(['until', ['1h30m']]), ['old']);
    world.events = [];
    assert.deepEqual(await prune(['label!', ['keep=no']]), ['new']);
    assert.deepEqual(
      world.events.map((event) => (event as unknown[]).filter((part) => typeof part !== 'string' || part.length < 64)),
      [
        ['network', 'destroy', { name: 'new', type: 'bridge' }],
        ['network', 'prune', '', { reclaimed: '0' }],
      ],
    );
    assert.deepEqual(names(parts, ['type', ['custom']]), ['used', 'settings']);
    for (const until of ['x', '1y', '2026', '2026-01-01T00:00:00Z', '1767225600']) {
      const wrong = until === 'x' || until === '1y';
      const outcome = prune(['until', [until]]);
      await (wrong ? assert.rejects(outcome, { kind: 'InvalidParameter' }) : outcome);
    }
    await assert.rejects(prune(['until', ['1h', '2h']]), /more than one until filter specified/);
  });
});

void describe('at the same time', () => {
  void test('of two creates with one name one wins', async () => {
    const parts = await world.start();
    const results = await Promise.allSettled(Array.from({ length: 5 }, async () => parts.networks.create(wish('n'))));
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
    assert.equal(world.kernel.links.size, 2);
  });

  void test('fifty creates and removes share no subnet, and nothing is left at the end', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(9), { minLength: 50, maxLength: 50 }), async (numbers) => {
        world = new World();
        const parts = await world.start();
        const before = world.snapshot();
        const check = (): void => {
          const subnets = world.store.list<NetworkRecord>('network').flatMap(({ subnets: list }) => list);
          const prefixes = subnets.flatMap(({ subnet }) => parsePrefix(subnet) ?? []);
          for (const [index, one] of prefixes.entries()) {
            assert.ok(!prefixes.slice(0, index).some((other) => overlaps(one, other)));
          }
        };
        await Promise.allSettled(
          numbers.map(async (number, index) => {
            await (index % 3 === 2 ? parts.networks.remove(`n${number}`) : parts.networks.create(wish(`n${number}`)));
            check();
          }),
        );
        await parts.networks.prune(new Map());
        world.events = [];
        for (const name of world.kernel.sysctls.keys()) if (name.includes('/br-')) world.kernel.sysctls.delete(name);
        assert.deepEqual(world.snapshot(), before);
      }),
      { numRuns: 10 },
    );
  });

  void test('a bridge’s name is free again only when the bridge is gone', async () => {
    const parts = await world.start();
    const again = wish('n', { Options: { [option.BRIDGE_NAME]: 'mybr' } });
    await parts.networks.create(again);
    const [, { Id }] = await Promise.all([parts.networks.remove('n'), parts.networks.create(again)]);
    assert.equal(world.kernel.links.get('mybr')?.alias, `berth:${Id}`);
    assert.equal(world.record('n').foreignBridge, false);
  });

  void test('a network that a container is about to use is not removed', async () => {
    const parts = await world.start();
    await parts.networks.create(wish('n'));
    const [opened, removed] = await Promise.allSettled([open(parts, container('c1', 'n')), parts.networks.remove('n')]);
    assert.deepEqual([opened.status, removed.status], ['fulfilled', 'rejected']);
  });
});

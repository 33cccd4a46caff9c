import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import * as option from '../drivers/bridge/options.ts';
import type { IpamConfig, NetworkCreateRequest } from './port.ts';
import { World, creation, ipam, open, pool, request } from './testing-world.ts';

let world = new World();
beforeEach(() => (world = new World()));

void describe('what is refused', () => {
  type Case = [what: string, request: NetworkCreateRequest, kind: string, message: string];
  const text = 'invalid network config:\n';
  const bad = (subnet: string, more?: Partial<IpamConfig>): NetworkCreateRequest =>
    creation('n', { EnableIPv6: true, IPAM: ipam(pool(subnet, more)) });
  const icc = `${option.ENABLE_ICC} value: maybe (strconv.ParseBool: parsing "maybe": invalid syntax)`;
  const cases: Case[] = [
    ['predefined name', creation('host'), 'Forbidden', 'operation is not permitted on predefined host network'],
    ['no name', creation(' '), 'InvalidParameter', 'invalid name: name is empty'],
    [
      'a mode as name',
      creation('container:x'),
      'InvalidParameter',
      'invalid name: "container:x" cannot be the name of a network',
    ],
    ['name twice', creation('there'), 'Conflict', 'network with name there already exists'],
    ['unknown driver', creation('n', { Driver: 'foo' }), 'NotFound', 'plugin "foo" not found'],
    [
      'unknown IPAM driver',
      creation('n', { IPAM: { Driver: 'foo', Config: [], Options: {} } }),
      'NotFound',
      'plugin "foo" not found',
    ],
    ['second host', creation('n', { Driver: 'host' }), 'Forbidden', 'only one instance of "host" network is allowed'],
    ['second none', creation('n', { Driver: 'null' }), 'Forbidden', 'only one instance of "null" network is allowed'],
    ['ingress', creation('n', { Ingress: true }), 'Forbidden', 'Ingress network can only be global scope network'],
    [
      'swarm scope',
      creation('n', { Scope: 'swarm' }),
      'Forbidden',
      'cannot create a swarm scoped network when swarm is not active',
    ],
    [
      'strange scope',
      creation('n', { Scope: 'x' }),
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
      creation('n', { IPAM: ipam(pool('10.0.0.0/8'), pool('10.1.0.0/16')) }),
      'Forbidden',
      'invalid pool request: Pool overlaps with other one on this address space: 10.1.0.0/16 overlaps 10.0.0.0/8 of network n; 172.19.0.0/16 is free',
    ],
    [
      'two subnets of a family',
      creation('n', { IPAM: ipam(pool('10.0.0.0/24'), pool('10.0.1.0/24')) }),
      'Forbidden',
      "bridge driver doesn't support multiple subnets",
    ],
    [
      'null IPAM driver',
      creation('n', { IPAM: { Driver: 'null', Config: [], Options: {} } }),
      'InvalidParameter',
      'ipv4 pool is empty',
    ],
    [
      'null IPAM driver with a subnet',
      creation('n', { IPAM: { Driver: 'null', Config: [pool('10.0.0.0/24')], Options: {} } }),
      'InvalidParameter',
      'null ipam driver does not handle specific address pool requests',
    ],
    ['neither family', creation('n', { EnableIPv4: false }), 'InvalidParameter', 'IPv4 or IPv6 must be enabled'],
    ['multicast', bad('ff02::/64'), 'InvalidParameter', "multicast subnet 'ff02::/64' is not allowed"],
    [
      'part of fe80::/64',
      bad('fe80::/80'),
      'InvalidParameter',
      "'fe80::/80' clashes with the Link-Local prefix 'fe80::/64'",
    ],
    ['IPv4 in IPv6', bad('::ffff:10.0.0.0/120'), 'InvalidParameter', "'::ffff:a00:0/120' is not a valid IPv6 subnet"],
    [
      'option',
      creation('n', { Options: { [option.ENABLE_ICC]: 'maybe' } }),
      'InvalidParameter',
      `failed to parse ${icc}`,
    ],
    [
      'isolated for an open network',
      creation('n', { Options: { [option.GATEWAY_MODE_6]: 'isolated' } }),
      'System',
      "gateway mode 'isolated' can only be used for an internal network",
    ],
    [
      'MTU too small for IPv6',
      creation('n', { EnableIPv6: true, Options: { [option.DRIVER_MTU]: '1000' } }),
      'InvalidParameter',
      'invalid MTU number: 1000',
    ],
    [
      'a link that is no bridge',
      creation('n', { Options: { [option.BRIDGE_NAME]: 'eth0' } }),
      'System',
      'existing interface eth0 is not a bridge',
    ],
    [
      'operator fields of settings',
      creation('n', { ConfigOnly: true, Internal: true }),
      'Forbidden',
      'configuration network can only contain network specific fields. Network operator fields like [ ingress | internal | attachable | scope ] are not supported.',
    ],
    [
      'settings from settings',
      creation('n', { ConfigOnly: true, ConfigFrom: { Network: 'x' } }),
      'Forbidden',
      'a configuration network cannot depend on another configuration network',
    ],
    [
      'settings from nowhere',
      creation('n', { ConfigFrom: { Network: 'there' } }),
      'NotFound',
      'configuration network "there" does not exist',
    ],
    [
      'settings from elsewhere and here',
      creation('n', { ConfigFrom: { Network: 'x' }, Labels: { a: '' } }),
      'Forbidden',
      'user-specified configurations are not supported if the network depends on a configuration network',
    ],
    [
      'settings from elsewhere and an option',
      creation('n', { ConfigFrom: { Network: 'x' }, Options: { a: '' } }),
      'Forbidden',
      'network driver options are not supported if the network depends on a configuration network',
    ],
    [
      'announcements of settings',
      creation('n', { ConfigOnly: true, Options: { [option.ADVERTISE_COUNT]: '9' } }),
      'InvalidParameter',
      `${option.ADVERTISE_COUNT} must be in the range 0 to 3`,
    ],
  ];
  for (const [what, request, kind, message] of cases) {
    void test(what, async () => {
      world.kernel.links.set('eth0', { name: 'eth0', kind: '', master: '', alias: '', up: true });
      const parts = await world.started();
      await parts.networks.create(creation('there'));
      const before = world.snapshot();
      await assert.rejects(parts.networks.create(request), { name: 'BerthError', kind, message });
      assert.deepEqual(world.snapshot(), before);
    });
  }

  void test('a bridge twice', async () => {
    const parts = await world.started();
    const options = { [option.BRIDGE_NAME]: 'docker0' };
    await assert.rejects(parts.networks.create(creation('n', { Options: options })), {
      kind: 'Forbidden',
      message:
        /^cannot create network \w{64} \(docker0\): conflicts with network \w{64} \(docker0\): networks have same bridge name$/,
    });
  });

  void test('removing what is predefined, unknown or in use', async () => {
    const parts = await world.started();
    const { Id } = await parts.networks.create(creation('n'));
    await open(parts, request('c1', { networkMode: 'n' }));
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

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { EndpointConfig, NetworkConfig } from '../driver.ts';
import { DRIVER_MTU } from '../network-options.ts';
import { overlayDriver } from './driver.ts';
import { ENCRYPTED, isEncrypted, VXLAN_IDS, vxlanIds } from './options.ts';

const network: NetworkConfig = {
  id: '0123456789abcdef'.repeat(4),
  name: 'wide',
  ipv4: true,
  ipv6: true,
  internal: false,
  subnets: (['10.1.0.0/24', 'fd00::/64'] as const).map((subnet) => {
    const gateway = subnet.includes(':') ? 'fd00::1' : '10.1.0.1';
    return { subnet, range: '', gateway, routeVia: gateway, auxiliary: {}, configured: true };
  }),
  options: {},
  bridge: 'br-0123456789ab',
  owner: 'berth:n',
  mac: '02:42:00:00:00:01',
  foreignBridge: false,
  ipForward: true,
  firewall: { 4: true, 6: true },
  vni: 4097,
  underlay: { address: '192.0.2.1', port: 4789, mtu: 1500 },
};
const endpoint: EndpointConfig = {
  addresses: ['10.1.0.2/24', 'fd00::2/64'],
  linkLocal: [],
  mac: '02:42:0a:01:00:02',
  hostName: 'veth0123456',
  interfaceName: 'eth0',
  options: {},
};

void test('a bridge as any other, and a tunnel as a port of it', () => {
  const plan = overlayDriver.planNetwork(network);
  assert.deepEqual(plan.tunnel, {
    name: 'vx-0123456789ab',
    owner: 'berth:n',
    bridge: 'br-0123456789ab',
    vni: 4097,
    local: '192.0.2.1',
    port: 4789,
    mtu: 1450,
  });
  assert.deepEqual(plan.bridge, {
    name: 'br-0123456789ab',
    owner: 'berth:n',
    mac: '02:42:00:00:00:01',
    mtu: 1450,
    addresses: ['10.1.0.1/24', 'fd00::1/64'],
    sysctls: [
      { name: 'net/ipv6/conf/br-0123456789ab/accept_ra', value: '0' },
      { name: 'net/ipv6/conf/br-0123456789ab/disable_ipv6', value: '0' },
      { name: 'net/ipv4/conf/br-0123456789ab/route_localnet', value: '1' },
    ],
  });
  assert.deepEqual(
    plan.rules.map(({ family, mode, masquerade, interContainer, internal }) => [
      family,
      mode,
      masquerade,
      interContainer,
      internal,
    ]),
    [
      [4, 'nat', true, true, false],
      [6, 'nat', true, true, false],
    ],
  );
  const internal = overlayDriver.planNetwork({ ...network, internal: true });
  assert.deepEqual(
    [internal.sysctls, internal.rules.map((rule) => [rule.internal, rule.masquerade])],
    [
      [],
      [
        [true, false],
        [true, false],
      ],
    ],
  );
});

void test('the MTU is the underlay’s without what encapsulation adds, unless one is asked for', () => {
  const mtuOn = (address: string, mtu: number, options = {}): unknown[] => {
    const config = { ...network, options, underlay: { address, port: 4789, mtu } };
    const { bridge, tunnel } = overlayDriver.planNetwork(config);
    return [bridge?.mtu, tunnel?.mtu, overlayDriver.planEndpoint(config, endpoint)?.mtu];
  };
  assert.deepEqual(mtuOn('192.0.2.1', 9000), [8950, 8950, 8950]);
  assert.deepEqual(mtuOn('2001:db8::1', 1500), [1430, 1430, 1430]);
  assert.deepEqual(mtuOn('192.0.2.1', 100), [68, 68, 68]);
  assert.deepEqual(mtuOn('192.0.2.1', 1500, { [DRIVER_MTU]: '1300' }), [1300, 1300, 1300]);
  assert.deepEqual(mtuOn('192.0.2.1', 1500, { [DRIVER_MTU]: '0' }), [1450, 1450, 1450]);
});

void test('an encrypted network leaves by WireGuard’s link, or not at all', () => {
  const secure = { link: 'wg-berth', address: 'fe80::1:2', mtu: 1440 };
  const planWith = (value: string, options = {}, way: { secure?: typeof secure } = { secure }) =>
    overlayDriver.planNetwork({
      ...network,
      options: { [ENCRYPTED]: value, ...options },
      underlay: { address: '192.0.2.1', port: 4789, mtu: 1500, ...way },
    });
  for (const value of ['', 'true', 'yes', '1']) {
    const { tunnel, bridge } = planWith(value);
    assert.deepEqual(
      [tunnel?.link, tunnel?.local, tunnel?.port, tunnel?.mtu, bridge?.mtu],
      ['wg-berth', 'fe80::1:2', 4789, 1370, 1370],
    );
    const without = planWith(value, {}, {});
    assert.deepEqual([without.tunnel, without.bridge?.name], [undefined, 'br-0123456789ab']);
  }
  assert.deepEqual([planWith('false').tunnel?.link, planWith('false').tunnel?.local], [undefined, '192.0.2.1']);
  assert.equal(planWith('', { [DRIVER_MTU]: '1500' }).tunnel?.mtu, 1370);
  assert.equal(planWith('', { [DRIVER_MTU]: '1300' }).tunnel?.mtu, 1300);
});

void test('a host that has left its cluster has no tunnel; a container that is there keeps its interface, bridge and rules', () => {
  const { underlay: _, ...alone } = network;
  const { tunnel, bridge, rules } = overlayDriver.planNetwork(alone);
  assert.deepEqual([tunnel, bridge?.name, bridge?.mtu], [undefined, 'br-0123456789ab', 1450]);
  assert.deepEqual(rules, overlayDriver.planNetwork(network).rules);
  const plan = overlayDriver.planEndpoint(alone, endpoint);
  assert.ok(plan?.kind === 'veth');
  assert.deepEqual(
    [plan.mtu, plan.bridge, plan.isolated, plan.addresses],
    [1450, 'br-0123456789ab', false, endpoint.addresses],
  );
});

void test('options are refused in Docker’s words, unknown ones ignored', () => {
  const refused: [string, string, string, string][] = [
    [DRIVER_MTU, '-1', 'InvalidParameter', 'invalid MTU number: -1'],
    [VXLAN_IDS, '', 'InvalidParameter', 'invalid vxlan id value "" passed'],
    [VXLAN_IDS, '0', 'InvalidParameter', 'invalid vxlan id value "0" passed'],
    [VXLAN_IDS, '5,x', 'InvalidParameter', 'invalid vxlan id value "x" passed'],
    [VXLAN_IDS, '16777216', 'InvalidParameter', 'invalid vxlan id value "16777216" passed'],
  ];
  for (const [name, value, kind, message] of refused) {
    assert.throws(() => overlayDriver.checkOptions({ [name]: value }), { kind, message }, `${name}=${value}`);
  }
  overlayDriver.checkOptions({ [ENCRYPTED]: 'false', [VXLAN_IDS]: '16777215,1', unknown: 'x', [DRIVER_MTU]: '0' });
  assert.deepEqual(
    [isEncrypted({}), isEncrypted({ [ENCRYPTED]: 'F' }), isEncrypted({ [ENCRYPTED]: '' })],
    [false, false, true],
  );
});

void test('what was checked has a meaning', () => {
  const texts = fc.oneof(fc.string(), fc.array(fc.integer({ min: -5, max: 0x1ff_ffff })).map(String));
  fc.assert(
    fc.property(texts, texts, (ids, mtu) => {
      const options = { [VXLAN_IDS]: ids, [DRIVER_MTU]: mtu };
      try {
        overlayDriver.checkOptions(options);
      } catch {
        return;
      }
      assert.ok(vxlanIds(options).every((vni) => Number.isInteger(vni) && vni > 0 && vni < 2 ** 24));
      assert.ok((overlayDriver.planNetwork({ ...network, options }).tunnel?.mtu ?? 0) >= 68);
    }),
  );
});

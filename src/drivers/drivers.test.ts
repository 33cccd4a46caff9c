import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bridgeDriver } from './bridge/driver.ts';
import { hostLinkName, isHostLinkName, macOf } from './bridge/endpoint.ts';
import * as option from './bridge/options.ts';
import type { EndpointConfig, NetworkConfig, SubnetConfig } from './driver.ts';
import { disablesIpv6, ENDPOINT_NAME, ENDPOINT_SYSCTLS, wantedInterfaceName } from './endpoint-options.ts';
import { hostDriver } from './host/driver.ts';
import { noneDriver } from './none/driver.ts';

const subnet: SubnetConfig = {
  subnet: '10.1.0.0/16',
  range: '',
  gateway: '10.1.0.1',
  routeVia: '10.1.0.1',
  auxiliary: {},
  configured: true,
};
const subnet6: SubnetConfig = { ...subnet, subnet: 'fd00::/64', gateway: 'fd00::1', routeVia: 'fd00::1' };
const network: NetworkConfig = {
  id: 'n',
  name: 'front',
  ipv4: true,
  ipv6: false,
  internal: false,
  subnets: [subnet],
  options: { [option.DRIVER_MTU]: '1400', [option.ENABLE_ICC]: 'false' },
  bridge: 'br7',
  owner: 'berth:n',
  mac: '02:42:00:00:00:01',
  foreignBridge: false,
  ipForward: true,
  firewall: { 4: true, 6: true },
};
const endpoint: EndpointConfig = {
  addresses: ['10.1.0.2/16'],
  linkLocal: [],
  mac: '02:42:0a:01:00:02',
  hostName: 'veth0123456',
  interfaceName: 'eth1',
  options: {},
};
const both = { ...network, ipv6: true, subnets: [subnet, subnet6] };
const withOptions = (options: Record<string, string>, base: NetworkConfig = network): NetworkConfig => ({
  ...base,
  options,
});
const rules4 = (config: NetworkConfig): unknown => bridgeDriver.planNetwork(config).rules[0];

void test('bridge: the network', () => {
  assert.deepEqual(bridgeDriver.planNetwork(network), {
    bridge: {
      name: 'br7',
      owner: 'berth:n',
      mac: '02:42:00:00:00:01',
      mtu: 1400,
      addresses: ['10.1.0.1/16'],
      sysctls: [
        { name: 'net/ipv6/conf/br7/accept_ra', value: '0' },
        { name: 'net/ipv4/conf/br7/route_localnet', value: '1' },
      ],
    },
    sysctls: [{ name: 'net/ipv4/ip_forward', value: '1' }],
    rules: [
      {
        bridge: 'br7',
        family: 4,
        subnets: ['10.1.0.0/16'],
        mode: 'nat',
        masquerade: true,
        sourceAddress: '',
        internal: false,
        interContainer: false,
        trustedInterfaces: [],
      },
    ],
  });
});

void test('bridge: a bridge of the administrator’s keeps its sysctls and bears no mark', () => {
  const quiet: NetworkConfig = { ...network, foreignBridge: true, ipForward: false, firewall: { 4: false, 6: false } };
  assert.deepEqual(bridgeDriver.planNetwork(quiet), {
    bridge: { name: 'br7', owner: '', mac: '02:42:00:00:00:01', mtu: 1400, addresses: ['10.1.0.1/16'], sysctls: [] },
    sysctls: [],
    rules: [],
  });
});

void test('bridge: both families, each with its rules', () => {
  const plan = bridgeDriver.planNetwork(
    withOptions(
      {
        [option.GATEWAY_MODE_6]: 'routed',
        [option.HOST_IPV4]: '192.0.2.1',
        [option.HOST_IPV6]: '2001:db8::1',
        [option.TRUSTED_INTERFACES]: 'eth0:wg0',
      },
      both,
    ),
  );
  assert.deepEqual(plan.bridge?.addresses, ['10.1.0.1/16', 'fd00::1/64']);
  assert.ok(plan.bridge.sysctls.some(({ name, value }) => name.endsWith('br7/disable_ipv6') && value === '0'));
  assert.equal(plan.sysctls.length, 2);
  assert.deepEqual(
    plan.rules.map(({ family, mode, masquerade, sourceAddress, trustedInterfaces }) => [
      family,
      mode,
      masquerade,
      sourceAddress,
      trustedInterfaces.join(),
    ]),
    [
      [4, 'nat', true, '192.0.2.1', 'eth0,wg0'],
      // Nothing is translated where packets are routed.
      [6, 'routed', false, '', 'eth0,wg0'],
    ],
  );
  assert.equal(bridgeDriver.planNetwork({ ...both, firewall: { 4: true, 6: false } }).rules.length, 1);
});

void test('bridge: internal, isolated, inhibit_ipv4', () => {
  const internal = bridgeDriver.planNetwork({ ...network, internal: true });
  assert.deepEqual(internal.sysctls, []);
  assert.deepEqual(internal.bridge?.sysctls, [{ name: 'net/ipv6/conf/br7/accept_ra', value: '0' }]);
  assert.equal(internal.rules[0]?.internal, true);
  assert.equal(internal.rules[0].masquerade, false);
  const isolated = { ...subnet, gateway: '', routeVia: '' };
  const config = withOptions(
    { [option.GATEWAY_MODE_4]: 'isolated' },
    { ...network, internal: true, subnets: [isolated] },
  );
  assert.deepEqual(bridgeDriver.planNetwork(config).bridge?.addresses, []);
  const inhibited = withOptions({ [option.INHIBIT_IPV4]: 'true' }, both);
  assert.deepEqual(bridgeDriver.planNetwork(inhibited).bridge?.addresses, ['fd00::1/64']);
  assert.deepEqual(rules4(withOptions({ [option.ENABLE_MASQUERADE]: '0' })), {
    ...(rules4(withOptions({})) as object),
    masquerade: false,
  });
});

void test('bridge: an endpoint', () => {
  assert.deepEqual(bridgeDriver.planEndpoint(network, endpoint), {
    kind: 'veth',
    name: 'eth1',
    mac: '02:42:0a:01:00:02',
    mtu: 1400,
    hostName: 'veth0123456',
    bridge: 'br7',
    isolated: true,
    addresses: ['10.1.0.2/16'],
    routes: [],
    sysctls: [{ name: 'net/ipv6/conf/eth1/disable_ipv6', value: '1' }],
    announce: { count: 3, interval: 1000 },
  });
  const dual = bridgeDriver.planEndpoint(
    withOptions({ [option.ADVERTISE_COUNT]: '0', [option.ADVERTISE_INTERVAL]: '200' }, both),
    { ...endpoint, addresses: ['10.1.0.2/16', 'fd00::2/64'], linkLocal: ['169.254.7.1/16'] },
  );
  assert.ok(dual?.kind === 'veth');
  assert.deepEqual(dual.addresses, ['10.1.0.2/16', 'fd00::2/64', '169.254.7.1/16']);
  assert.deepEqual(dual.announce, { count: 0, interval: 200 });
  assert.deepEqual([dual.isolated, dual.mtu, dual.sysctls[0]?.value], [false, 1500, '0']);
});

void test('an endpoint’s own name and sysctls', () => {
  const options = {
    [ENDPOINT_SYSCTLS]: 'net.ipv4.conf.IFNAME.log_martians=1,net.ipv6.conf.ifname.disable_ipv6=1',
  };
  const plan = bridgeDriver.planEndpoint(both, {
    ...endpoint,
    interfaceName: 'web0',
    addresses: ['10.1.0.2/16', 'fd00::2/64'],
    options,
  });
  assert.deepEqual(plan?.addresses, ['10.1.0.2/16']);
  assert.deepEqual(plan.sysctls.slice(-2), [
    { name: 'net/ipv4/conf/web0/log_martians', value: '1' },
    { name: 'net/ipv6/conf/web0/disable_ipv6', value: '1' },
  ]);
  assert.deepEqual([disablesIpv6(options), disablesIpv6({}), disablesIpv6(null)], [true, false, false]);
  assert.equal(wantedInterfaceName({ [ENDPOINT_NAME]: 'web0' }), 'web0');
  assert.equal(wantedInterfaceName(null), '');
  for (const name of ['a/b', 'lo', '..', 'sixteen-letters0', 'a b', 'all']) {
    assert.throws(() => wantedInterfaceName({ [ENDPOINT_NAME]: name }), { kind: 'InvalidParameter' }, name);
  }
  const bad = [
    'net.ipv4.conf.eth0.forwarding=1',
    'net.core.x.IFNAME.y=1',
    'net.ipv4.conf.IFNAME.forwarding',
    'kernel.ipv4.conf.IFNAME.x=1',
    'net.ipv4.conf.IFNAME.a/../../../kernel/x=1',
    'net.ipv4.../x.IFNAME.y=1',
    'net.ipv4.conf.IFNAME.x=1\n2',
    '',
  ];
  for (const text of bad) {
    assert.throws(() => bridgeDriver.planEndpoint(network, { ...endpoint, options: { [ENDPOINT_SYSCTLS]: text } }), {
      kind: 'InvalidParameter',
      message: `unrecognised network interface sysctl '${text}'; represent 'net.X.Y.ethN.Z=V' as 'net.X.Y.IFNAME.Z=V', 'X' must be 'ipv4', 'ipv6' or 'mpls'`,
    });
  }
});

void test('bridge: options are refused in Docker’s words, unknown ones ignored', () => {
  const parse = (name: string, value: string, why: string): string =>
    `failed to parse ${name} value: ${value} (${why})`;
  const refused: [string, string, string][] = [
    [
      option.ENABLE_ICC,
      'maybe',
      parse(option.ENABLE_ICC, 'maybe', 'strconv.ParseBool: parsing "maybe": invalid syntax'),
    ],
    [
      option.ENABLE_MASQUERADE,
      '',
      parse(option.ENABLE_MASQUERADE, '', 'strconv.ParseBool: parsing "": invalid syntax'),
    ],
    [option.INHIBIT_IPV4, 'yes', parse(option.INHIBIT_IPV4, 'yes', 'strconv.ParseBool: parsing "yes": invalid syntax')],
    [option.DRIVER_MTU, 'big', parse(option.DRIVER_MTU, 'big', 'strconv.Atoi: parsing "big": invalid syntax')],
    [option.DRIVER_MTU, '-5', 'invalid MTU number: -5'],
    [option.DRIVER_MTU, '70000', 'invalid MTU number: 70000'],
    [option.GATEWAY_MODE_4, 'foo', parse(option.GATEWAY_MODE_4, 'foo', 'unknown gateway mode foo')],
    [option.GATEWAY_MODE_6, '', parse(option.GATEWAY_MODE_6, '', 'unknown gateway mode ')],
    [option.HOST_BINDING, 'here', parse(option.HOST_BINDING, 'here', 'nil ip')],
    [option.HOST_IPV4, '::1', parse(option.HOST_IPV4, '::1', 'it must be an IPv4 address')],
    [option.HOST_IPV6, 'x', parse(option.HOST_IPV6, 'x', 'nil ip')],
    [option.ADVERTISE_COUNT, 'x', `value for option ${option.ADVERTISE_COUNT} "x" must be an integer`],
    [option.ADVERTISE_COUNT, '4', `${option.ADVERTISE_COUNT} must be in the range 0 to 3`],
    [option.ADVERTISE_INTERVAL, 'x', `value for option ${option.ADVERTISE_INTERVAL} "x" must be integer milliseconds`],
    [option.ADVERTISE_INTERVAL, '99', `${option.ADVERTISE_INTERVAL} must be in the range 100 to 2000`],
    [option.BRIDGE_NAME, 'a/b', parse(option.BRIDGE_NAME, 'a/b', 'no name of an interface')],
    [option.BRIDGE_NAME, 'br%d', parse(option.BRIDGE_NAME, 'br%d', 'no name of an interface')],
    [option.BRIDGE_NAME, 'default', parse(option.BRIDGE_NAME, 'default', 'no name of an interface')],
    [
      option.CONTAINER_PREFIX,
      'thirteen-long',
      parse(option.CONTAINER_PREFIX, 'thirteen-long', 'no beginning of a name'),
    ],
    [option.TRUSTED_INTERFACES, 'a:b c', parse(option.TRUSTED_INTERFACES, 'a:b c', 'no name of an interface: b c')],
  ];
  for (const [name, value, message] of refused) {
    assert.throws(() => bridgeDriver.checkOptions({ [name]: value }), { kind: 'InvalidParameter', message });
  }
  bridgeDriver.checkOptions({
    unknown: 'x',
    [option.ENABLE_ICC]: 'T',
    [option.DRIVER_MTU]: '0',
    [option.BRIDGE_NAME]: '',
    [option.HOST_BINDING]: '::1',
    [option.TRUSTED_INTERFACES]: 'a::b:',
  });
});

void test('bridge: what was checked has a meaning, and defaults are Docker’s', () => {
  assert.deepEqual(option.bridgeOptions({}), {
    name: '',
    interContainer: true,
    masquerade: true,
    mtu: 1500,
    gatewayMode4: 'nat',
    gatewayMode6: 'nat',
    hostBinding: '',
    inhibitIpv4: false,
    trustedInterfaces: [],
    containerPrefix: 'eth',
    hostIpv4: '',
    hostIpv6: '',
    announce: { count: 3, interval: 1000 },
  });
  const names = Object.values(option).filter((value) => typeof value === 'string' && value.startsWith('com.'));
  const values = fc.constantFrom(
    'true',
    '0',
    '1300',
    'nat-unprotected',
    '192.0.2.9',
    '::1',
    'br0',
    '2',
    '250',
    'x y',
    '',
  );
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...(names as string[])), values), (options) => {
      try {
        bridgeDriver.checkOptions(options);
      } catch {
        return;
      }
      const plan = bridgeDriver.planNetwork(withOptions(options));
      assert.ok(Number.isInteger(plan.bridge?.mtu));
      assert.ok(Number.isInteger(option.bridgeOptions(options).announce.count));
    }),
  );
});

void test('names and MACs of endpoints', () => {
  assert.equal(macOf(Uint8Array.of(172, 17, 0, 2)), '02:42:ac:11:00:02');
  assert.ok(isHostLinkName(hostLinkName('0123456789')));
  for (const name of ['veth01234567', 'vethabc', 'veth012345g', 'eth0']) assert.ok(!isHostLinkName(name), name);
});

void test('host and none plan nothing', () => {
  for (const driver of [hostDriver, noneDriver]) {
    driver.checkOptions({ any: 'thing' });
    assert.deepEqual(driver.planNetwork(network), { bridge: undefined, sysctls: [], rules: [] });
    assert.equal(driver.planEndpoint(network, endpoint), undefined);
  }
  assert.deepEqual([hostDriver.ownNamespace, noneDriver.ownNamespace], [false, true]);
});

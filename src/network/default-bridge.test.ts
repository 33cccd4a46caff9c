import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HOST_BINDING } from '../drivers/bridge/options.ts';
import { silent } from '../log.ts';
import type { Survey } from './kernel.ts';
import { predefinedNetworks } from './predefined.ts';
import type { NetworkRecord } from './records.ts';
import type { NetworkSettings } from './settings.ts';
import { defaults } from './testing-world.ts';

const nothing: Survey = { links: [], addresses: [], routes: [] };
let warnings: string[] = [];

function all(
  flags: Partial<NetworkSettings>,
  survey = nothing,
  stored: readonly NetworkRecord[] = [],
): NetworkRecord[] {
  warnings = [];
  let counter = 0;
  return predefinedNetworks({
    settings: { ...defaults, ...flags },
    owner: 'berth:bridge',
    survey,
    stored,
    randomHex: (bytes) =>
      (++counter)
        .toString(16)
        .repeat(bytes * 2)
        .slice(0, bytes * 2),
    now: '2026-01-01T00:00:00Z',
    log: { ...silent, warn: (message) => void warnings.push(message) },
  });
}
function bridge(...given: Parameters<typeof all>): NetworkRecord {
  const found = all(...given).find(({ name }) => name === 'bridge');
  assert.ok(found);
  return found;
}
const subnets = (...given: Parameters<typeof all>): unknown[] =>
  bridge(...given).subnets.map(({ subnet, range, gateway, routeVia, auxiliary }) =>
    [subnet, range, gateway, routeVia, ...Object.entries(auxiliary).flat()].join(' '),
  );
const link = (name: string, kind: string, alias = ''): Survey['links'][number] => ({
  name,
  kind,
  alias,
  master: '',
  up: true,
});

void test('without flags', () => {
  const [first, host, none] = all({});
  assert.deepEqual([first?.name, host?.driver, none?.driver], ['bridge', 'host', 'null']);
  assert.deepEqual([first?.bridge, first?.mac, first?.foreignBridge], ['docker0', '02:42:44:44:44:44', false]);
  assert.deepEqual(subnets({}), ['172.17.0.0/16  172.17.0.1 172.17.0.1']);
  assert.equal(bridge({ ip: '127.0.0.1' }).options[HOST_BINDING], '127.0.0.1');
  assert.deepEqual(
    all({ bridge: 'none' }).map(({ name }) => name),
    ['host', 'none'],
  );
});

void test('each flag about addresses', () => {
  const cases: [Partial<NetworkSettings>, ...string[]][] = [
    [{ bip: '10.1.2.3/20' }, '10.1.0.0/20  10.1.2.3 10.1.2.3'],
    [{ bip: '10.1.0.1/16', fixedCidr: '10.1.8.0/24' }, '10.1.0.0/16 10.1.8.0/24 10.1.0.1 10.1.0.1'],
    [{ fixedCidr: '172.19.7.0/24' }, '172.19.0.0/16 172.19.7.0/24 172.19.0.1 172.19.0.1'],
    [{ fixedCidr: '10.8.0.0/24' }, '10.8.0.0/24 10.8.0.0/24 10.8.0.1 10.8.0.1'],
    [{ bip: '10.1.0.1/30', fixedCidr: '10.1.0.0/24' }, '10.1.0.0/30 10.1.0.0/30 10.1.0.1 10.1.0.1'],
    [{ defaultGateway: '172.17.9.9' }, '172.17.0.0/16  172.17.0.1 172.17.9.9 DefaultGatewayIPv4 172.17.9.9'],
    [{ defaultAddressPools: [{ base: '10.5.0.0/16', size: 24 }] }, '10.5.0.0/24  10.5.0.1 10.5.0.1'],
    // The unique local prefix is made from the ID of the network 'host'.
    [
      { ipv6: true },
      '172.17.0.0/16  172.17.0.1 172.17.0.1',
      'fd11:1111:1111::/64  fd11:1111:1111::1 fd11:1111:1111::1',
    ],
    [
      { ipv6: true, bip6: 'fd00::5/64', defaultGateway6: 'fd00::9' },
      '172.17.0.0/16  172.17.0.1 172.17.0.1',
      'fd00::/64  fd00::5 fd00::9 DefaultGatewayIPv6 fd00::9',
    ],
    [
      { ipv6: true, fixedCidr6: '2001:db8::/80' },
      '172.17.0.0/16  172.17.0.1 172.17.0.1',
      '2001:db8::/80 2001:db8::/80 2001:db8::1 2001:db8::1',
    ],
  ];
  for (const [flags, ...expected] of cases) assert.deepEqual(subnets(flags), expected, JSON.stringify(flags));
  assert.throws(
    () => bridge({ defaultGateway: '10.0.0.1' }),
    /default gateway 10.0.0.1 is not in the network 172.17.0.0\/16/,
  );
});

void test('what the host has is left alone', () => {
  const survey: Survey = {
    links: [link('docker0', 'bridge'), link('eth0', '')],
    addresses: [{ link: 'docker0', address: '172.17.0.1/16' }],
    routes: [{ link: 'eth0', destination: '172.18.0.0/24' }],
  };
  assert.equal(bridge({}, survey).bridge, 'docker1');
  assert.deepEqual(warnings, [
    'docker0 belongs to someone else: the default bridge is docker1',
    '172.17.0.0/16 is in use by docker0 of this host: docker1 takes 172.19.0.0/16',
  ]);
  assert.throws(() => bridge({ bip: '172.18.0.1/16' }, survey), {
    kind: 'Conflict',
    message: '--bip 172.18.0.1/16 overlaps 172.18.0.0/24 of eth0 of this host',
  });
  assert.throws(() => bridge({ defaultAddressPools: [{ base: '172.17.0.0/16', size: 24 }] }, survey), {
    kind: 'Unavailable',
    message: /among the defaults to assign to the network: 172.17.0.0\/16 by docker0 of this host$/,
  });
  // Our own, of a run that the store does not know.
  const ours = { ...survey, links: [link('docker0', 'bridge', 'berth:bridge')], routes: [] };
  assert.deepEqual(
    [bridge({}, ours).bridge, ...subnets({}, ours)],
    ['docker0', '172.17.0.0/16  172.17.0.1 172.17.0.1'],
  );
});

void test('a restart keeps the ID, the bridge, its MAC and its subnets, where the flags and other networks allow it', () => {
  const before = bridge({ bip: '10.1.0.9/24', ipv6: true });
  const { id, mac } = before;
  const kept = bridge({ ipv6: true }, nothing, [before]);
  assert.deepEqual([kept.id, kept.mac, kept.subnets], [id, mac, before.subnets]);
  assert.deepEqual(subnets({ fixedCidr: '10.9.0.0/24' }, nothing, [before]), [
    '10.9.0.0/24 10.9.0.0/24 10.9.0.1 10.9.0.1',
  ]);
  const front = { ...before, id: 'f', name: 'front', bridge: 'br-f' };
  assert.deepEqual(subnets({}, nothing, [before, front]), ['172.17.0.0/16  172.17.0.1 172.17.0.1']);
  assert.throws(() => bridge({ bip: '10.1.0.1/16' }, nothing, [front]), /overlaps 10.1.0.0\/24 of network front/);
  const lost: Survey = {
    ...nothing,
    links: [link('br-f', 'bridge', 'berth:f')],
    addresses: [{ link: 'br-f', address: '172.17.0.1/16' }],
  };
  // A bridge with our mark that no record knows is removed at the start.
  assert.deepEqual(subnets({}, lost), ['172.17.0.0/16  172.17.0.1 172.17.0.1']);
});

void test('a bridge of the administrator’s', () => {
  const survey: Survey = {
    links: [link('br0', 'bridge'), link('eth0', '')],
    addresses: [
      { link: 'br0', address: '10.0.0.1/24' },
      { link: 'br0', address: '10.2.0.7/16' },
      { link: 'br0', address: 'fe80::1/64' },
      { link: 'br0', address: 'fd00::7/64' },
    ],
    routes: [],
  };
  const given = bridge({ bridge: 'br0', ipv6: true }, survey);
  assert.deepEqual([given.foreignBridge, given.bridge], [true, 'br0']);
  assert.deepEqual(subnets({ bridge: 'br0', ipv6: true }, survey), [
    '10.0.0.0/24  10.0.0.1 10.0.0.1',
    'fd00::/64  fd00::7 fd00::7',
  ]);
  assert.deepEqual(subnets({ bridge: 'br0', fixedCidr: '10.2.3.0/24' }, survey), [
    '10.2.0.0/16 10.2.3.0/24 10.2.0.7 10.2.0.7',
  ]);
  assert.deepEqual(subnets({ bridge: 'br0', fixedCidr: '10.3.0.0/24' }, survey), ['10.0.0.0/24  10.0.0.1 10.0.0.1']);
  assert.match(warnings[0] ?? '', /^--fixed-cidr=10.3.0.0\/24 is outside any subnet implied by addresses/);
  assert.throws(
    () => bridge({ bridge: 'br0', ipv6: true, fixedCidr6: '2001:db8::/64' }, survey),
    /^BerthError: --fixed-cidr-v6=/,
  );
  // Without an address it gets one.
  assert.deepEqual(subnets({ bridge: 'br0' }, { ...survey, addresses: [] }), ['172.17.0.0/16  172.17.0.1 172.17.0.1']);
  assert.throws(
    () => bridge({ bridge: 'br1' }, survey),
    /^BerthError: bridge device with non default name br1 must be created manually$/,
  );
  assert.throws(() => bridge({ bridge: 'eth0' }, survey), /^BerthError: existing interface eth0 is not a bridge$/);
});

/** Records in the store: what is written is read again, and what is not understood throws BadRecord, whatever it is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatAddress } from '../ipam/address.ts';
import type { ClusterEndpoint } from '../network/cluster.ts';
import { BadRecord, isHostAddress, MAC, familyOf } from './decode.ts';
import { decodeEndpoint, decodeHolder, encodeEndpoint } from './endpoint-record.ts';
import { decodeHost, encodeHost } from './host-record.ts';
import { bare } from './keys.ts';
import { clashOf, decodeNetwork, encodeNetwork } from './network-record.ts';
import { endpoint, hex, network } from './testing-hosts.ts';

const hexId = fc.bigInt({ min: 0n, max: (1n << 256n) - 1n }).map((id) => id.toString(16).padStart(64, '0'));
const byte = fc.nat(255);
const ip4 = fc.nat(0xffff_ffff).map((value) => formatAddress({ family: 4, value: BigInt(value) }));
const ip6 = fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }).map((value) => formatAddress({ family: 6, value }));
const name = fc.stringMatching(/^[\p{L}\d][\p{L}\d_.-]{0,20}$/u);
const mac = fc
  .tuple(
    fc.nat(127).map((half) => 2 * half),
    ...Array.from({ length: 4 }, () => byte),
    fc.integer({ min: 1, max: 255 }),
  )
  .map((all) => all.map((one) => hex(one, 2)).join(':'));
const hostIdentity = fc.record({
  id: fc.constant(hex(7, 32)),
  name,
  address: fc.oneof(ip4, ip6).filter(isHostAddress),
});
const addresses = fc
  .tuple(fc.option(ip4), fc.option(ip6), fc.boolean())
  .map(([four, six, turned]) => {
    const all = [...(four === null ? [] : [`${four}/24`]), ...(six === null ? [] : [`${six}/64`])];
    return turned ? all.toReversed() : all;
  })
  .filter((all) => all.length > 0);
const anyEndpoint: fc.Arbitrary<ClusterEndpoint> = fc
  .record({
    id: hexId,
    networkId: hexId,
    addresses,
    mac,
    containerId: hexId,
    containerName: name,
    more: fc.array(name),
  })
  .map(({ more, ...rest }) => ({ ...rest, names: [rest.containerName, ...more] }));

const same = (host: { name: string; address: string }) => ({ name: host.name, address: host.address });

void test('an endpoint comes back as it was put', () => {
  fc.assert(
    fc.property(anyEndpoint, hostIdentity, (one, host) => {
      const [first, ...others] = encodeEndpoint(one, host);
      assert.ok(first);
      const found = decodeEndpoint(one.networkId, bare(one.addresses[0] ?? ''), first, same);
      assert.deepEqual(found, { endpoint: { ...one, host: same(host) }, hostId: host.id });
      assert.equal(others.length, one.addresses.length - 1);
      for (const value of [first, ...others]) {
        assert.deepEqual(decodeHolder(value), { endpointId: one.id, hostId: host.id });
      }
      for (const value of others) {
        assert.equal(decodeEndpoint(one.networkId, bare(one.addresses[1] ?? ''), value, same), undefined);
      }
    }),
  );
});

void test('so does a network; unknown fields are left out', () => {
  const record = network(1, {
    labels: { a: 'ü', ['__proto__']: 'x' },
    ipam: { driver: 'default', options: { o: 'p' } },
    subnets: [
      {
        subnet: 'fd00::/64',
        range: 'fd00::100/120',
        gateway: 'fd00::1',
        routeVia: '',
        auxiliary: { x: 'fd00::9' },
        configured: true,
      },
    ],
  });
  assert.deepEqual(decodeNetwork(record.id, encodeNetwork(record)), record);
  const more = Buffer.from(JSON.stringify({ ...record, later: 1 }));
  assert.deepEqual(decodeNetwork(record.id, more), record);
});

/** Anything that JSON can say in the place of each field of a good record. */
function mangled(record: object): fc.Arbitrary<Buffer> {
  const keys = Object.keys(record);
  return fc.oneof(
    fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    fc.json().map((text) => Buffer.from(text)),
    fc
      .tuple(fc.constantFrom(...keys), fc.oneof(fc.jsonValue(), fc.constant(undefined)))
      .map(([key, value]) => Buffer.from(JSON.stringify({ ...record, [key]: value }))),
  );
}

void test('whatever is there, nothing but BadRecord is thrown', () => {
  const host = { id: hex(7, 32), name: 'h', address: '192.0.2.1', vxlanPort: 4789, version: '1' };
  const [placed = Buffer.alloc(0)] = encodeEndpoint(endpoint(1, 1, 2), host);
  const readers: [object, (bytes: Buffer) => unknown][] = [
    [network(1), (bytes) => decodeNetwork(hex(1), bytes)],
    [network(1).subnets[0] ?? {}, (bytes) => decodeNetwork(hex(1), withSubnet(bytes))],
    [JSON.parse(placed.toString()) as object, (bytes) => decodeEndpoint(hex(1), '10.0.1.2', bytes, same)],
    [JSON.parse(placed.toString()) as object, decodeHolder],
    [host, decodeHost],
  ];
  for (const [good, read] of readers) {
    fc.assert(
      fc.property(mangled(good), (bytes) => {
        try {
          read(bytes);
        } catch (error) {
          assert.ok(error instanceof BadRecord, String(error));
        }
      }),
    );
  }
  assert.deepEqual(decodeHost(encodeHost(host)), host);
});

const withSubnet = (bytes: Buffer): Buffer => {
  const text = JSON.stringify({ ...network(1), subnets: ['@'] });
  return Buffer.from(text.replace('"@"', () => bytes.toString()));
};

void test('what a network of several hosts must not be', () => {
  for (const more of [
    { driver: 'bridge' },
    { bridge: 'docker0' },
    { foreignBridge: true },
    { configOnly: true },
    { vni: 0 },
    { vni: 1 << 24 },
    { vni: undefined },
    { mac: '' },
    { name: 'a\nb' },
    { name: '' },
    { subnets: Array.from({ length: 65 }, () => network(1).subnets[0]) },
    ...[
      { subnet: '10.0.1.5/24' },
      { gateway: '10.0.2.1' },
      { gateway: 'fd00::1' },
      { routeVia: '10.0.0.1' },
      { auxiliary: { router: '192.0.2.1' } },
      { range: '10.0.0.0/16' },
      { range: '10.0.2.0/25' },
      { range: 'fd00::/64' },
    ].map((wrong) => ({ subnets: [{ ...network(1).subnets[0], ...wrong }] })),
  ]) {
    const bytes = Buffer.from(JSON.stringify({ ...network(1), ...more }));
    assert.throws(() => decodeNetwork(hex(1), bytes), BadRecord, JSON.stringify(more).slice(0, 80));
  }
  assert.throws(() => decodeNetwork(hex(2), encodeNetwork(network(1))), BadRecord);
});

void test('a MAC is that of one interface', () => {
  for (const text of ['00:00:00:00:00:01', '02:42:0a:00:00:02', 'fe:ff:ff:ff:ff:ff']) assert.match(text, MAC);
  for (const text of ['00:00:00:00:00:00', 'ff:ff:ff:ff:ff:ff', '01:00:5e:00:00:01', '33:33:00:00:00:01', '02:42']) {
    assert.doesNotMatch(text, MAC);
    const bytes = Buffer.from(JSON.stringify({ ...network(1), mac: text }));
    assert.throws(() => decodeNetwork(hex(1), bytes), BadRecord, text);
    const [whole = bytes] = encodeEndpoint(endpoint(1, 1, 2, { mac: text }), {
      id: hex(7, 32),
      name: 'h',
      address: '::1',
    });
    assert.throws(() => decodeEndpoint(hex(1), '10.0.1.2', whole, same), BadRecord, text);
  }
});

void test('addresses have one way to be written', () => {
  for (const text of ['10.0.0.1', '0.0.0.0', '255.255.255.255']) assert.equal(familyOf(text), 4);
  for (const text of ['fd00::1', '::', '2001:db8::1:0:0:1']) assert.equal(familyOf(text), 6);
  for (const text of [
    '010.0.0.1',
    '10.0.0.256',
    '10.0.0',
    '10.0.0.1 ',
    'FD00::1',
    'fd00:0::1',
    '::ffff:1.2.3.4x',
    '',
  ]) {
    assert.equal(familyOf(text), undefined, text);
  }
  const at = (address: string) => ({
    ...endpoint(1, 1, 2),
    addresses: [address],
    host: { id: hex(7, 32), name: 'h', address: '::1' },
  });
  for (const [address, key] of [
    ['10.0.1.2/33', '10.0.1.2'],
    ['fd00::1/129', 'fd00::1'],
    ['10.0.1.2/24', '10.0.1.3'],
  ] as const) {
    assert.throws(
      () => decodeEndpoint(hex(1), key, Buffer.from(JSON.stringify(at(address))), same),
      BadRecord,
      address,
    );
  }
});

void test('why two networks cannot be in one cluster', () => {
  assert.equal(clashOf(network(1), network(2)), undefined);
  assert.match(clashOf(network(1), network(2, { name: 'net1' })) ?? '', /its name/);
  assert.match(clashOf(network(1), network(2, { vni: 4097 })) ?? '', /VXLAN identifier/);
  assert.match(clashOf(network(1), network(2, { subnets: network(1).subnets })) ?? '', /addresses/);
});

void test('addresses that no other host can have are none of a host', () => {
  const host = { id: hex(7, 32), name: 'h', vxlanPort: 4789, version: '1' };
  for (const address of ['192.0.2.1', '10.0.0.1', '2001:db8::1', 'fe80::1']) {
    assert.equal(decodeHost(encodeHost({ ...host, address })).address, address);
  }
  for (const address of ['0.0.0.0', '127.0.0.1', '224.0.0.1', '255.255.255.255', '::', '::1', 'ff02::1']) {
    assert.throws(() => decodeHost(encodeHost({ ...host, address })), BadRecord, address);
  }
});

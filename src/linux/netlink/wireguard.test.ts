import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeFamily, decodeGeneric, encodeGenericHeader, findFamily, getFamily, NETLINK_GENERIC } from './generic.ts';
import { decodeAttributeList, decodeAttributes, encodeAttributes, NetlinkFormatError, u16 } from './message.ts';
import { openNetlink } from './socket.ts';
import type { Request } from './socket.ts';
import { createWireguard, decodeDevice, encodeDevice, getDevice, setDevice } from './wireguard.ts';
import type { WireguardDevice, WireguardPeer } from './wireguard.ts';

const FAMILY = 0x1d;
const sized = (length: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((data) => Buffer.from(data));
const ip = fc.oneof(sized(4), sized(16));
const port = fc.integer({ min: 0, max: 0xffff });
const plain = { noNullPrototype: true } as const;
const peer = fc.record<WireguardPeer>(
  {
    publicKey: sized(32),
    endpoint: fc.option(fc.record({ address: ip, port }, plain), { nil: undefined }),
    keepalive: port,
    allowed: fc.array(fc.record({ address: ip, length: fc.integer({ min: 0, max: 128 }) }, plain), { maxLength: 4 }),
  },
  plain,
);
const peers = (maxLength: number): fc.Arbitrary<WireguardPeer[]> =>
  fc.uniqueArray(peer, { maxLength, selector: ({ publicKey }) => publicKey.toString('hex') });
const device = fc.record<WireguardDevice>(
  {
    name: fc.stringMatching(/^[a-z0-9-]{1,15}$/),
    publicKey: fc.option(sized(32), { nil: undefined }),
    port,
    peers: peers(4),
  },
  plain,
);

/** What is behind the netlink header. */
const bytesOf = ({ header, attributes = [] }: Request): string =>
  Buffer.concat([header, encodeAttributes(attributes)]).toString('hex');

void test('golden bytes: a device is a link without data of its own', () => {
  const request = createWireguard('wg-berth', 1440);
  assert.deepEqual([request.type, request.flags], [16, 0x600]);
  assert.equal(
    bytesOf(request),
    '00'.repeat(16) +
      '0d000300' +
      '77672d626572746800000000' +
      '08000400' +
      'a0050000' +
      '14001200' +
      '0d000100' +
      '776972656775617264000000',
  );
});

void test('a family is asked for by name', () => {
  // 'wireguard' with its zero has 10 bytes and 2 of padding.
  assert.equal(bytesOf(getFamily('wireguard')), '03020000' + '0e000200' + '776972656775617264000000');
  assert.equal(getFamily('wireguard').type, 0x10);
  const answer = Buffer.concat([encodeGenericHeader({ command: 1, version: 2 }), encodeAttributes([u16(1, FAMILY)])]);
  assert.equal(decodeFamily(answer), FAMILY);
});

void test('the kernel knows a family, and says so of one that it has not', () => {
  const socket = openNetlink(NETLINK_GENERIC);
  try {
    assert.equal(findFamily(socket, 'nlctrl'), 0x10);
    assert.equal(findFamily(socket, 'berth-has-none'), undefined);
  } finally {
    socket.close();
  }
});

void test('golden bytes: a device is looked at, and set with its key, port and two peers', () => {
  assert.equal(bytesOf(getDevice(FAMILY, 'wg-berth')), '00010000' + '0d000200' + '77672d626572746800000000');
  const [request, ...more] = setDevice(FAMILY, 'wg-berth', {
    device: { privateKey: Buffer.alloc(32, 0x11), port: 51820 },
    peers: [
      {
        publicKey: Buffer.alloc(32, 0x22),
        endpoint: { address: Buffer.from([203, 0, 113, 2]), port: 51820 },
        keepalive: 0,
        allowed: [{ address: Buffer.from('fe80000000000000' + '22'.repeat(8), 'hex'), length: 128 }],
      },
    ],
    gone: [Buffer.alloc(32, 0x33)],
  });
  assert.ok(request);
  assert.deepEqual([more.length, request.type, request.flags], [0, FAMILY, undefined]);
  assert.equal(
    bytesOf(request),
    [
      '01010000',
      '0d000200' + '77672d626572746800000000',
      '24000300' + '11'.repeat(32),
      '06000600' + '6cca0000',
      // Two peers: nested, as every list and every element of one.
      'ac000880',
      '30000080',
      '24000100' + '33'.repeat(32),
      '08000300' + '01000000',
      '78000080',
      '24000100' + '22'.repeat(32),
      '08000300' + '02000000',
      '14000400' + '0200ca6c' + 'cb007102' + '0000000000000000',
      '06000500' + '00000000',
      '2c000980',
      '28000080',
      '06000100' + '0a000000',
      '14000200' + 'fe80000000000000' + '22'.repeat(8),
      '05000300' + '80000000',
    ].join(''),
  );
});

void test('an endpoint by IPv6', () => {
  const [request] = setDevice(FAMILY, 'wg', {
    device: {},
    peers: [
      {
        publicKey: Buffer.alloc(32, 1),
        endpoint: { address: Buffer.from('20010db8011300000000000000000002', 'hex'), port: 1 },
        keepalive: 25,
        allowed: [],
      },
    ],
    gone: [],
  });
  assert.ok(request);
  const hex = bytesOf(request);
  assert.ok(hex.includes('20000400' + '0a000001' + '00000000' + '20010db8011300000000000000000002' + '00000000'), hex);
  assert.ok(hex.includes('06000500' + '19000000'), hex);
});

void test('what there is nothing to say of is no message', () => {
  assert.deepEqual(setDevice(FAMILY, 'wg', { device: {}, peers: [], gone: [] }), []);
  assert.equal(setDevice(FAMILY, 'wg', { device: { port: 1 }, peers: [], gone: [] }).length, 1);
});

void test('a device survives encoding, in one piece and in several', () => {
  fc.assert(
    fc.property(device, fc.nat({ max: 4 }), (info, at) => {
      assert.deepEqual(decodeDevice([encodeDevice(info)]), info);
      const first = encodeDevice({ ...info, peers: info.peers.slice(0, at) });
      const rest = encodeDevice({ ...info, publicKey: undefined, peers: info.peers.slice(at) });
      assert.deepEqual(decodeDevice([first, rest]), info);
    }),
  );
});

void test('a peer that goes on in the next piece is one', () => {
  const whole: WireguardPeer = {
    publicKey: Buffer.alloc(32, 7),
    endpoint: { address: Buffer.alloc(4, 9), port: 9 },
    keepalive: 3,
    allowed: [
      { address: Buffer.alloc(4, 1), length: 32 },
      { address: Buffer.alloc(16, 2), length: 128 },
    ],
  };
  const info: WireguardDevice = { name: 'wg', publicKey: Buffer.alloc(32, 5), port: 9, peers: [whole] };
  const piece = (allowed: WireguardPeer['allowed'], endpoint: WireguardPeer['endpoint']): Buffer =>
    encodeDevice({ ...info, peers: [{ ...whole, allowed, endpoint }] });
  const [one, two] = [whole.allowed.slice(0, 1), whole.allowed.slice(1)];
  assert.deepEqual(decodeDevice([piece(one, whole.endpoint), piece(two, undefined)]), info);
});

void test('many peers are several messages, none lost, the device’s own in the first', () => {
  const many = Array.from({ length: 1000 }, (_, at): WireguardPeer => {
    const publicKey = Buffer.alloc(32);
    publicKey.writeUInt32LE(at);
    return {
      publicKey,
      endpoint: { address: Buffer.alloc(16, 1), port: 51820 },
      keepalive: 0,
      allowed: [{ address: Buffer.alloc(16, 2), length: 128 }],
    };
  });
  const gone = [Buffer.alloc(32, 0xff)];
  const requests = setDevice(FAMILY, 'wg', { device: { port: 7 }, peers: many, gone });
  assert.ok(requests.length > 3, `${requests.length} messages`);
  const read = requests.map(({ header, attributes = [] }) => {
    const data = encodeAttributes(attributes);
    assert.ok(data.length < 33_000, `${data.length} bytes`);
    return decodeGeneric(Buffer.concat([header, data])).attributes;
  });
  assert.deepEqual(
    read.map((attributes) => attributes.has(6)),
    read.map((_, at) => at === 0),
  );
  const keys = read.flatMap((attributes) =>
    decodeAttributeList(attributes.get(8) ?? Buffer.alloc(0)).map(({ value }) =>
      decodeAttributes(value).get(1)?.toString('hex'),
    ),
  );
  assert.deepEqual(
    keys,
    [...gone, ...many.map(({ publicKey }) => publicKey)].map((key) => key.toString('hex')),
  );
});

void test('arbitrary bytes throw nothing but the decoders’ own error', () => {
  const attribute = fc.record(
    { type: fc.nat({ max: 10 }), value: fc.uint8Array({ maxLength: 60 }).map((data) => Buffer.from(data)) },
    plain,
  );
  const inside = fc.array(attribute, { maxLength: 4 });
  const nested = inside.map((list) =>
    Buffer.concat([Buffer.alloc(4), encodeAttributes([{ type: 8, value: [{ type: 0, value: list }] }])]),
  );
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }).map((data) => Buffer.from(data)),
    inside.map((list) => Buffer.concat([Buffer.alloc(4), encodeAttributes(list)])),
    nested,
  );
  fc.assert(
    fc.property(fc.array(bytes, { maxLength: 3 }), (data) => {
      for (const decode of [() => decodeDevice(data), () => data.map(decodeFamily)]) {
        try {
          decode();
        } catch (error) {
          assert.ok(error instanceof NetlinkFormatError, String(error));
        }
      }
    }),
    { numRuns: 1000 },
  );
});

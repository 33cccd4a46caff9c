import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeAddress, encodeAddress } from './address.ts';
import { decodeAcknowledgement } from './error.ts';
import { createVeth, decodeLink, encodeLink } from './link.ts';
import {
  decodeAttributeList,
  decodeAttributes,
  decodeMessages,
  encodeAttributes,
  encodeMessage,
  NetlinkFormatError,
} from './message.ts';
import type { Message } from './message.ts';
import { decodeRoute, encodeRoute } from './route.ts';

const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const plain = { noNullPrototype: true } as const;
const bytes = fc.uint8Array({ maxLength: 200 }).map((data) => Buffer.from(data));
const sized = (length: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((data) => Buffer.from(data));
const ip = fc.oneof(sized(4), sized(16));
const name = fc.stringMatching(/^[a-z0-9.-]{1,15}$/);

void test('messages survive encoding, several in one datagram', () => {
  const message = fc.record<Message>({ type: u16, flags: u16, sequence: u32, port: u32, payload: bytes }, plain);
  fc.assert(
    fc.property(fc.array(message, { maxLength: 5 }), (messages) => {
      assert.deepEqual(decodeMessages(Buffer.concat(messages.map(encodeMessage))), messages);
    }),
  );
});

void test('attributes survive encoding, nested ones too', () => {
  const attribute = fc.record({ type: fc.integer({ min: 0, max: 0x3fff }), value: bytes }, plain);
  fc.assert(
    fc.property(fc.array(attribute, { maxLength: 6 }), fc.boolean(), (attributes, nestedFlag) => {
      assert.deepEqual(decodeAttributeList(encodeAttributes(attributes)), attributes);
      const outer = decodeAttributes(encodeAttributes([{ type: 5, value: attributes, nestedFlag }]));
      assert.deepEqual(decodeAttributeList(outer.get(5) ?? Buffer.alloc(0)), attributes);
    }),
  );
});

void test('links, addresses and routes survive encoding', () => {
  const link = fc.record(
    {
      index: fc.integer({ min: 1, max: 0x7fff_ffff }),
      name,
      up: fc.boolean(),
      mtu: u32,
      kind: fc.constantFrom('', 'bridge', 'veth'),
      mac: fc.oneof(
        fc.constant(''),
        sized(6).map((data) => data.toString('hex').replace(/(..)(?!$)/g, '$1:')),
      ),
      master: fc.nat(),
      peer: fc.nat(),
      alias: fc.constantFrom('', 'berth:0123'),
    },
    plain,
  );
  fc.assert(fc.property(link, (info) => assert.deepEqual(decodeLink(encodeLink(info)), info)));
  const address = fc.record({ bytes: ip, prefixLength: fc.integer({ min: 0, max: 32 }), link: u32 }, plain);
  fc.assert(fc.property(address, (info) => assert.deepEqual(decodeAddress(encodeAddress(info)), info)));
  const route = fc.record(
    {
      family: fc.constantFrom(4 as const, 6 as const),
      destination: fc.option(ip, { nil: undefined }),
      prefixLength: fc.integer({ min: 0, max: 128 }),
      gateway: fc.option(ip, { nil: undefined }),
      link: fc.nat(),
      table: fc.integer({ min: 0, max: 255 }),
      priority: u32,
      source: fc.option(ip, { nil: undefined }),
      type: fc.integer({ min: 0, max: 255 }),
    },
    plain,
  );
  fc.assert(fc.property(route, (info) => assert.deepEqual(decodeRoute(encodeRoute(info)), info)));
});

void test('arbitrary bytes throw nothing but the decoders’ own error', () => {
  const decoders: ((data: Buffer) => unknown)[] = [
    decodeMessages,
    decodeAttributes,
    decodeAttributeList,
    decodeLink,
    decodeAddress,
    decodeRoute,
  ];
  const acknowledge =
    (flags: number) =>
    (payload: Buffer): unknown =>
      decodeAcknowledgement({ type: 2, flags, sequence: 1, port: 0, payload });
  fc.assert(
    fc.property(bytes, (data) => {
      for (const decode of [...decoders, acknowledge(0x300), acknowledge(0x200)]) {
        try {
          decode(data);
        } catch (error) {
          assert.ok(error instanceof NetlinkFormatError, String(error));
        }
      }
    }),
    { numRuns: 500 },
  );
});

void test('the kernel’s words come out of an extended acknowledgement', () => {
  const request = Buffer.alloc(16);
  request.writeUInt32LE(16, 0);
  const error = Buffer.alloc(4);
  error.writeInt32LE(-17);
  const payload = Buffer.concat([
    error,
    request,
    encodeAttributes([{ type: 1, value: Buffer.from('Device does not exist\0') }]),
  ]);
  const message: Message = { type: 2, flags: 0x300, sequence: 1, port: 0, payload };
  assert.deepEqual(decodeAcknowledgement(message), { errno: 17, kernelText: 'Device does not exist' });
  assert.deepEqual(decodeAcknowledgement({ ...message, flags: 0 }), { errno: 17, kernelText: '' });
});

void test('a veth pair is one message: the host end up and in its bridge, the peer inside and down', () => {
  const { header, attributes = [] } = createVeth({
    hostName: 'veth0123456',
    master: 7,
    mtu: 1400,
    peer: { name: 'eth0', mac: '02:42:ac:11:00:02', namespaceFd: 9 },
  });
  const host = decodeLink(Buffer.concat([header, encodeAttributes(attributes)]));
  assert.deepEqual(host, {
    index: 0,
    name: 'veth0123456',
    up: true,
    mtu: 1400,
    kind: 'veth',
    mac: '',
    master: 7,
    peer: 0,
    alias: '',
  });
  const info = decodeAttributes(decodeAttributes(encodeAttributes(attributes)).get(18) ?? Buffer.alloc(0));
  const inside = decodeAttributes(info.get(2) ?? Buffer.alloc(0)).get(1) ?? Buffer.alloc(0);
  const peer = decodeLink(inside);
  assert.deepEqual([peer.name, peer.up, peer.mac, peer.mtu], ['eth0', false, '02:42:ac:11:00:02', 1400]);
  assert.equal(decodeAttributes(inside.subarray(16)).get(28)?.readUInt32LE(0), 9);
});

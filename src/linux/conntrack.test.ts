import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeFlow } from './conntrack.ts';
import { encodeAttributes, NetlinkFormatError } from './netlink/message.ts';

const tuple = (type: number, source: number[], destination: number[], port: number, protocol = 17) => ({
  type,
  value: [
    {
      type: 1,
      value: [
        { type: 1, value: Buffer.from(source) },
        { type: 2, value: Buffer.from(destination) },
      ],
    },
    {
      type: 2,
      value: [
        { type: 1, value: Buffer.of(protocol) },
        { type: 3, value: Buffer.of(port >> 8, port & 255) },
      ],
    },
  ],
});
const flow = (protocol = 17): Buffer =>
  Buffer.concat([
    Buffer.of(2, 0, 0, 0),
    encodeAttributes([
      tuple(1, [198, 51, 100, 1], [198, 51, 100, 2], 8053, protocol),
      tuple(2, [172, 18, 0, 2], [198, 51, 100, 1], 40_000, protocol),
    ]),
  ]);

void test('a flow of UDP', () => {
  const { attributes, ...entry } = decodeFlow(flow(), 4) ?? assert.fail();
  assert.deepEqual(entry, {
    port: 8053,
    from: Buffer.of(198, 51, 100, 1),
    to: Buffer.of(198, 51, 100, 2),
    replyFrom: Buffer.of(172, 18, 0, 2),
    replyTo: Buffer.of(198, 51, 100, 1),
  });
  assert.ok(attributes.has(1));
  assert.equal(decodeFlow(flow(6), 4), undefined, 'TCP');
  assert.equal(decodeFlow(flow(), 6), undefined, 'another family');
});

void test('whatever comes, nothing but a format error is thrown', () => {
  const whole = flow();
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length), (at, byte, length) => {
      const bytes = Buffer.from(whole.subarray(0, length));
      if (at < length) bytes[at] = byte;
      try {
        decodeFlow(bytes, 4);
      } catch (error) {
        assert.ok(error instanceof NetlinkFormatError);
      }
    }),
  );
});

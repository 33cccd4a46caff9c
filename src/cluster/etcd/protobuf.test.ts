import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createSplitter } from './grpc.ts';
import {
  decodeMembers,
  decodeRange,
  decodeStatus,
  decodeTransaction,
  decodeTtl,
  headerOf,
  rangeOf,
} from './messages.ts';
import { FieldReader, MessageWriter, ProtobufError } from './protobuf.ts';
import { frame } from './testing-member.ts';
import { decodeWatchResponse } from './watch-messages.ts';

void describe('protobuf', () => {
  void test('golden bytes', () => {
    // protobuf.dev/programming-guides/encoding: Test1 { a: 150 }, Test2 { b: "testing" }, and -2 as an int64.
    assert.equal(new MessageWriter().number(1, 150).finish().toString('hex'), '089601');
    assert.equal(new MessageWriter().text(2, 'testing').finish().toString('hex'), '120774657374696e67');
    assert.equal(new MessageWriter().number(1, -2n).finish().toString('hex'), '08feffffffffffffffff01');
  });

  void test('what is written is read', () => {
    const field = fc.record({
      number: fc.integer({ min: 1, max: 2 ** 29 - 1 }),
      value: fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.uint8Array({ maxLength: 300 })),
    });
    fc.assert(
      fc.property(fc.array(field), (fields) => {
        const writer = new MessageWriter();
        for (const { number, value } of fields) {
          if (typeof value === 'bigint') writer.number(number, value);
          else writer.bytes(number, value);
        }
        const reader = new FieldReader(writer.finish());
        for (const { number, value } of fields) {
          assert.ok(reader.next());
          assert.equal(reader.number, number);
          if (typeof value === 'bigint') assert.equal(reader.signed(), value);
          else assert.deepEqual(reader.bytes(), Buffer.from(value));
        }
        assert.ok(!reader.next());
      }),
    );
  });

  void test('unsigned numbers have all their 64 bits', () => {
    const reader = new FieldReader(new MessageWriter().number(1, 2n ** 64n - 1n).finish());
    reader.next();
    assert.equal(reader.unsigned(), 2n ** 64n - 1n);
  });

  void test('fields of other kinds are skipped', () => {
    const reader = new FieldReader(Buffer.from('09aaaaaaaaaaaaaaaa15bbbbbbbb1801', 'hex'));
    const numbers: number[] = [];
    while (reader.next()) numbers.push(reader.number);
    assert.deepEqual(numbers, [1, 2, 3]);
    assert.throws(() => new FieldReader(Buffer.from('0b', 'hex')).next(), ProtobufError);
  });

  void test('arbitrary bytes are a message or none; nothing else happens', () => {
    const decoders = [
      decodeRange,
      decodeTransaction,
      decodeTtl,
      decodeMembers,
      decodeStatus,
      headerOf,
      decodeWatchResponse,
    ];
    // Bytes that are fields for the most part, so that they lead somewhere.
    const fields = fc.array(
      fc.tuple(fc.constantFrom(0x0a, 0x12, 0x1a, 0x08, 0x10, 0x5a), fc.nat(12), fc.uint8Array({ maxLength: 9 })),
    );
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fields.map((all) => Uint8Array.from(all.flatMap(([tag, length, rest]) => [tag, length, ...rest]))),
    );
    fc.assert(
      fc.property(fc.constantFrom(...decoders), bytes, (decode, message) => {
        try {
          decode(Buffer.from(message));
        } catch (error) {
          assert.ok(error instanceof ProtobufError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

void describe('gRPC frames', () => {
  void test('messages come out as they went in, however they are cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 20 })),
        fc.array(fc.integer({ min: 1, max: 9 })),
        (messages, cuts) => {
          const got: Buffer[] = [];
          const take = createSplitter((bytes) => got.push(bytes));
          let data = Buffer.concat(messages.map(frame));
          for (const cut of cuts) {
            assert.equal(take(data.subarray(0, cut)), undefined);
            data = data.subarray(cut);
          }
          take(data);
          assert.deepEqual(
            got,
            messages.map((message) => Buffer.from(message)),
          );
        },
      ),
    );
  });
});

void describe('ranges of keys', () => {
  const table: [string, string, string][] = [
    ['a/', '612f', '6130'],
    ['', '00', '00'],
    ['\u{7f}', '7f', '80'],
    ['\u{ff}', 'c3bf', 'c3c0'],
  ];
  for (const [prefix, key, end] of table) {
    void test(`what begins with ${JSON.stringify(prefix)}`, () => {
      const range = rangeOf({ prefix });
      assert.deepEqual([range.key.toString('hex'), range.end?.toString('hex')], [key, end]);
    });
  }

  void test('one key', () => assert.deepEqual(rangeOf({ key: 'k' }), { key: Buffer.from('k') }));
});

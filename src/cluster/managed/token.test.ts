import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { BerthError } from '../../errors.ts';
import { formatAddress } from '../../ipam/address.ts';
import { admits, encodeToken, hashOf, newSecret, parseToken } from './token.ts';

const address = fc.oneof(
  fc.bigInt(0n, 2n ** 32n - 1n).map((value) => formatAddress({ family: 4, value })),
  fc.bigInt(0n, 2n ** 128n - 1n).map((value) => formatAddress({ family: 6, value })),
);
const bytes = (length: number) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((array) => Buffer.from(array));
const token = fc.record({
  address,
  port: fc.integer({ min: 1, max: 65535 }),
  fingerprint: bytes(32),
  secret: bytes(20),
});

void describe('join tokens', () => {
  void test('are read as they were written, blanks around them or not', () => {
    fc.assert(fc.property(token, (each) => assert.deepEqual(parseToken(` ${encodeToken(each)}\n`), { ...each })));
  });
  void test('golden', () => {
    const text = encodeToken({
      address: '192.0.2.1',
      port: 2378,
      fingerprint: Buffer.alloc(32, 1),
      secret: Buffer.alloc(20, 2),
    });
    assert.equal(text, 'BERTH1-AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQECAgICAgICAgICAgICAgICAgICAglKwAACAZ77ej0');
  });
  void test('cut, changed or any other text is refused, and not repeated', () => {
    const refused = (text: string): void =>
      assert.throws(
        () => parseToken(text),
        (error) =>
          error instanceof BerthError &&
          error.kind === 'InvalidParameter' &&
          error.message.startsWith('this is no join token'),
      );
    fc.assert(fc.property(fc.string(), refused));
    fc.assert(
      fc.property(token, fc.nat(), (each, at) => {
        const text = encodeToken(each);
        refused(text.slice(0, at % text.length));
        const index = 'BERTH1-'.length + (at % (text.length - 'BERTH1-'.length));
        const other = text[index] === 'A' ? 'B' : 'A';
        refused(text.slice(0, index) + other + text.slice(index + 1));
      }),
    );
  });
});

void test('a secret opens until its end, and only itself', () => {
  const [secret, other] = [newSecret(), newSecret()];
  const issued = [
    { hash: hashOf(other), ends: 500 },
    { hash: hashOf(secret), ends: 1000 },
  ];
  assert.equal(admits(issued, secret, 999), true);
  assert.equal(admits(issued, secret, 1000), false);
  assert.equal(admits(issued, other, 999), false);
  assert.equal(admits(issued, newSecret(), 0), false);
  assert.equal(admits([], secret, 0), false);
});

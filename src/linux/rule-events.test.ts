import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeAttributes, encodeMessage, NetlinkFormatError, text, u32be } from './netlink/message.ts';
import { RuleBatches } from './rule-events.ts';

const SUBSYSTEM = 10 << 8;
const [DELTABLE, NEWRULE, DELRULE, NEWGEN] = [2, 6, 8, 15] as const;

const about = (kind: number, table: string, port = 0): Buffer =>
  encodeMessage({
    type: SUBSYSTEM | kind,
    flags: 0,
    sequence: 1,
    port: port >>> 0,
    payload: Buffer.concat([Buffer.from([1, 0, 0, 0]), encodeAttributes([text(1, table)])]),
  });
const end = (thread: number, port: number): Buffer =>
  encodeMessage({
    type: SUBSYSTEM | NEWGEN,
    flags: 0,
    sequence: 1,
    port: port >>> 0,
    payload: Buffer.concat([Buffer.alloc(4), encodeAttributes([u32be(1, 77), u32be(2, thread), text(3, 'nft')])]),
  });
const batches = (): RuleBatches => new RuleBatches((payload) => payload.includes('berth'));

void test('one report for a transaction, with who made it', () => {
  const one = batches();
  const datagram = Buffer.concat([
    about(DELRULE, 'berth-x'),
    about(DELRULE, 'berth-x'),
    about(DELTABLE, 'berth-x'),
    end(42, 43),
  ]);
  assert.deepEqual(one.take(datagram), [{ port: 43, thread: 42 }]);
  assert.deepEqual(one.take(end(42, 43)), []);
});

void test('a transaction may take several datagrams, and a datagram hold several transactions', () => {
  const one = batches();
  assert.deepEqual(one.take(about(DELRULE, 'berth-x')), []);
  const rest = Buffer.concat([about(NEWRULE, 'berth-x'), end(1, -5), about(DELTABLE, 'berth-y'), end(2, 6)]);
  assert.deepEqual(one.take(rest), [
    { port: -5, thread: 1 },
    { port: 6, thread: 2 },
  ]);
});

void test('others’ tables, and what is new, are of no interest', () => {
  const one = batches();
  assert.deepEqual(one.take(Buffer.concat([about(DELRULE, 'filter'), about(NEWRULE, 'berth-x'), end(1, 1)])), []);
});

void test('a generation without a process, a golden one, arbitrary bytes', () => {
  const one = batches();
  const bare = encodeMessage({ type: SUBSYSTEM | NEWGEN, flags: 0, sequence: 0, port: 9, payload: Buffer.alloc(4) });
  assert.deepEqual(one.take(Buffer.concat([about(DELTABLE, 'berth-x'), bare])), [{ port: 9, thread: undefined }]);
  assert.equal(
    end(0x0102, 3).toString('hex'),
    '2c0000000f0a0000' + '0100000003000000' + '00000000' + '080001000000004d' + '0800020000000102' + '080003006e667400',
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        one.take(Buffer.from(bytes));
      } catch (error) {
        assert.ok(error instanceof NetlinkFormatError, String(error));
      }
    }),
  );
});

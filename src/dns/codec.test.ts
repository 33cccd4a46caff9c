import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { AnswerWriter } from './codec-answer.ts';
import { DnsFormatError, keyOf, keyOfWire, nameText, parentKey, readName, wireName } from './codec-name.ts';
import { emptyQuery, readQuery } from './codec-query.ts';
import { copyResponse, readResponse } from './codec-response.ts';
import { CLASS, FLAG, HEADER_SIZE, RCODE, TYPE, decodeMessage, encodeMessage } from './codec.ts';
import type { Message, Question, ResourceRecord } from './codec.ts';

const label = fc.uint8Array({ minLength: 1, maxLength: 63 });
const wire = fc
  .array(label, { maxLength: 8 })
  .map((labels) => Uint8Array.from([...labels.flatMap((bytes) => [bytes.length, ...bytes]), 0]))
  .filter((name) => name.length <= 255);
const u16 = fc.integer({ min: 0, max: 0xffff });
const question = fc.record({ name: wire, type: u16, class: u16 });
const record = fc.record({
  name: wire,
  type: u16,
  class: u16,
  ttl: fc.integer({ min: 0, max: 0xffff_ffff }),
  data: fc.uint8Array({ maxLength: 40 }),
});
const records = fc.array(record, { maxLength: 3 });
const message: fc.Arbitrary<Message> = fc.record({
  id: u16,
  flags: u16,
  questions: fc.array(question, { maxLength: 2 }),
  answers: records,
  authorities: records,
  additionals: records,
});

/** The lists, without what only decoding knows. */
function plain({ questions, answers, authorities, additionals }: Message): unknown[] {
  const one = ({ name, type, class: kind }: Question): unknown[] => [name, type, kind];
  const list = (all: readonly ResourceRecord[]): unknown[] => all.map((each) => [...one(each), each.ttl, ...each.data]);
  return [questions.map(one), list(answers), list(authorities), list(additionals)];
}

/** A valid message, with some bytes changed and the end cut off: what fuzzing of random bytes never reaches. */
const damaged = fc
  .tuple(message, fc.array(fc.tuple(fc.nat(600), fc.nat(255)), { maxLength: 4 }), fc.nat(700))
  .map(([whole, changes, length]) => {
    const bytes = Buffer.from(encodeMessage(whole));
    for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
    return bytes.subarray(0, length);
  });
const anything = fc.oneof(
  fc.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.from(bytes)),
  damaged,
);

const queryFor = (name: string, type: number, change: Partial<Message> = {}): Buffer =>
  encodeMessage({
    id: 0x1234,
    flags: FLAG.recursionDesired,
    questions: [{ name: wireName(name) ?? new Uint8Array(1), type, class: CLASS.internet }],
    answers: [],
    authorities: [],
    additionals: [],
    ...change,
  });

const opt = (payload: number, ttl = 0, data: readonly number[] = []): ResourceRecord => ({
  name: new Uint8Array(1),
  type: TYPE.opt,
  class: payload,
  ttl,
  data: Uint8Array.from(data),
});

void describe('DNS messages', () => {
  void test('decode(encode(x)) = x', () => {
    fc.assert(
      fc.property(message, (whole) => {
        const decoded = decodeMessage(encodeMessage(whole));
        assert.deepEqual(plain(decoded), plain(whole));
        assert.deepEqual([decoded.id, decoded.flags], [whole.id, whole.flags]);
      }),
    );
  });

  void test('decoding any bytes throws nothing but its own error', () => {
    fc.assert(
      fc.property(anything, (bytes) => {
        try {
          decodeMessage(bytes);
        } catch (error) {
          assert.ok(error instanceof DnsFormatError, String(error));
        }
      }),
      { numRuns: 1000 },
    );
  });

  void test('pointers are followed backwards only', () => {
    const bytes = Buffer.from('\x03web\x04test\x00\x05inner\xc0\x00\xc0\x10', 'latin1');
    assert.equal(nameText(readName(bytes, 10).name), 'inner.web.test');
    assert.equal(readName(bytes, 10).next, 18);
    assert.throws(() => readName(Buffer.from('\xc0\x00', 'latin1'), 0), DnsFormatError);
    assert.throws(() => readName(Buffer.from('\x01a\xc0\x02', 'latin1'), 0), DnsFormatError);
    assert.throws(() => readName(Buffer.from('\xc0\x04\x00\x00\x00', 'latin1'), 0), DnsFormatError);
    const chain = Buffer.alloc(1 + 2 * 128);
    for (let i = 0; i < 128; i++) chain.writeUInt16BE(0xc000 | (i === 0 ? 0 : 2 * i - 1), 1 + 2 * i);
    assert.equal(readName(chain, 2 * 126 + 1).next, 2 * 127 + 1);
    assert.throws(() => readName(chain, 2 * 127 + 1), DnsFormatError, '128 pointers');
    // Each step is backwards, but the name has no end: 255 bytes are enough.
    const long = Buffer.concat([Buffer.from([63]), Buffer.alloc(63, 0x61)]);
    const loops = Buffer.concat([...Array.from({ length: 5 }, () => long), Buffer.from([0])]);
    assert.throws(() => readName(loops, 0), DnsFormatError);
  });
});

void describe('names', () => {
  void test('text and wire form are each other’s reverse', () => {
    fc.assert(fc.property(wire, (name) => assert.deepEqual(wireName(nameText(name)), name)));
  });

  void test('what is no name', () => {
    for (const text of ['', '.a', 'a..b', 'a'.repeat(64), `${'abc.'.repeat(64)}a`, 'a\\', 'a\\999']) {
      assert.equal(wireName(text), undefined, text);
    }
    assert.deepEqual(wireName('a.b'), wireName('a.b.'));
    assert.equal(keyOf('WEB.Front'), '\x03web\x05front\x00');
    assert.equal(keyOf('a\\.b'), '\x03a.b\x00');
    assert.equal(parentKey(keyOf('x.web') ?? ''), keyOf('web'));
    assert.equal(parentKey(keyOf('.') ?? ''), undefined);
  });
});

void describe('queries', () => {
  void test('what the decoder sees, the quick reader sees', () => {
    const query = emptyQuery();
    fc.assert(
      fc.property(question, fc.option(fc.tuple(u16, fc.uint8Array({ maxLength: 20 }))), (one, edns) => {
        const additionals = edns ? [opt(edns[0], 0, [...edns[1]])] : [];
        const bytes = queryFor('.', 1, { questions: [one], additionals });
        assert.equal(readQuery(bytes, bytes.length, query), RCODE.ok);
        assert.deepEqual([query.key, query.type, query.class], [keyOfWire(one.name), one.type, one.class]);
        assert.equal(query.questionEnd, HEADER_SIZE + one.name.length + 4);
        assert.equal(query.edns, edns !== null);
        assert.equal(query.payload, Math.max(512, edns?.[0] ?? 0));
        assert.equal(query.optionsLength, edns?.[1].length ?? 0);
      }),
    );
  });

  void test('any bytes are read without an error, and answered by something that can be read', () => {
    const query = emptyQuery();
    const writer = new AnswerWriter();
    const out = Buffer.alloc(4096);
    fc.assert(
      fc.property(anything, (bytes) => {
        const rcode = readQuery(bytes, bytes.length, query);
        if (rcode === undefined) return;
        writer.begin(out, bytes, query, 4096);
        const answer = decodeMessage(out.subarray(0, writer.finish(rcode)));
        assert.equal(answer.id, bytes.readUInt16BE(0));
        assert.ok(answer.flags & FLAG.response);
        assert.equal(answer.flags & 0xf, rcode & 0xf);
      }),
      { numRuns: 1000 },
    );
  });

  void test('what is refused', () => {
    const query = emptyQuery();
    const read = (bytes: Buffer): number | undefined => readQuery(bytes, bytes.length, query);
    assert.equal(read(queryFor('web', 1, { flags: FLAG.response })), undefined, 'an answer');
    assert.equal(read(Buffer.alloc(11)), undefined);
    assert.equal(read(queryFor('web', 1, { flags: 0x2800 })), RCODE.notImplemented, 'an update');
    assert.equal(read(queryFor('web', 1, { questions: [] })), RCODE.format);
    assert.equal(read(Buffer.from('\0\x01\x01\0\0\x01\0\0\0\0\0\0\xc0\x0c\0\x01\0\x01', 'latin1')), RCODE.format);
    assert.equal(read(queryFor('web', 1, { additionals: [opt(1232), opt(1232)] })), RCODE.format);
    assert.equal(read(queryFor('web', 1, { additionals: [opt(1232, 0x0001_0000)] })), RCODE.badVersion);
  });

  void test('an answer that does not fit says so', () => {
    const query = emptyQuery();
    const writer = new AnswerWriter();
    const out = Buffer.alloc(600);
    const bytes = queryFor('Web', TYPE.a);
    readQuery(bytes, bytes.length, query);
    writer.begin(out, bytes, query, 512);
    let count = 0;
    while (writer.answer(TYPE.a, 5, Uint8Array.of(10, 0, 0, count & 255))) count++;
    const answer = decodeMessage(out.subarray(0, writer.finish(RCODE.ok)));
    assert.equal(answer.answers.length, count);
    assert.ok(answer.flags & FLAG.truncated);
    assert.equal(nameText(answer.answers[0]?.name ?? new Uint8Array(1)), 'Web');
  });
});

void describe('responses of others', () => {
  const asked = { id: 7, key: keyOf('a.test') ?? '', type: TYPE.a, class: CLASS.internet };
  const a = (ttl: number): ResourceRecord => ({
    name: wireName('a.test') ?? new Uint8Array(1),
    type: TYPE.a,
    class: CLASS.internet,
    ttl,
    data: Uint8Array.of(192, 0, 2, 1),
  });
  const soa = (ttl: number, minimum: number): ResourceRecord => {
    const data = Buffer.alloc(22);
    data.writeUInt32BE(minimum, 18);
    return { ...a(ttl), type: TYPE.soa, data: Uint8Array.from(data) };
  };
  const response = (change: Partial<Message>): Buffer =>
    queryFor('A.test', TYPE.a, { id: 7, flags: FLAG.response, ...change });
  const lifetime = (change: Partial<Message>): number | undefined => readResponse(response(change), asked)?.lifetime;

  void test('only an answer to the question is one', () => {
    assert.ok(readResponse(response({}), asked));
    assert.equal(readResponse(response({ id: 8 }), asked), undefined);
    assert.equal(readResponse(response({ flags: 0 }), asked), undefined);
    assert.equal(readResponse(response({}), { ...asked, type: TYPE.aaaa }), undefined);
    assert.equal(readResponse(response({}), { ...asked, key: keyOf('b.test') ?? '' }), undefined);
    fc.assert(fc.property(anything, (bytes) => void readResponse(bytes, asked)));
  });

  void test('how long it may be kept', () => {
    assert.equal(lifetime({ answers: [a(60), a(30)] }), 30);
    assert.equal(lifetime({ answers: [a(0)] }), 0);
    assert.equal(lifetime({ answers: [a(0xffff_ffff)] }), 0, 'RFC 2181: negative is zero');
    assert.equal(lifetime({ answers: [a(1_000_000)] }), 3600);
    assert.equal(lifetime({ answers: [a(60)], additionals: [opt(1232)] }), 60, 'OPT has no TTL');
    assert.equal(lifetime({ answers: [a(60)], flags: FLAG.response | FLAG.truncated }), 0);
    const negative = FLAG.response | RCODE.nameError;
    assert.equal(lifetime({ flags: negative, authorities: [soa(100, 40)] }), 40);
    assert.equal(lifetime({ flags: negative, authorities: [soa(10, 40)] }), 10);
    assert.equal(lifetime({ flags: negative }), 0, 'nobody said how long');
    assert.equal(lifetime({ authorities: [soa(100, 900)] }), 100, 'NODATA');
    assert.equal(lifetime({ flags: FLAG.response | RCODE.serverFailure, authorities: [soa(9, 9)] }), 0);
  });

  void test('a copy is another client’s answer, older by so much', () => {
    const kept = readResponse(response({ answers: [a(60)] }), asked);
    assert.ok(kept);
    const out = Buffer.alloc(512);
    const query = queryFor('a.TEST', TYPE.a);
    const length = copyResponse(kept, out, 0xbeef, query.subarray(HEADER_SIZE, kept.questionEnd), 25);
    const copy = decodeMessage(out.subarray(0, length));
    assert.equal(copy.id, 0xbeef);
    assert.equal(nameText(copy.questions[0]?.name ?? new Uint8Array(1)), 'a.TEST');
    assert.equal(copy.answers[0]?.ttl, 35);
    assert.equal(decodeMessage(kept.bytes).answers[0]?.ttl, 60);
  });
});

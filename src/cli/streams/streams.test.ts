import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Json } from '../../model/json.ts';
import { Demultiplexer } from './demultiplexer.ts';
import { JsonLines } from './lines.ts';
import { humanSize, ProgressError, progressText, ProgressView } from './progress.ts';
import { timestamp } from './timestamp.ts';

const cut = (data: Buffer, cuts: readonly number[]): Buffer[] => {
  const at = [0, ...cuts.map((cut) => cut % (data.length + 1)), data.length].toSorted((a, b) => a - b);
  return at.slice(1).map((end, index) => data.subarray(at[index], end));
};
const frame = (stream: number, data: Uint8Array): Buffer => {
  const head = Buffer.alloc(8);
  head.writeUInt8(stream, 0);
  head.writeUInt32BE(data.length, 4);
  return Buffer.concat([head, data]);
};
const cuts = fc.array(fc.nat(), { maxLength: 12 });

void describe('the multiplexed stream', () => {
  void test('comes apart into what was put together, however it is cut', () => {
    const frames = fc.array(fc.record({ stream: fc.constantFrom(1, 2), data: fc.uint8Array({ maxLength: 30 }) }));
    fc.assert(
      fc.property(frames, cuts, (list, places) => {
        const demultiplexer = new Demultiplexer();
        const whole = Buffer.concat(list.map(({ stream, data }) => frame(stream, data)));
        const parts = cut(whole, places).flatMap((piece) => demultiplexer.push(piece));
        for (const stream of [1, 2]) {
          const of = (entries: readonly { stream: number; data: Uint8Array }[]): Buffer =>
            Buffer.concat(entries.filter((entry) => entry.stream === stream).map(({ data }) => data));
          assert.deepEqual(of(parts), of(list));
        }
      }),
    );
  });

  void test('the daemon speaks in a frame of its own; anything else is no such stream', () => {
    assert.throws(
      () => new Demultiplexer().push(frame(3, Buffer.from('broke'))),
      /^Error: error from daemon in stream: broke$/,
    );
    assert.throws(() => new Demultiplexer().push(Buffer.from('plain text')), /unrecognized input header: 112/);
  });
});

void test('lines of JSON, however they are cut', () => {
  fc.assert(
    fc.property(fc.array(fc.dictionary(fc.string(), fc.string())), cuts, (objects, places) => {
      const whole = Buffer.from(objects.map((object) => `${JSON.stringify(object)}\r\n`).join(''));
      const lines = new JsonLines();
      const found = [...cut(whole, places).flatMap((piece) => lines.push(piece)), ...lines.end()];
      assert.equal(JSON.stringify(found), JSON.stringify(objects));
    }),
  );
});

void describe('progress', () => {
  const PULL: Json[] = [
    { status: 'Pulling from library/x', id: 'latest' },
    { status: 'Pulling fs layer', progressDetail: {}, id: 'aaa' },
    { status: 'Pulling fs layer', progressDetail: {}, id: 'bbb' },
    { status: 'Downloading', progressDetail: { current: 500, total: 1000 }, id: 'aaa' },
    { status: 'Pull complete', progressDetail: {}, id: 'aaa' },
    { status: 'Digest: sha256:1' },
  ];

  void test('in a file: the steps, no bars', () => {
    const view = new ProgressView({ terminal: false, columns: 0 });
    assert.equal(
      PULL.map((line) => view.render(line)).join(''),
      'latest: Pulling from library/x\naaa: Pulling fs layer\nbbb: Pulling fs layer\naaa: Pull complete\nDigest: sha256:1\n',
    );
  });

  void test('on a terminal: a line for each layer, redrawn in place', () => {
    const view = new ProgressView({ terminal: true, columns: 80 });
    assert.deepEqual(
      PULL.map((line) => view.render(line)),
      [
        'latest: Pulling from library/x\n',
        '\n\x1b[1A\x1b[2K\raaa: Pulling fs layer\r\x1b[1B',
        '\n\x1b[1A\x1b[2K\rbbb: Pulling fs layer\r\x1b[1B',
        '\x1b[2A\x1b[2K\raaa: Downloading     500B/1kB\r\x1b[2B',
        '\x1b[2A\x1b[2K\raaa: Pull complete\r\x1b[2B',
        'Digest: sha256:1\n',
      ],
    );
  });

  void test('bars and sizes', () => {
    assert.equal(progressText(5, 10, 120), `[${'='.repeat(25)}>${' '.repeat(25)}]        5B/10B`);
    assert.equal(progressText(1234, 0, 120), ' 1.234kB');
    assert.equal(progressText(0, 0, 120), '');
    assert.deepEqual([0, 999, 1000, 12_345_678, 1e21].map(humanSize), ['0B', '999B', '1kB', '12.35MB', '1000000PB']);
  });

  void test('an error ends it; the words of others do not steer the terminal', () => {
    const view = new ProgressView({ terminal: true, columns: 80 });
    assert.throws(() => view.render({ errorDetail: { message: 'denied' }, error: 'denied' }), ProgressError);
    assert.equal(view.render({ stream: 'a\x1b[2J\x9b2Jb\n' }), 'a[2J2Jb\n');
  });
});

void test('moments and spans', () => {
  const now = Date.parse('2026-01-02T00:00:00Z');
  assert.equal(timestamp('10m', now), String(now / 1000 - 600));
  assert.equal(timestamp('1136073845.000000001', now), '1136073845.000000001');
  assert.equal(timestamp('2026-01-01T23:59:59.5Z', now), `${now / 1000 - 1}.500000000`);
  assert.equal(timestamp('2026-01-02T01:00:00+01:00', now), String(now / 1000));
  assert.equal(timestamp('2026-01-02', now), String(new Date(2026, 0, 2).getTime() / 1000));
  assert.throws(() => timestamp('soon', now), /failed to parse value as time or duration: "soon"/);
});

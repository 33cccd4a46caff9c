import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import fc from 'fast-check';
import { drained, frame, writeFrame } from './framing.ts';

/** The reader's side, as clients do it. */
function parse(bytes: Buffer): [number, string][] {
  const frames: [number, string][] = [];
  for (let at = 0; at < bytes.length;) {
    assert.equal(bytes.readUIntBE(at + 1, 3), 0);
    const length = bytes.readUInt32BE(at + 4);
    frames.push([bytes[at] ?? -1, bytes.subarray(at + 8, at + 8 + length).toString('latin1')]);
    at += 8 + length;
  }
  return frames;
}

void test('eight bytes before each payload', () => {
  assert.deepEqual(frame(2, Buffer.from('ab')), Buffer.from([2, 0, 0, 0, 0, 0, 0, 2, 0x61, 0x62]));
});

void test('whatever is framed is parsed again, small and large', () => {
  const payload = fc.oneof(fc.uint8Array({ maxLength: 100 }), fc.uint8Array({ minLength: 4090, maxLength: 5000 }));
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom<1 | 2>(1, 2), payload), { maxLength: 5 }), (frames) => {
      const sink = new PassThrough({ highWaterMark: 1 << 20 });
      for (const [stream, data] of frames) writeFrame(sink, stream, Buffer.from(data));
      const written = Buffer.concat([sink.read() ?? Buffer.alloc(0)] as Buffer[]);
      assert.deepEqual(
        parse(written),
        frames.map(([stream, data]) => [stream, Buffer.from(data).toString('latin1')]),
      );
    }),
  );
});

void test('a full sink is waited for; one that closes is not', async () => {
  const sink = new PassThrough({ highWaterMark: 10 });
  assert.equal(writeFrame(sink, 1, Buffer.alloc(100)), false);
  let free = false;
  const waiting = drained(sink).then(() => (free = true));
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(free, false);
  sink.resume();
  await waiting;
  sink.pause();
  sink.write(Buffer.alloc(100));
  const closing = drained(sink);
  sink.destroy();
  await closing;
  await drained(sink);
});

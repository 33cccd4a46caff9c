import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { onLines } from './lines.ts';

void test('lines in pieces of any size, whatever is in them', async () => {
  const text = '{"a":"\u2028\r\u2029é"}\n\nlast\nrest';
  const bytes = Buffer.from(text);
  for (const size of [1, 3, bytes.length]) {
    const stream = new PassThrough();
    const lines: string[] = [];
    onLines(stream, (line) => lines.push(line));
    for (let at = 0; at < bytes.length; at += size) stream.write(bytes.subarray(at, at + size));
    await new Promise((resolve) => stream.end(resolve));
    assert.deepEqual(lines, ['{"a":"\u2028\r\u2029é"}', '', 'last']);
  }
});

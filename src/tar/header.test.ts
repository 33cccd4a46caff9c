import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import { BLOCK, decodeHeader, decodePax, encodeHeader, endOfArchive, padding, TarError } from './header.ts';

void test('a header that was written is read back', () => {
  const entry = fc.record(
    {
      name: fc.stringMatching(/^[a-z][a-z0-9/._-]{0,98}$/),
      type: fc.constantFrom('0' as const, '1' as const, '2' as const, '5' as const),
      mode: fc.integer({ min: 0, max: 0o7777 }),
      uid: fc.integer({ min: 0, max: 0o7777777 }),
      gid: fc.integer({ min: 0, max: 0o7777777 }),
      mtime: fc.integer({ min: 0, max: 2 ** 33 - 1 }),
      major: fc.constant(0),
      minor: fc.constant(0),
      size: fc.integer({ min: 0, max: 2 ** 33 - 1 }),
      linkName: fc.stringMatching(/^[a-z0-9/._-]{0,99}$/),
    },
    { noNullPrototype: true },
  );
  fc.assert(fc.property(entry, (e) => assert.deepEqual(decodeHeader(encodeHeader(e)), e)));
});

void test('arbitrary bytes are refused with a TarError or read', () => {
  const attempt = (read: () => unknown): void => {
    try {
      read();
    } catch (error) {
      assert.ok(error instanceof TarError);
    }
  };
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: BLOCK, maxLength: BLOCK }),
      fc.uint8Array({ maxLength: 60 }),
      (block, pax) => {
        attempt(() => decodeHeader(block));
        attempt(() => decodePax(pax));
      },
    ),
  );
});

void test('pax records, and the end', () => {
  assert.deepEqual(
    [...decodePax(Buffer.from('11 path=ab\n12 size=123\n'))],
    [
      ['path', 'ab'],
      ['size', '123'],
    ],
  );
  assert.throws(() => decodePax(Buffer.from('99 path=ab\n')), TarError);
  assert.equal(decodeHeader(endOfArchive().subarray(0, BLOCK)), undefined);
});

void test('tar(1) lists what was written', () => {
  const body = Buffer.from('hello');
  const archive = Buffer.concat([
    encodeHeader({ name: 'd/', type: '5', mode: 0o755 }),
    encodeHeader({ name: 'd/a', size: body.length, mode: 0o640 }),
    body,
    padding(body.length),
    encodeHeader({ name: 'd/b', type: '2', mode: 0o777, linkName: 'a' }),
    endOfArchive(),
  ]);
  const listed = execFileSync('tar', ['--numeric-owner', '--utc', '-tvf', '-'], { input: archive }).toString();
  assert.deepEqual(
    listed
      .trim()
      .split('\n')
      .map((line) => line.replace(/\s+/g, ' ')),
    [
      'drwxr-xr-x 0/0 0 1970-01-01 00:00 d/',
      '-rw-r----- 0/0 5 1970-01-01 00:00 d/a',
      'lrwxrwxrwx 0/0 0 1970-01-01 00:00 d/b -> a',
    ],
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseMountinfo } from './mounts.ts';

void test('a line of mountinfo, with optional fields and escaped characters', () => {
  const line = '36 35 98:0 /mnt1 /mnt\\0402 rw,noatime master:1 shared:2 - ext3 /dev/r\\134oot rw,errors=continue';
  assert.deepEqual(parseMountinfo(`${line}\n`), [
    { target: '/mnt 2', type: 'ext3', source: '/dev/r\\oot', root: '/mnt1' },
  ]);
});

void test('arbitrary text never throws', () => {
  fc.assert(fc.property(fc.string(), (text) => void parseMountinfo(text)));
});

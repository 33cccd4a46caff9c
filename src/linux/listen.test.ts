import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { libc } from './libc.ts';
import { keepDatagram } from './listen.ts';

void test('a UDP port can be kept after a collection of garbage', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let round = 0; round < 5; round++) {
    collect();
    // What was freed is used again.
    const litter = Array.from({ length: 2000 }, () => Buffer.allocUnsafeSlow(8).fill(0xff));
    assert.equal(litter.length, 2000);
    libc.close(keepDatagram('127.0.0.1', 0));
  }
});

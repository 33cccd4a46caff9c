import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DEFAULT_DETACH_KEYS, DetachWatcher, parseDetachKeys } from './detach.ts';

void test("docker's notation of keys", () => {
  assert.deepEqual(parseDetachKeys(DEFAULT_DETACH_KEYS), [16, 17]);
  assert.deepEqual(parseDetachKeys('a,ctrl-@,ctrl-[,ctrl-_'), [97, 0, 27, 31]);
  for (const bad of ['', 'ctrl-', 'ctrl-pp', 'ab']) assert.throws(() => parseDetachKeys(bad), /invalid detach keys/);
});

void test('the sequence is seen wherever chunks end', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(16, 17, 97), { maxLength: 12 }), fc.nat(), (bytes, place) => {
      const watcher = new DetachWatcher([16, 17]);
      const at = place % (bytes.length + 1);
      watcher.push(Uint8Array.from(bytes.slice(0, at)));
      const seen = watcher.push(Uint8Array.from(bytes.slice(at)));
      assert.equal(
        seen,
        bytes.some((byte, index) => byte === 16 && bytes[index + 1] === 17),
      );
    }),
  );
});

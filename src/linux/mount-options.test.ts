import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mountAs, parseMountOptions } from './mount-options.ts';

void test('options of mount(8)', () => {
  assert.deepEqual(parseMountOptions(''), { flags: 0, propagation: 0, data: '' });
  assert.deepEqual(parseMountOptions('ro,noexec,size=1m,uid=3'), { flags: 9, propagation: 0, data: 'size=1m,uid=3' });
  assert.deepEqual(parseMountOptions('ro,rw,rbind'), { flags: 0x5000, propagation: 0, data: '' });
  assert.deepEqual(parseMountOptions('bind,rslave'), { flags: 0x1000, propagation: 0x8_4000, data: '' });
  assert.equal(parseMountOptions('constructor,vers=4').data, 'constructor,vers=4');
});

void test('a failure says what was tried', async () => {
  await assert.rejects(mountAs('/nowhere', '/nothing', 'none', 'bind'), {
    message: 'mount /nowhere:/nothing, flags: 0x1000: no such file or directory',
  });
});

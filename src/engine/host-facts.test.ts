import assert from 'node:assert/strict';
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { devicesOf } from './host-facts.ts';
import { sampleHost } from './testing-samples.ts';

const device = (PathOnHost: string) =>
  devicesOf(sampleHost({ Devices: [{ PathOnHost, PathInContainer: '/dev/x', CgroupPermissions: '' }] }));

void test('a device by its path, and those below a directory', () => {
  const [null0] = device('/dev/null');
  assert.deepEqual([null0?.path, null0?.type, null0?.major, null0?.minor], ['/dev/x', 'c', 1, 3]);
  const paths = device('/dev').map(({ path }) => path);
  assert.ok(paths.includes('/dev/x/null') && paths.includes('/dev/x/zero'));
});

void test('what is no device, and directories without an end', () => {
  const directory = mkdtempSync(join(tmpdir(), 'bd-'));
  try {
    const refused = (path: string, why: string): void =>
      assert.throws(() => device(path), {
        kind: 'InvalidParameter',
        message: `error gathering device information while adding custom device "${path.slice(0, 4096)}": ${why}`,
      });
    refused(join(directory, 'absent'), 'no such file or directory');
    refused('x'.repeat(10_000), 'no such file or directory');
    refused(directory, 'not a device node');
    mkdirSync(join(directory, 'below'));
    for (let i = 0; i < 5000; i++) writeFileSync(join(directory, 'below', `${i}`), '');
    refused(directory, 'too many files are below it');
  } finally {
    rmSync(directory, { recursive: true });
  }
});

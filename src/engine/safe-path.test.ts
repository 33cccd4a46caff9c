import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { makeDirectoryIn, resolveIn } from './safe-path.ts';

void describe('paths inside a root file system', () => {
  const root = mkdtempSync('/tmp/berth-safe-');
  after(() => rmSync(root, { recursive: true }));
  mkdirSync(`${root}/a/b`, { recursive: true });
  writeFileSync(`${root}/a/file`, '');
  symlinkSync('/etc', `${root}/absolute`);
  symlinkSync('../../../../etc', `${root}/a/up`);
  symlinkSync('loop', `${root}/loop`);
  symlinkSync('b', `${root}/a/link`);
  for (const [path, expected] of [
    ['/a/b', '/a/b'],
    ['/absolute/passwd', '/etc/passwd'],
    ['/a/up/passwd', '/etc/passwd'],
    ['/a/link/x/../y', '/a/b/y'],
    ['../../..', ''],
    ['/nowhere/x', '/nowhere/x'],
  ] as const) {
    void test(path, () => assert.equal(resolveIn(root, path), `${root}${expected}`));
  }
  void test('a circle ends', () => assert.throws(() => resolveIn(root, '/loop'), /too many levels of symbolic links/));
  void test('directories are made within the root', () => {
    assert.equal(makeDirectoryIn(root, '/absolute/new'), `${root}/etc/new`);
  });
});

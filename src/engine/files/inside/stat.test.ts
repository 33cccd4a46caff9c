import assert from 'node:assert/strict';
import { lstatSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { lookAt } from './bytes.ts';
import { archiveName } from './pack.ts';
import { absolute, pathStat } from './stat.ts';

void test('a path is absolute, and its end says what it said', () => {
  const cases = { a: '/a', '/a/': '/a/', '/a/.': '/a/.', '/': '/', '.': '/.', '../..': '/', '/a/../..//b': '/b' };
  for (const [given, wanted] of Object.entries(cases)) assert.equal(absolute(given), wanted, given);
});

void test('what an archive of it begins with', () => {
  const cases = { '/a': 'a', '/b/a/': 'a', '/a/.': '.', '/': '/', '/.': '.' };
  for (const [path, wanted] of Object.entries(cases)) assert.equal(archiveName(path), wanted, path);
});

void test('what the API says of a path: Go’s mode, the time to the nanosecond, where a link leads in the end', (t) => {
  const root = mkdtempSync(`${tmpdir()}/berth-stat-`);
  t.after(() => rmSync(root, { recursive: true, force: true }));
  mkdirSync(`${root}/d`);
  writeFileSync(`${root}/d/file`, 'content', { mode: 0o640 });
  utimesSync(`${root}/d/file`, 1, 1_000_000_000.5);
  symlinkSync('d/../d/second', `${root}/first`);
  symlinkSync('./file', `${root}/d/second`);
  symlinkSync('/nowhere/at/all', `${root}/broken`);
  symlinkSync('turn', `${root}/turn`);
  const of = (path: string): ReturnType<typeof pathStat> => {
    const stat = lookAt(path);
    assert.ok(stat);
    return pathStat(path, stat);
  };
  assert.deepEqual(of(`${root}/d/file`), {
    name: 'file',
    size: 7,
    mode: 0o640,
    mtime: '2001-09-09T01:46:40.5Z',
    linkTarget: '',
  });
  assert.equal(of(`${root}/d`).mode, 2 ** 31 + 0o755);
  assert.deepEqual([of(`${root}/first`).mode, of(`${root}/first`).linkTarget], [2 ** 27 + 0o777, `${root}/d/file`]);
  assert.equal(of(`${root}/broken`).linkTarget, '/nowhere/at/all');
  assert.equal(of(`${root}/turn`).linkTarget, `${root}/turn`);
  assert.equal(of('/').name, '/');
  // Clients cannot read what is no time of RFC 3339.
  const at = (mtimeNs: bigint): string =>
    pathStat('/', { ...lstatSync('/', { bigint: true }), mtimeNs, isSymbolicLink: () => false }).mtime;
  assert.equal(at(-1_500_000_000n), '1969-12-31T23:59:58.5Z');
  assert.equal(at(10n ** 27n), '9999-12-31T23:59:59Z');
  assert.equal(at(-(10n ** 27n)), '0000-01-01T00:00:00Z');
});

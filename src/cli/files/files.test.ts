import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { encodeEntry, endOfArchive, padding, type NewEntry } from '../../tar/header.ts';
import { LocalUnpacker } from './local-destination.ts';
import { localSource, packed } from './local-source.ts';
import { keepEnd, renamed, splitArgument, splitEntry } from './paths.ts';
import { planCopy, rebased } from './plan.ts';

void test('which side is the container', () => {
  assert.deepEqual(splitArgument('web:/a:b'), { container: 'web', path: '/a:b' });
  for (const local of ['/a:b', './a:b', '../a:b', 'plain', '-']) {
    assert.deepEqual(splitArgument(local), { container: '', path: local });
  }
});

void test("a path's end says more than its cleaning leaves", () => {
  assert.equal(keepEnd('/a', 'x/a/.'), '/a/.');
  assert.equal(keepEnd('/a', 'x/a/'), '/a/');
  assert.equal(keepEnd('/', '.'), '/.');
  assert.deepEqual(splitEntry('/a/b/.'), { directory: '/a/b', name: '.' });
  assert.deepEqual(splitEntry('/a/b/'), { directory: '/a', name: 'b' });
  assert.deepEqual(splitEntry('/a'), { directory: '/', name: 'a' });
  assert.deepEqual(splitEntry('a'), { directory: '.', name: 'a' });
  assert.deepEqual(renamed('/l/.', '/target'), { path: '/target/.', rename: 'l' });
  assert.deepEqual(renamed('/x/same', '/y/same'), { path: '/y/same', rename: '' });
});

void test('where a copy goes', () => {
  const side = (path: string, kind: 'none' | 'file' | 'directory') => ({
    path,
    exists: kind !== 'none',
    isDirectory: kind === 'directory',
    rename: '',
  });
  assert.deepEqual(planCopy(side('/a', 'file'), side('/d', 'directory')), { directory: '/d', rebase: undefined });
  assert.deepEqual(planCopy(side('/a', 'file'), side('/d/x', 'file')), {
    directory: '/d',
    rebase: { from: 'a', to: 'x' },
  });
  assert.deepEqual(planCopy(side('/a/.', 'directory'), side('/n', 'none')), {
    directory: '/',
    rebase: { from: '.', to: 'n' },
  });
  assert.throws(() => planCopy(side('/a', 'directory'), side('/x', 'file')), /cannot copy directory/);
  assert.throws(() => planCopy(side('/a', 'file'), side('/n/', 'none')), /no such directory/);
  assert.equal(rebased('a/a/b', { from: 'a', to: 'x' }), 'x/a/b');
  assert.equal(rebased('/b', { from: '/', to: 'x' }), 'x/b');
});

async function unpack(root: string, entries: readonly (readonly [NewEntry, string])[]): Promise<readonly string[]> {
  const unpacker = new LocalUnpacker(root, (name) => name);
  try {
    for (const [fields, content] of entries) {
      const header = encodeEntry({ ...fields, size: content.length });
      await unpacker.push(Buffer.concat([header, Buffer.from(content), padding(content.length)]));
    }
    await unpacker.push(endOfArchive());
    await unpacker.end();
    return unpacker.skipped;
  } finally {
    await unpacker.close();
  }
}

void test('a container cannot write outside the place that its files are copied to', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'berth-cp-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const root = join(directory, 'in');
  const outside = join(directory, 'outside');
  for (const path of [root, outside]) mkdirSync(path);
  writeFileSync(join(outside, 'kept'), 'kept');
  symlinkSync(outside, join(root, 'there-before'));
  await assert.rejects(unpack(root, [[{ name: '../outside/x' }, 'x']]), /is outside of/);
  await assert.rejects(unpack(root, [[{ name: 'a/../../outside/x' }, 'x']]), /is outside of/);
  await assert.rejects(
    unpack(root, [
      [{ name: 'l', type: '2', linkName: outside }, ''],
      [{ name: 'l/x' }, 'x'],
    ]),
    /nothing is written below/,
  );
  await assert.rejects(unpack(root, [[{ name: 'there-before/x' }, 'x']]), /nothing is written below/);
  await assert.rejects(unpack(root, [[{ name: 'h', type: '1', linkName: '../outside/kept' }, '']]), /is outside of/);
  await assert.rejects(
    unpack(root, [[{ name: 'h', type: '1', linkName: 'there-before/kept' }, '']]),
    /nothing is written below/,
  );
  // A link in a file's place is replaced, not written through.
  symlinkSync(join(outside, 'kept'), join(root, 'file'));
  await unpack(root, [[{ name: 'file', mode: 0o640 }, 'new']]);
  assert.equal(readFileSync(join(root, 'file'), 'utf8'), 'new');
  assert.equal(readFileSync(join(outside, 'kept'), 'utf8'), 'kept');
  assert.deepEqual(readdirSync(outside), ['kept']);
  assert.deepEqual(await unpack(root, [[{ name: 'null', type: '3', major: 1, minor: 3 }, '']]), [join(root, 'null')]);
  assert.ok(!existsSync(join(root, 'null')));
});

void test('what is packed is unpacked as it was, hard links and read-only directories included', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'berth-cp-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const root = join(directory, 'out');
  mkdirSync(root);
  await unpack(directory, [
    [{ name: 'in/', type: '5', mode: 0o555, mtime: 1000 }, ''],
    [{ name: 'in/a\xff', mode: 0o600, mtime: 2000 }, 'content'],
    [{ name: 'in/b', type: '1', linkName: 'in/a\xff' }, ''],
  ]);
  const unpacker = new LocalUnpacker(root, (name) => name);
  for await (const chunk of packed(await localSource(join(directory, 'in'), false), { from: 'in', to: 'copy' })) {
    await unpacker.push(chunk);
  }
  await unpacker.end();
  const copy = join(root, 'copy');
  assert.deepEqual([statSync(copy).mode & 0o777, statSync(copy).mtimeMs], [0o555, 1_000_000]);
  const [, b] = readdirSync(copy, { encoding: 'buffer' });
  assert.equal(b?.toString(), 'b');
  const stat = statSync(join(copy, 'b'));
  assert.deepEqual([stat.nlink, stat.mtimeMs, stat.size], [2, 2_000_000, 7]);
});

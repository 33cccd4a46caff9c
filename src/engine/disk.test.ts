import assert from 'node:assert/strict';
import { linkSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { diskSize } from './disk.ts';

void test('bytes of all files, once each; links lead nowhere', async () => {
  const root = mkdtempSync(`${tmpdir()}/b-disk-`);
  try {
    mkdirSync(`${root}/a/b`, { recursive: true });
    writeFileSync(`${root}/one`, 'x'.repeat(1000));
    writeFileSync(`${root}/a/b/two`, 'x'.repeat(200));
    linkSync(`${root}/one`, `${root}/a/again`);
    symlinkSync('/', `${root}/out`);
    for (let index = 0; index < 100; index++) writeFileSync(`${root}/a/${index}`, 'y');
    // A link takes as many bytes as its text has.
    assert.equal(await diskSize(root), 1000 + 200 + 1 + 100);
    assert.equal(await diskSize(`${root}/nothing`), 0);
    assert.equal(await diskSize(`${root}/one`), 0);
  } finally {
    rmSync(root, { recursive: true });
  }
});

void test('a tree deeper than a path can be long ends somewhere, and leaves no descriptor open', async () => {
  const root = mkdtempSync(`${tmpdir()}/b-disk-`);
  const open = (): number => readdirSync('/proc/self/fd').length;
  try {
    const before = open();
    const part = 'd'.repeat(200);
    mkdirSync(`${root}/${Array.from({ length: 18 }, () => part).join('/')}`, { recursive: true });
    writeFileSync(`${root}/${part}/f`, 'abc');
    assert.equal(await diskSize(root), 3);
    assert.equal(open(), before);
  } finally {
    rmSync(root, { recursive: true });
  }
});

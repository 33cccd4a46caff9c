import assert from 'node:assert/strict';
import { mkdtempSync, openSync, closeSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { test } from 'node:test';
import { lastComplaint, shortenLog } from './etcd-log.ts';

const line = (level: string, more: object): string => `${JSON.stringify({ level, ...more })}\n`;

void test('the log does not grow for ever, and goes on under whoever writes it', async () => {
  const directory = mkdtempSync('/tmp/b-log-');
  const file = `${directory}/etcd.log`;
  await shortenLog(file);
  const fd = openSync(file, 'a', 0o600);
  try {
    writeSync(fd, 'small\n');
    await shortenLog(file);
    assert.equal(readFileSync(file, 'utf8'), 'small\n');
    writeSync(fd, 'x'.repeat(1024 * 1024));
    await shortenLog(file);
    assert.equal(statSync(file).size, 0);
    assert.equal(statSync(`${file}.1`).size, 6 + 1024 * 1024);
    assert.equal(statSync(`${file}.1`).mode & 0o777, 0o600);
    writeSync(fd, 'more\n');
    assert.equal(readFileSync(file, 'utf8'), 'more\n');
  } finally {
    closeSync(fd);
    rmSync(directory, { recursive: true });
  }
});

void test('the last complaint is found near the end, whatever is there', () => {
  const directory = mkdtempSync('/tmp/b-log-');
  const file = `${directory}/etcd.log`;
  try {
    assert.equal(lastComplaint(file), '');
    for (const [text, complaint] of [
      ['', ''],
      ['no JSON, "level":"error"\n', ''],
      [line('warn', { msg: 'slow' }), ''],
      [line('error', { msg: 'old' }) + line('fatal', { msg: 'new', error: 'why' }) + line('warn', { msg: 'x' }), 'why'],
      ['y'.repeat(1024 * 1024) + '\n' + line('panic', { msg: 'p' }), 'p'],
    ] as const) {
      writeFileSync(file, text);
      assert.equal(lastComplaint(file), complaint, text.slice(0, 80));
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
});

/** docs/reference/berthd.md says what the flag table says. UPDATE=1 in the environment writes it anew. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { referencePage } from '../../src/daemon/help.ts';

const page = new URL('../../docs/reference/berthd.md', import.meta.url);

void test('the reference of berthd is that of its flag table', () => {
  if (process.env.UPDATE) {
    mkdirSync(new URL('.', page), { recursive: true });
    writeFileSync(page, referencePage());
  }
  assert.equal(readFileSync(page, 'utf8'), referencePage(), 'run it with UPDATE=1');
});

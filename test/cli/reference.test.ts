/** docs/reference/cli.md says what the tables say. UPDATE=1 in the environment writes it anew. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { referencePage } from '../../src/cli/reference.ts';

const page = new URL('../../docs/reference/cli.md', import.meta.url);

void test('the reference of berth is that of its tables', async () => {
  const text = await referencePage();
  if (process.env.UPDATE) {
    mkdirSync(new URL('.', page), { recursive: true });
    writeFileSync(page, text);
  }
  assert.equal(readFileSync(page, 'utf8'), text, 'run it with UPDATE=1');
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { complaints, linesOf, merged, parse, render, type Line } from './clients.ts';
import { readSection } from './page.ts';
import { registered } from './registered.ts';
import type { Row } from './scenarios.ts';

void test('docs/compatibility.md has a line for every scenario of the test files, and no other', async () => {
  assert.deepEqual(
    complaints(parse(readSection('clients')), await registered()),
    [],
    'see scenarios.ts for how to run them',
  );
});

const row = (name: string, outcome: Row['outcome'], note = ''): Row => ({
  client: 'docker 28',
  name,
  file: 'test/clients/x.test.ts',
  outcome,
  note,
});

void test('the table is read back as it was written', () => {
  const lines = linesOf([
    row('one | two', 'works'),
    row('build *', 'refused', 'a | b\n  and more'),
    { ...row('up', 'skipped', 'no such program'), client: 'Buildah' },
  ]);
  assert.deepEqual(parse(render(lines)), lines);
});

void test('what a run did not have keeps its line; what no test has any more loses it; passing alone counts', () => {
  const line = (name: string, result: string): Line => ({ ...(linesOf([row(name, 'works')])[0] as Line), result });
  const news = linesOf([row('b', 'fails', 'too late'), row('b', 'works'), row('c', 'refused', 'no')]);
  const tests = linesOf([row('c', 'registered'), row('a', 'registered'), row('b', 'registered')]);
  const lines = merged([line('a', 'works'), line('b', 'skipped'), line('gone', 'works')], news, tests);
  assert.deepEqual(lines, [line('c', 'refused: no'), line('a', 'works'), line('b', 'works')]);
  assert.deepEqual(complaints(lines, tests), []);
  assert.deepEqual(complaints([line('a', 'fails: x'), line('z', 'works')], tests.slice(1)), [
    'no line for test/clients/x.test.ts: docker 28: b',
    'a line without a test: docker 28: z',
    'docker 28: a fails: x',
  ]);
});

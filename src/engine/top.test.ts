import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePs, refuseFalsePid } from './top.ts';

void test('processes of others are left out, threads of one’s own are not', () => {
  const text = `UID          PID     LWP CMD
root           7       - sleep   100
root           -       7 -
root           8       - other
root           -       8 -
`;
  assert.deepEqual(parsePs(text, new Set([7])), {
    Titles: ['UID', 'PID', 'LWP', 'CMD'],
    Processes: [
      ['root', '7', '-', 'sleep 100'],
      ['root', '-', '7', '-'],
    ],
  });
  assert.throws(() => parsePs('COMMAND\nsleep\n', new Set()), { message: "Couldn't find PID field in ps output" });
});

void test('a column that only pretends to be the PID', () => {
  assert.throws(() => refuseFalsePid('-o comm=PID -o pid'), { message: 'specifying "comm=PID" is not allowed' });
  assert.throws(() => refuseFalsePid(' -o  x= PIDX'), { kind: 'System' });
  refuseFalsePid('-o pid=PID,comm');
});

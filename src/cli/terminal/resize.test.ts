import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiClient } from '../client.ts';
import { followSize } from './resize.ts';

void test('sizes arrive in order, the latest last, however slow the daemon is', async () => {
  const sent: string[] = [];
  let underWay = 0;
  const client = {
    json: async (_method: string, path: string, options: { query: { h: number; w: number } }) => {
      assert.equal(++underWay, 1, 'one request at a time');
      await sleep(5);
      underWay--;
      sent.push(`${path} ${options.query.h}x${options.query.w}`);
    },
  } as unknown as ApiClient;
  const stdout = Object.assign(new EventEmitter(), { isTTY: true, rows: 24, columns: 80 });
  const end = followSize(client, '/containers/x', stdout as unknown as NodeJS.WriteStream);
  for (const columns of [90, 100, 120]) {
    stdout.columns = columns;
    stdout.emit('resize');
  }
  await sleep(60);
  end();
  stdout.emit('resize');
  await sleep(10);
  assert.equal(sent.at(-1), '/containers/x/resize 24x120');
  assert.ok(sent.length <= 2, sent.join(', '));
});

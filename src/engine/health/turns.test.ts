import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { probeDirectory } from './leftovers.ts';
import { Turns } from './turns.ts';

void test('turns: in order, and who gives up holds neither himself nor others up', async () => {
  const turns = new Turns();
  const stay = new AbortController();
  const order: number[] = [];
  const patient = [1, 2].map(async (number) => turns.next(stay.signal).then(() => order.push(number)));
  const leave = new AbortController();
  const left = Array.from({ length: 1000 }, async () => turns.next(leave.signal));
  const last = turns.next(stay.signal).then(() => order.push(3));
  leave.abort();
  // Twenty seconds of turns were before the last of these.
  const results = await Promise.allSettled(left);
  assert.ok(results.every(({ status }) => status === 'rejected'));
  assert.ok(order.length < 3);
  await Promise.all([...patient, last]);
  assert.deepEqual(order, [1, 2, 3]);
  await assert.rejects(turns.next(leave.signal));
});

void test('turns: after a slow begin clients have as much time', async () => {
  const turns = new Turns();
  const { signal } = new AbortController();
  await turns.next(signal);
  const next = turns.next(signal).then(() => 'the next');
  const end = performance.now() + 200;
  while (performance.now() < end);
  assert.equal(await Promise.race([next, sleep(100).then(() => 'a client')]), 'a client');
  await next;
});

void test('a probe is known by a file in a directory of the daemon’s own, not by what a process calls itself', () => {
  const paths = { execs: '/run/berth/e' };
  assert.equal(probeDirectory(paths, '/run/berth/e/0123abcd/probe.json'), '/run/berth/e/0123abcd');
  for (const word of [
    '/run/berth/e/probe.json',
    '/run/berth/e//probe.json',
    '/run/berth/e/../probe.json',
    '/run/berth/e/../../../proc/7/root/tmp/probe.json',
    '/run/berth/e/0123abcd/x/probe.json',
    '/run/berth/e/0123abcd/process.json',
    'x/run/berth/e/0123abcd/probe.json',
  ]) {
    assert.equal(probeDirectory(paths, word), undefined, word);
  }
});

/** What one client asks must not keep the others waiting. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { hostTest } from '../support/host.ts';

hostTest('a filter whose matching explodes', {}, async (host) => {
  const daemon = await host.startDaemon();
  await daemon.dockerOk('create', '--name', `${'a'.repeat(60)}_`, 'busybox');
  const filters = encodeURIComponent(JSON.stringify({ name: ['((a+)+)+$'] }));
  const answer = daemon.api('GET', `/containers/json?all=1&filters=${filters}`);
  const first = await Promise.race([answer, sleep(3000)]);
  // Else it would not hear SIGTERM either.
  if (first === undefined) await daemon.kill9();
  assert.deepEqual(first, { status: 200, body: [] });
});

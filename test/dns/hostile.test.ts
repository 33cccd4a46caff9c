/** What containers send is hostile: the process goes on, and others are answered. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { OUTSIDE, hostTest } from '../support/host.ts';
import { endpoint, makeContainer, netdProcesses, sandbox, startDaemonSide, startServer } from './support.ts';

const script = new URL('hostile-process.ts', import.meta.url).pathname;
const hostile = (what: string): string[] => [process.execPath, '--disable-warning=ExperimentalWarning', script, what];

hostTest('garbage and floods of one container do not reach the others', { outside: true }, async (host) => {
  const daemon = startDaemonSide(host);
  await using bad = await makeContainer(host, 'bad');
  await using good = await makeContainer(host, 'good');
  await using _server = await startServer(host.outside, OUTSIDE.ip4);
  await daemon.putNames(sandbox('s-bad', bad.path, { endpoints: [endpoint('n', '10.1.0.2', ['bad', '*.box'])] }));
  await daemon.putNames(sandbox('s-good', good.path, { endpoints: [endpoint('n', '10.1.0.3', ['good'])] }));
  const [pid = 0] = netdProcesses(host);

  await bad.run(...hostile('garbage'));
  assert.deepEqual(await good.short('bad'), ['10.1.0.2']);
  assert.deepEqual(await bad.short('good'), ['10.1.0.3']);
  assert.deepEqual(await bad.short('+tcp', 'good'), ['10.1.0.3'], 'open connections make room');

  await bad.run(...hostile('flood'));
  assert.deepEqual(await good.short('good'), ['10.1.0.3']);
  assert.deepEqual(await good.short('a-9.test'), ['192.0.2.9'], 'asked of the same server');
  assert.deepEqual(await bad.short('a-8.test'), ['192.0.2.8'], 'and the busy one is not refused');
  assert.deepEqual(netdProcesses(host), [pid]);
  const descriptors = Number(/FDSize:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  assert.ok(descriptors <= 16_384, `${descriptors}`);
  assert.deepEqual(daemon.log, []);
  await daemon.close({ keep: false });
});

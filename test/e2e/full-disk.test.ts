/** A disk that fills up while containers run: their ends are told, restarts go on when there is room again, and berthd lives. */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import type { Daemon } from '../support/daemon.ts';
import { hostTest } from '../support/host.ts';
import { until } from '../support/wait.ts';

interface Inspected {
  State: { Status: string; Pid: number; ExitCode: number; Health?: { Status: string } };
}
const look = async (daemon: Daemon, name: string): Promise<Inspected['State']> =>
  (await daemon.api<Inspected>('GET', `/containers/${name}/json`)).body.State;

hostTest('a disk that is full: ends, restarts by policy, healthchecks', {}, async (host) => {
  const data = `${host.root}/d0/data`;
  mkdirSync(data, { recursive: true });
  await host.run('mount', '-t', 'tmpfs', '-o', 'size=48m', 'tmpfs', data);
  const daemon = await host.startDaemon();
  const run = async (name: string, ...flags: string[]): Promise<string> =>
    daemon.dockerOk('run', '-d', '--name', name, ...flags, 'busybox', 'sleep', '1000');
  await run('again', '--restart', 'always');
  await run('once');
  await run('removed');
  await run(
    'ill',
    '--tmpfs',
    '/t',
    '--health-cmd',
    'test ! -e /t/ill',
    '--health-interval',
    '100ms',
    '--health-retries',
    '1',
  );
  const healthy = async (status: string): Promise<void> =>
    until(async () => (await look(daemon, 'ill')).Health?.Status === status, 20_000, status);
  await healthy('healthy');
  const { pid } = daemon;
  await host.exec(['dd', 'if=/dev/zero', `of=${data}/fill`, 'bs=4k']);

  const waiting = daemon.docker('wait', 'once');
  for (const name of ['once', 'again']) await host.run('kill', '-9', String((await look(daemon, name)).Pid));
  assert.equal((await waiting).stdout, '137\n');
  await until(() => daemon.log().includes('a restart by policy failed'), 20_000, 'a restart that fails');
  await daemon.dockerOk('exec', 'ill', 'touch', '/t/ill');
  await healthy('unhealthy');
  await daemon.dockerOk('exec', 'ill', 'rm', '/t/ill');
  await healthy('healthy');
  await daemon.docker('rm', '-f', 'removed');
  assert.equal(daemon.running() && daemon.pid, pid);

  await host.run('rm', `${data}/fill`);
  await until(async () => (await look(daemon, 'again')).Status === 'running', 90_000, 'the restart');
  assert.equal(daemon.pid, pid);
  // It may be gone by now.
  await daemon.docker('rm', '-f', 'removed');
  assert.notEqual((await daemon.docker('inspect', 'removed')).code, 0);
  await daemon.restart();
  assert.deepEqual(await look(daemon, 'once').then(({ Status, ExitCode }) => [Status, ExitCode]), ['exited', 137]);
  assert.equal((await look(daemon, 'again')).Status, 'running');
  await daemon.removeContainers();
  await daemon.stop();
  await host.run('umount', data);
});

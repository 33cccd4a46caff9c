/** Healthchecks: what inspect, ps and events say of them, what probes leave, and a berthd that is killed in the midst of one. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Daemon } from '../support/daemon.ts';
import { hostTest } from '../support/host.ts';
import { until } from '../support/wait.ts';

interface Health {
  Status: string;
  FailingStreak: number;
  Log: { Start: string; End: string; ExitCode: number; Output: string }[];
}

const healthOf = async (daemon: Daemon, name: string): Promise<Health | undefined> => {
  const { body } = await daemon.api<{ State: { Health?: Health } }>('GET', `/containers/${name}/json`);
  return body.State.Health;
};
const becomes = async (daemon: Daemon, name: string, status: string): Promise<void> =>
  until(async () => (await healthOf(daemon, name))?.Status === status, 20_000, `${name} ${status}`);
const FAST = ['--health-interval', '150ms'];

hostTest('healthchecks with both clients: state, ps, filters, events, output, the image’s', {}, async (host) => {
  const daemon = await host.startDaemon();
  const run = async (name: string, ...flags: string[]): Promise<string> =>
    daemon.dockerOk('run', '-d', '--name', name, ...flags, 'busybox', 'sleep', '1000');
  const column = async (ok: Daemon['dockerOk'], name: string): Promise<string> =>
    ok('ps', '-a', '--filter', `name=^/${name}$`, '--format', '{{.Status}}');

  // By a file inside: the same container is healthy, then not, then again.
  for (const [client, ok] of [
    ['docker', daemon.dockerOk],
    ['berth', daemon.berthOk],
  ] as const) {
    const flags = ['--health-cmd', 'test -e /ok', '--health-retries', '2', '--health-timeout', '20s', ...FAST];
    await ok('run', '-d', '--name', 'one', ...flags, '--health-start-period', '1h', '--health-start-interval', '50ms',
      'busybox', 'sleep', '1000'); // prettier-ignore
    assert.match(await column(ok, 'one'), /^Up .* \(health: starting\)$/);
    await until(async () => ((await healthOf(daemon, 'one'))?.Log.length ?? 0) >= 2, 20_000, 'two probes');
    assert.deepEqual(
      await healthOf(daemon, 'one').then((health) => [health?.Status, health?.FailingStreak, health?.Log[0]?.ExitCode]),
      ['starting', 0, 1],
      client,
    );
    await ok('exec', 'one', 'touch', '/ok');
    await becomes(daemon, 'one', 'healthy');
    assert.match(await column(ok, 'one'), /^Up .* \(healthy\)$/);
    assert.equal(await ok('ps', '--filter', 'health=healthy', '--format', '{{.Names}}'), 'one');
    for (const other of ['starting', 'unhealthy', 'none']) {
      assert.equal(await ok('ps', '--filter', `health=${other}`, '--format', '{{.Names}}'), '');
    }
    const list = async (version: string): Promise<unknown> =>
      (await daemon.api<{ Health?: object }[]>('GET', `/${version}/containers/json`)).body[0]?.Health;
    assert.deepEqual(await list('v1.52'), { Status: 'healthy', FailingStreak: 0 });
    assert.equal(await list('v1.51'), undefined);
    await ok('exec', 'one', 'rm', '/ok');
    await becomes(daemon, 'one', 'unhealthy');
    assert.match(await column(ok, 'one'), /^Up .* \(unhealthy\)$/);
    const health = await healthOf(daemon, 'one');
    assert.ok((health?.FailingStreak ?? 0) >= 2 && (health?.Log.length ?? 9) <= 5);
    assert.match(health?.Log[0]?.Start ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
    assert.equal(await ok('inspect', '-f', '{{.State.Health.Status}}', 'one'), 'unhealthy');
    await ok('rm', '-f', 'one');
  }
  const events = await daemon.dockerOk('events', '--since', '1h', '--until', '0s', '--format', '{{.Action}}');
  assert.match(events, /exec_create: \/bin\/sh -c test -e \/ok\nexec_start: \/bin\/sh -c test -e \/ok\nexec_die\n/);
  assert.match(events, /health_status: healthy\n[^]*health_status: unhealthy\n/);

  // Output, and what cannot be run.
  const big = 'yes 0123456789 | head -c 9000; exit 3';
  await run('big', '--health-cmd', big, ...FAST);
  await run('gone', '--health-cmd', 'true', ...FAST);
  const { status } = await daemon.api('POST', '/containers/create?name=odd', {
    Image: 'busybox',
    Cmd: ['sleep', '1000'],
    Healthcheck: { Test: ['CMD', '/no/such/program'], Interval: 50_000_000, Retries: 1 },
  });
  assert.equal(status, 201);
  await daemon.dockerOk('start', 'odd');
  await becomes(daemon, 'odd', 'unhealthy');
  const odd = (await healthOf(daemon, 'odd'))?.Log[0];
  assert.equal(odd?.ExitCode, -1);
  assert.match(odd?.Output ?? '', /^OCI runtime exec failed: .*\/no\/such\/program.*: unknown$/);
  await becomes(daemon, 'big', 'unhealthy');
  const full = (await healthOf(daemon, 'big'))?.Log[0];
  assert.equal(full?.ExitCode, 3);
  assert.equal(full?.Output.length, 4096 + '...'.length);
  await daemon.dockerOk('rm', '-f', 'odd', 'big');

  // Paused and stopped nobody asks; dockerd calls both unhealthy.
  await becomes(daemon, 'gone', 'healthy');
  await daemon.dockerOk('pause', 'gone');
  const still = await healthOf(daemon, 'gone');
  assert.equal(still?.Status, 'unhealthy');
  await sleep(500);
  assert.deepEqual(await healthOf(daemon, 'gone'), still);
  await daemon.dockerOk('unpause', 'gone');
  await becomes(daemon, 'gone', 'healthy');
  await daemon.dockerOk('kill', 'gone');
  assert.equal((await healthOf(daemon, 'gone'))?.Status, 'unhealthy');
  assert.match(await column(daemon.dockerOk, 'gone'), /^Exited \(137\)/);
  await daemon.dockerOk('start', 'gone');
  await becomes(daemon, 'gone', 'healthy');

  // From an image, changed by flags, and turned off.
  const change = 'HEALTHCHECK --interval=50ms --retries=7 CMD test -e /etc/passwd';
  await host.run('tar', '-cf', `${host.root}/root.tar`, '-C', host.root, 'd0/daemon.json');
  await daemon.dockerOk('import', '-c', change, `${host.root}/root.tar`, 'checked');
  const { body } = await daemon.api<{ Id: string }>('POST', '/containers/create?name=own', {
    Image: 'checked',
    Cmd: ['x'],
    Healthcheck: { Retries: 2 },
  });
  assert.ok(body.Id);
  assert.equal(
    await daemon.dockerOk('inspect', '-f', '{{json .Config.Healthcheck}}', 'own'),
    '{"Test":["CMD-SHELL","test -e /etc/passwd"],"Interval":50000000,"Retries":2}',
  );
  await daemon.dockerOk('create', '--name', 'off', '--no-healthcheck', 'checked', 'x');
  assert.equal(await daemon.dockerOk('inspect', '-f', '{{json .Config.Healthcheck.Test}}', 'off'), '["NONE"]');
});

hostTest('healthchecks: the timeout, ends in the midst of a probe, a berthd that is killed', {}, async (host) => {
  const daemon = await host.startDaemon();
  // A tree of processes, each with a name of its own.
  const hang = 'echo begun; sleep 31337 & sh -c "sleep 31338; true"; wait';
  const begin = async (name: string, ...flags: string[]): Promise<string> =>
    daemon.dockerOk('run', '-d', '--name', name, ...FAST, ...flags, 'busybox', 'sleep', '1000');
  const hanging = async (): Promise<string[]> =>
    (await host.exec(['pgrep', '-f', 'sleep 3133[78]|probe\\.json'])).stdout.split('\n').filter(Boolean);
  const probing = async (): Promise<void> => until(async () => (await hanging()).length >= 3, 20_000, 'a probe');
  const quiet = async (): Promise<void> =>
    until(async () => (await hanging()).length === 0, 20_000, 'the end of a probe');

  await begin('late', '--health-cmd', hang, '--health-timeout', '4s', '--health-retries', '1');
  await becomes(daemon, 'late', 'unhealthy');
  const first = (await healthOf(daemon, 'late'))?.Log[0];
  assert.deepEqual([first?.ExitCode, first?.Output], [-1, 'Health check exceeded timeout (4s): begun\n']);
  await daemon.dockerOk('rm', '-f', 'late');
  await quiet();

  for (const end of [['kill'], ['pause'], ['rm', '-f']]) {
    await begin('busy', '--health-cmd', hang);
    await probing();
    await daemon.dockerOk(...end, 'busy');
    await quiet();
    await daemon.docker('rm', '-f', 'busy');
  }
  await begin('busy', '--health-cmd', hang);
  await probing();
  await daemon.stop();
  await quiet();
  await daemon.restart();

  // The probe of a berthd that was killed is ended by the next one, which asks again.
  await probing();
  const before = await hanging();
  await daemon.kill9();
  assert.ok((await hanging()).length >= 2);
  await daemon.restart();
  await until(async () => !(await hanging()).some((pid) => before.includes(pid)), 20_000, 'the end of the old probe');
  await probing();
  assert.equal((await healthOf(daemon, 'busy'))?.Status, 'starting');
  await daemon.dockerOk('rm', '-f', 'busy');
  await quiet();

  // What was known is known still.
  await begin('steady', '--health-cmd', 'test -e /etc/passwd');
  await becomes(daemon, 'steady', 'healthy');
  await daemon.kill9();
  await daemon.restart();
  assert.equal((await healthOf(daemon, 'steady'))?.Status, 'healthy');
  const last = (await healthOf(daemon, 'steady'))?.Log.at(-1)?.Start;
  await until(async () => (await healthOf(daemon, 'steady'))?.Log.at(-1)?.Start !== last, 20_000, 'a probe more');
  // A process of a container that calls itself a probe's runtime, with a process of the host in a file of its own.
  host.spawn(['sleep', '31339']);
  const victims = async (): Promise<string> => (await host.exec(['pgrep', '-xf', 'sleep 31339'])).stdout.trim();
  await until(async () => (await victims()) !== '', 20_000, 'a process of the host');
  const out = `${daemon.execRoot}/e/${'../'.repeat(20)}`;
  const words = [`${daemon.execRoot}/runtime`, `${out}${daemon.dataRoot.slice(1)}/volumes/forged/_data/probe.json`];
  const forge = `echo ${await victims()} >/v/pid; sleep 1000; true`;
  await daemon.dockerOk('run', '-d', '--name', 'forger', '-v', 'forged:/v', 'busybox', 'sh', '-c', forge, ...words);
  await until(() => existsSync(`${daemon.dataRoot}/volumes/forged/_data/pid`), 20_000, 'the file');
  await daemon.kill9();
  await daemon.restart();
  assert.notEqual(await victims(), '');
  await host.run('kill', '-9', await victims());
});

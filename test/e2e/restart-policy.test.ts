/** Restart policies: counts, states between two runs, what ends them, and a berthd that stops or is killed in between. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { writeFileSync } from 'node:fs';
import type { Daemon } from '../support/daemon.ts';
import { hostTest } from '../support/host.ts';
import { until } from '../support/wait.ts';

interface Inspected {
  RestartCount: number;
  State: { Status: string; Running: boolean; Restarting: boolean; Pid: number; ExitCode: number; Error: string };
}

const look = async (daemon: Daemon, name: string): Promise<Inspected> =>
  (await daemon.api<Inspected>('GET', `/containers/${name}/json`)).body;
const status = async (daemon: Daemon, name: string): Promise<string> => (await look(daemon, name)).State.Status;
const becomes = async (daemon: Daemon, name: string, wanted: string): Promise<void> =>
  until(async () => (await status(daemon, name)) === wanted, 20_000, `${name} ${wanted}`);
const restarted = async (daemon: Daemon, name: string, times: number): Promise<void> =>
  until(async () => (await look(daemon, name)).RestartCount >= times, 20_000, `${times} restarts of ${name}`);

hostTest('restart policies: counts, the wait between two runs, what ends it', {}, async (host) => {
  const daemon = await host.startDaemon();
  const run = async (name: string, policy: string, script: string): Promise<string> =>
    daemon.dockerOk('run', '-d', '--name', name, '--restart', policy, 'busybox', 'sh', '-c', script);

  await run('three', 'on-failure:3', 'exit 7');
  await until(async () => (await look(daemon, 'three')).State.Status === 'exited', 20_000, 'the last try');
  assert.deepEqual(await look(daemon, 'three').then((x) => [x.RestartCount, x.State.ExitCode, x.State.Running]), [
    3,
    7,
    false,
  ]);
  await run('good', 'on-failure', 'exit 0');
  await becomes(daemon, 'good', 'exited');
  assert.equal((await look(daemon, 'good')).RestartCount, 0);

  for (const [ok, client] of [
    [daemon.dockerOk, daemon.docker],
    [daemon.berthOk, daemon.berth],
  ] as const) {
    // After five ends the wait takes over a second.
    const id = await ok('run', '-d', '--name', 'loop', '--restart', 'always', 'busybox', 'sh', '-c', 'exit 1');
    await restarted(daemon, 'loop', 5);
    await becomes(daemon, 'loop', 'restarting');
    const { State } = await look(daemon, 'loop');
    assert.deepEqual([State.Running, State.Restarting, State.Pid, State.ExitCode], [true, true, 0, 1]);
    assert.match(await ok('ps', '--format', '{{.State}} {{.Status}}'), /^restarting Restarting \(1\) .* ago$/);
    assert.equal(await ok('ps', '-q', '--no-trunc', '--filter', 'status=restarting'), id);
    for (const [args, text] of [
      [['exec', 'loop', 'true'], `Container ${id} is restarting, wait until the container is running`],
      [['pause', 'loop'], `Container ${id} is restarting, wait until the container is running`],
      [['rm', 'loop'], 'cannot remove container "/loop": container is restarting: stop the container before removing or force remove'], // prettier-ignore
    ] as const) {
      await becomes(daemon, 'loop', 'restarting');
      const { code, stderr } = await client(...args);
      assert.notEqual(code, 0);
      assert.ok(stderr.includes(text), stderr);
    }
    const count = (await look(daemon, 'loop')).RestartCount;
    // Nothing to start: that is under way.
    assert.equal((await daemon.api('POST', '/containers/loop/start')).status, 304);
    assert.ok((await look(daemon, 'loop')).RestartCount >= count);
    await becomes(daemon, 'loop', 'restarting');
    assert.equal(await ok('stop', 'loop'), 'loop');
    assert.equal(await status(daemon, 'loop'), 'exited');
    // Whoever starts it begins to count anew.
    await ok('start', 'loop');
    await restarted(daemon, 'loop', 3);
    await becomes(daemon, 'loop', 'restarting');
    const waiting = client('wait', 'loop');
    await ok('kill', 'loop');
    // By then it may run.
    assert.match((await waiting).stdout, /^(1|137)\n$/);
    await sleep(500);
    assert.equal(await status(daemon, 'loop'), 'exited');
    await ok('start', 'loop');
    await restarted(daemon, 'loop', 4);
    await becomes(daemon, 'loop', 'restarting');
    await ok('restart', 'loop');
    assert.ok((await look(daemon, 'loop')).RestartCount < 4);
    // No more tries: the one that is due comes, none after it.
    await ok('update', '--restart', 'no', 'loop');
    await becomes(daemon, 'loop', 'exited');
    await ok('rm', 'loop');
    await run('loop', 'always', 'exit 1');
    await restarted(daemon, 'loop', 2);
    await ok('rm', '-f', 'loop');
  }
  const refused = await daemon.docker('create', '--rm', '--restart', 'always', 'busybox');
  assert.match(refused.stderr, /--restart|AutoRemove/);
  const both = { Image: 'busybox', HostConfig: { AutoRemove: true, RestartPolicy: { Name: 'always' } } };
  const answer = await daemon.api<{ message: string }>('POST', '/containers/create', both);
  assert.deepEqual(
    [answer.status, answer.body.message],
    [400, "can't create 'AutoRemove' container with restart policy"],
  );

  // A start by policy that fails is tried again until it comes about; a client's own is not.
  writeFileSync(`${host.root}/mounted`, 'x');
  await daemon.dockerOk(
    'run',
    '-d',
    '--name',
    'bound',
    '--restart',
    'always',
    '-v',
    `${host.root}/mounted:/etc/mounted:ro`,
    'busybox',
    'sh',
    '-c',
    'test -e /stay || exit 1; sleep 1000',
  );
  await host.run('rm', `${host.root}/mounted`);
  await until(async () => (await look(daemon, 'bound')).State.Error !== '', 20_000, 'a start that fails');
  assert.equal(await status(daemon, 'bound'), 'restarting');
  writeFileSync(`${host.root}/mounted`, 'x');
  await until(async () => (await look(daemon, 'bound')).State.Error === '', 20_000, 'a start that does not');
  await daemon.dockerOk('rm', '-f', 'bound');
  const failing = await daemon.docker('run', '-d', '--name', 'never', '--restart', 'always', 'busybox', '/no/such');
  assert.equal(failing.code, 127);
  await sleep(500);
  assert.equal(await status(daemon, 'never'), 'created');
});

hostTest('restart policies: berthd stops, is killed, and begins again', {}, async (host) => {
  const daemon = await host.startDaemon();
  const run = async (name: string, policy: string, script: string): Promise<string> =>
    daemon.dockerOk('run', '-d', '--name', name, '--restart', policy, 'busybox', 'sh', '-c', script);
  await run('always', 'always', 'sleep 1000');
  await run('unless', 'unless-stopped', 'sleep 1000');
  await run('failed', 'on-failure:1', 'exit 4');
  await run('done', 'on-failure', 'exit 0');
  await run('loop', 'always', 'exit 1');
  await becomes(daemon, 'failed', 'exited');
  await becomes(daemon, 'done', 'exited');
  await daemon.dockerOk('stop', '-t', '0', 'always', 'unless');
  await restarted(daemon, 'loop', 4);
  await becomes(daemon, 'loop', 'restarting');
  for (const end of ['stop', 'kill9'] as const) {
    await daemon[end]();
    await daemon.restart();
    await becomes(daemon, 'always', 'running');
    assert.equal(await status(daemon, 'unless'), 'exited');
    assert.equal(await status(daemon, 'failed'), 'exited');
    assert.equal(await status(daemon, 'done'), 'exited');
    await restarted(daemon, 'loop', 1);
    await daemon.dockerOk('stop', '-t', '0', 'always');
    await becomes(daemon, 'loop', 'restarting');
  }
  await daemon.dockerOk('stop', 'loop');
  // What ended while there was no berthd is started again by the next one.
  await daemon.dockerOk('start', 'unless');
  const { State } = await look(daemon, 'unless');
  await daemon.kill9();
  await host.run('sh', '-c', `kill -9 ${(await host.run('pgrep', '-x', 'sleep')).trim().split('\n').join(' ')}`);
  await daemon.restart();
  await becomes(daemon, 'unless', 'running');
  assert.notEqual((await look(daemon, 'unless')).State.Pid, State.Pid);
  // A process that is killed by others than the daemon is started again, and counted.
  await host.run('sh', '-c', `kill -9 ${(await host.run('pgrep', '-x', 'sleep')).trim().split('\n').join(' ')}`);
  await until(async () => (await look(daemon, 'unless')).RestartCount > 0, 20_000, 'the restart');
  await becomes(daemon, 'unless', 'running');
});

hostTest('restarts: several at once, and those that are due while berthd begins', {}, async (host) => {
  const daemon = await host.startDaemon();
  const autoRemove = async (): Promise<string> => daemon.dockerOk('inspect', '-f', '{{.HostConfig.AutoRemove}}', 'rm');
  await daemon.dockerOk('run', '-d', '--rm', '--name', 'rm', 'busybox', 'sleep', '1000');
  const asked = await Promise.all(['1', '2', '3'].map(async () => daemon.api('POST', '/containers/rm/restart?t=0')));
  assert.deepEqual(
    asked.map(({ status: code }) => code),
    [204, 204, 204],
  );
  assert.equal(await autoRemove(), 'true');
  await daemon.kill9();
  await daemon.restart();
  assert.equal(await autoRemove(), 'true');
  assert.equal(await status(daemon, 'rm'), 'running');
  await daemon.dockerOk('stop', '-t', '0', 'rm');
  await until(async () => (await daemon.docker('inspect', 'rm')).code !== 0, 20_000, 'the removal');

  const names = Array.from({ length: 10 }, (_, index) => `c${index}`);
  await Promise.all(
    names.map(async (name) => daemon.dockerOk('run', '-d', '--name', name, '--restart', 'always', 'busybox', 'sleep', '1000')), // prettier-ignore
  );
  await daemon.kill9();
  await host.run('sh', '-c', 'kill -9 $(pgrep -x sleep)');
  await daemon.restart();
  for (const name of names) await becomes(daemon, name, 'running');
  for (const name of names) assert.equal((await look(daemon, name)).RestartCount, 0, name);
  assert.doesNotMatch(daemon.log(), /restart by policy failed/);

  // berthd is killed between the making of a process by policy and the word to go.
  await host.run('sh', '-c', 'kill -9 $(pgrep -x sleep)');
  await restarted(daemon, 'c0', 1);
  await becomes(daemon, 'c0', 'running');
  const id = await daemon.dockerOk('inspect', '-f', '{{.Id}}', 'c0');
  await daemon.kill9();
  writeFileSync(`${daemon.execRoot}/runtime/${id}/exec.fifo`, '');
  await daemon.restart();
  await becomes(daemon, 'c0', 'running');
});

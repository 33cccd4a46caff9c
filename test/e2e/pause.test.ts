/** Containers that stand still: both clients, what is refused, what ends the pause, and a berthd that is killed in the midst. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Daemon } from '../support/daemon.ts';
import { hostTest, type Host } from '../support/host.ts';
import { until } from '../support/wait.ts';

const COUNT = 'i=0; while :; do i=$((i+1)); echo $i > /n; usleep 20000; done';
const state = async (daemon: Daemon, name: string): Promise<string> =>
  daemon.dockerOk('inspect', '-f', '{{.State.Status}} {{.State.Running}} {{.State.Paused}}', name);

/** Of the container's control group, by the file of the hierarchy that has it. */
function freezerFile(host: Host, id: string): { file: string; frozen: string; thawed: string } {
  const v1 = `/sys/fs/cgroup/freezer${host.cgroupParent}/${id}/freezer.state`;
  if (existsSync(v1)) return { file: v1, frozen: 'FROZEN', thawed: 'THAWED' };
  return { file: `/sys/fs/cgroup${host.cgroupParent}/${id}/cgroup.freeze`, frozen: '1', thawed: '0' };
}

hostTest('pause and unpause: state, refusals, what ends a pause, restarts of berthd', {}, async (host) => {
  const daemon = await host.startDaemon();
  const begin = async (name: string, ...flags: string[]): Promise<string> =>
    daemon.dockerOk('run', '-d', '--name', name, ...flags, 'busybox', 'sh', '-c', COUNT);
  /** '' before the first. */
  const counted = async (name: string): Promise<string> => {
    const file = `${await daemon.dockerOk('inspect', '-f', '{{.GraphDriver.Data.UpperDir}}', name)}/n`;
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  };

  for (const [ok, client] of [
    [daemon.dockerOk, daemon.docker],
    [daemon.berthOk, daemon.berth],
  ] as const) {
    const id = await begin('ct');
    await until(async () => (await counted('ct')) !== '', 10_000, 'a count');
    assert.equal(await ok('pause', 'ct'), 'ct');
    assert.equal(await state(daemon, 'ct'), 'paused true true');
    assert.match(await ok('ps', '--format', '{{.State}} {{.Status}}'), /^paused Up .* \(Paused\)$/);
    assert.equal(await ok('ps', '-q', '--no-trunc', '--filter', 'status=paused'), id);
    assert.equal(await ok('ps', '-q', '--filter', 'status=running'), '');
    assert.match(
      await ok('info', '--format', '{{.ContainersRunning}} {{.ContainersPaused}} {{.ContainersStopped}}'),
      /^0 1 0$/,
    );
    const before = await counted('ct');
    for (const [args, text] of [
      [['pause', 'ct'], `Container ${id} is already paused`],
      [['exec', 'ct', 'true'], `Container ${id} is paused, unpause the container before exec`],
      [['start', 'ct'], 'cannot start a paused container, try unpause instead'],
      [['rm', 'ct'], 'cannot remove container "/ct": container is paused and must be unpaused first'],
      [['attach', 'ct'], /cannot attach to a paused container, unpause it first/],
    ] as const) {
      const { code, stderr } = await client(...args);
      assert.notEqual(code, 0, args.join(' '));
      if (typeof text === 'string') assert.ok(stderr.includes(text), stderr);
      else assert.match(stderr, text);
    }
    assert.match(await ok('top', 'ct'), /sh -c/);
    assert.equal(await counted('ct'), before);
    assert.equal(await ok('unpause', 'ct'), 'ct');
    assert.equal(await state(daemon, 'ct'), 'running true false');
    await until(async () => (await counted('ct')) !== before, 10_000, 'the count to go on');
    const not = await client('unpause', 'ct');
    assert.ok(not.stderr.includes(`Container ${id} is not paused`), not.stderr);
    assert.equal(not.code, 1);

    await ok('rm', '-f', 'ct');
  }

  // Each of these ends the pause first.
  const first = await begin('ct');
  await daemon.berthOk('pause', 'ct');
  assert.equal(await daemon.berthOk('stop', '-t', '0', 'ct'), 'ct');
  assert.equal(await state(daemon, 'ct'), 'exited false false');
  const idle = await daemon.berth('pause', 'ct');
  assert.ok(idle.stderr.includes(`container ${first} is not running`), idle.stderr);
  await daemon.berthOk('start', 'ct');
  await daemon.berthOk('pause', 'ct');
  await daemon.berthOk('kill', 'ct');
  assert.equal(await daemon.dockerOk('inspect', '-f', '{{.State.ExitCode}}', 'ct'), '137');
  await daemon.berthOk('start', 'ct');
  await daemon.berthOk('pause', 'ct');
  await daemon.berthOk('restart', '-t', '0', 'ct');
  assert.equal(await state(daemon, 'ct'), 'running true false');
  await daemon.berthOk('pause', 'ct');
  await daemon.berthOk('rm', '-f', 'ct');

  const watch = 'events --since 1h --until -1s --filter type=container --format {{.Action}}';
  const events = await daemon.dockerOk(...watch.split(' '));
  assert.match(events, /start\npause\ntop\nunpause\n[^]*start\npause\nkill\nunpause\nkill\ndie\nstop\n/);

  // The record and the kernel after each way for berthd to go.
  const id = await begin('ct', '--restart', 'always');
  const { file, frozen, thawed } = freezerFile(host, id);
  await daemon.dockerOk('pause', 'ct');
  await daemon.restart();
  assert.equal(await state(daemon, 'ct'), 'paused true true');
  await daemon.kill9();
  await daemon.restart();
  assert.equal(await state(daemon, 'ct'), 'paused true true');
  // Killed between the word to the kernel and the record.
  await daemon.kill9();
  writeFileSync(file, thawed);
  await daemon.restart();
  assert.equal(await state(daemon, 'ct'), 'running true false');
  await daemon.kill9();
  writeFileSync(file, frozen);
  await daemon.restart();
  assert.equal(await state(daemon, 'ct'), 'paused true true');
  await daemon.dockerOk('unpause', 'ct');
  // Its monitor is killed while it stands still: nothing of it may be left behind.
  await daemon.dockerOk('pause', 'ct');
  await daemon.dockerOk('update', '--restart', 'no', 'ct');
  const { body } = await daemon.api<{ State: { Pid: number } }>('GET', '/containers/ct/json');
  await host.exec(['sh', '-c', 'kill -9 $(pgrep -f "conmon.*$0")', id]);
  await until(async () => (await state(daemon, 'ct')) === 'exited false false', 15_000, 'the end of the container');
  assert.equal((await host.exec(['kill', '-0', String(body.State.Pid)])).code, 1);
  await daemon.dockerOk('rm', 'ct');
});

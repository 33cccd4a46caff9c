/** Containers live on while berthd does not: stopped in order, killed, or killed in the middle of something. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Daemon } from '../support/daemon.ts';
import type { Host } from '../support/host.ts';
import { hostTest } from '../support/host.ts';
import { until } from '../support/wait.ts';

const inspect = async (daemon: Daemon, name: string, format: string): Promise<string> =>
  daemon.dockerOk('inspect', '-f', format, name);

async function survives(host: Host, interrupt: (daemon: Daemon) => Promise<void>): Promise<void> {
  const daemon = await host.startDaemon();
  await daemon.dockerOk('run', '-d', '--name', 'web', 'busybox', 'sh', '-c', 'while :; do echo tick; sleep 0.1; done');
  await daemon.dockerOk('run', '-d', '--name', 'idle', '--network=none', 'busybox', 'sleep', '1000');
  const format = '{{.State.Running}} {{.State.Pid}} {{.NetworkSettings.IPAddress}} {{.NetworkSettings.SandboxKey}}';
  const before = await inspect(daemon, 'web', format);
  assert.match(before, /^true \d+ 172\./);
  await interrupt(daemon);
  await daemon.restart();
  assert.equal(await inspect(daemon, 'web', format), before, 'the same process, the same network');
  assert.equal(await daemon.dockerOk('ps', '--format', '{{.Names}}'), 'idle\nweb');
  const logged = async (): Promise<number> => (await daemon.dockerOk('logs', 'web')).length;
  const lines = await logged();
  await until(async () => (await logged()) > lines, 3000, 'more output');
  assert.equal(await daemon.dockerOk('exec', 'web', 'echo', 'reached'), 'reached');
  const bridge = await host.run('ip', '-j', '-4', 'address', 'show', 'docker0');
  const [
    {
      addr_info: [{ local }],
    },
  ] = JSON.parse(bridge) as [{ addr_info: [{ local: string }] }];
  await daemon.dockerOk('exec', 'web', 'ping', '-c1', '-W1', local);
  await daemon.dockerOk('run', '--rm', 'busybox', 'ping', '-c1', '-W1', local);
  await daemon.dockerOk('rm', '-f', 'web', 'idle');
}

hostTest('containers outlive an orderly stop', {}, async (host) => {
  await survives(host, async (daemon) => assert.equal(await daemon.stop(), 0));
});

hostTest('containers outlive kill -9', {}, async (host) => {
  await survives(host, async (daemon) => daemon.kill9());
});

hostTest(
  'with --live-restore=false they end with the daemon, and their restart policies hold at the next start',
  {},
  async (host) => {
    const daemon = await host.startDaemon({ args: ['--live-restore=false'] });
    const run = async (name: string, ...rest: string[]): Promise<string> =>
      daemon.dockerOk('run', '-d', '--stop-timeout=1', `--name=${name}`, ...rest);
    await run('again', '--restart=unless-stopped', 'busybox', 'sleep', '1000');
    await run('once', 'busybox', 'sh', '-c', 'trap "exit 3" TERM; sleep 1000 & wait');
    assert.equal(await daemon.stop(), 0);
    assert.ok(!(await host.run('ps', '-e', '-o', 'args')).includes('sleep 1000'));
    await daemon.restart();
    assert.equal(await inspect(daemon, 'once', '{{.State.Status}} {{.State.ExitCode}}'), 'exited 3');
    assert.equal(await inspect(daemon, 'again', '{{.State.Running}}'), 'true');
    await daemon.dockerOk('rm', '-f', 'again', 'once');
  },
);

hostTest('the exit status of a container that ended meanwhile is not lost', {}, async (host) => {
  const daemon = await host.startDaemon();
  await daemon.dockerOk('run', '-d', '--name', 'seven', 'busybox', 'sh', '-c', 'sleep 0.5; exit 7');
  await daemon.dockerOk('run', '-d', '--rm', '--name', 'gone', 'busybox', 'sleep', '0.5');
  await daemon.kill9();
  await sleep(1500);
  await daemon.restart();
  assert.equal(await daemon.dockerOk('wait', 'seven'), '7');
  assert.equal(await inspect(daemon, 'seven', '{{.State.Status}} {{.State.ExitCode}}'), 'exited 7');
  await until(async () => (await daemon.docker('inspect', 'gone')).code !== 0, 3000, 'the removal of a --rm container');
});

hostTest('kill -9 in the middle of runs: the next start cleans up', {}, async (host) => {
  const daemon = await host.startDaemon();
  await daemon.dockerOk('run', '--rm', 'busybox', 'true');
  for (const delay of [15, 45, 75, 105, 140, 200]) {
    const client = daemon.docker('run', '--rm', 'busybox', 'true');
    await sleep(60 + delay);
    await daemon.kill9();
    await client;
    await daemon.restart();
  }
  // Created and never started is a state of its own; everything else went with --rm.
  const left = await daemon.dockerOk('ps', '-a', '--format', '{{.State}}');
  assert.ok(
    left.split('\n').every((state) => state === '' || state === 'created'),
    left,
  );
  await daemon.removeContainers();
  await host.assertClean();
  assert.equal(await daemon.dockerOk('run', '--rm', 'busybox', 'echo', 'fine'), 'fine');
});

hostTest('on a host with cgroup v1 and v2 side by side, crun works', { hybridCgroups: true }, async (host) => {
  const daemon = await host.startDaemon();
  const controllers = '/sys/fs/cgroup/unified/cgroup.controllers';
  if (existsSync(controllers) && readFileSync(controllers, 'utf8').trim() !== '') {
    assert.match(daemon.log(), /cgroup2 mount is out of sight/);
  }
  assert.equal(await daemon.dockerOk('run', '--rm', '--memory=32m', 'busybox', 'echo', 'fine'), 'fine');
  await daemon.dockerOk('run', '-d', '--name', 'web', 'busybox', 'sleep', '1000');
  await daemon.kill9();
  await daemon.restart();
  assert.equal(await daemon.dockerOk('exec', 'web', 'echo', 'reached'), 'reached');
  await daemon.dockerOk('rm', '-f', 'web');
  assert.equal(await daemon.dockerOk('run', '--rm', 'busybox', 'echo', 'again'), 'again');
});

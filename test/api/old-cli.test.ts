/** Debian 12's own docker client (20.10, API 1.41) against the real daemon, beside the one on PATH. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import type { Daemon } from '../support/daemon.ts';
import { createHost, type ExecResult, type Host } from '../support/host.ts';
import { until } from '../support/wait.ts';

const OLD = '/usr/bin/docker';

function missing(): string | false {
  try {
    const version = execFileSync(OLD, ['--version'], { encoding: 'utf8' });
    return /version 20\.10\./.test(version) ? false : `${OLD} is not docker 20.10 but ${version.trim()}`;
  } catch {
    return `${OLD} (docker 20.10, Debian's package docker.io) is missing`;
  }
}

type Run = (...args: string[]) => Promise<ExecResult>;

const oldClient =
  (host: Host, daemon: Daemon): Run =>
  (...args) =>
    host.exec([OLD, ...args], { env: daemon.clientEnv });

/** Times go on between the two calls. */
const steady = ({ stdout, ...rest }: ExecResult): ExecResult => ({
  ...rest,
  stdout: stdout.replace(/(?:Less than a second|About a minute|\d+ \w+)(?: ago)?\b/g, '<time>').replace(/ {2,}/g, '  '),
});

void test('docker 20.10', { skip: missing() }, async (t) => {
  await using host = await createHost();
  const daemon = await host.startDaemon();
  const old = oldClient(host, daemon);
  const ok = async (...args: string[]): Promise<string> => {
    const { stdout, stderr, code } = await old(...args);
    assert.equal(code, 0, `${args.join(' ')}: ${stderr}`);
    return stdout;
  };

  await t.test('version and info', async () => {
    assert.equal(await ok('version', '-f', '{{.Client.APIVersion}} {{.Server.MinAPIVersion}}'), '1.41 1.24\n');
    assert.match(await ok('version'), /Server: Berth\n Engine:\n {2}Version: .*\n {2}API version: +1\.\d+ \(minimum/);
    const info = await ok('info');
    for (const line of ['Storage Driver: overlay2', 'Swarm: inactive', 'Live Restore Enabled: true']) {
      assert.match(info, new RegExp(`^ ${line}$`, 'm'));
    }
  });

  await t.test('run: streams, input, exit code, --rm', async () => {
    const both = await old('run', '--rm', 'busybox', 'sh', '-c', 'echo out; echo err >&2; exit 7');
    assert.deepEqual([both.code, both.stdout], [7, 'out\n']);
    assert.match(both.stderr, /err\n$/);
    const cat = await host.exec([OLD, 'run', '--rm', '-i', 'busybox', 'cat'], {
      env: daemon.clientEnv,
      input: 'through',
    });
    assert.deepEqual([cat.code, cat.stdout], [0, 'through']);
    assert.equal((await old('run', '--rm', 'busybox', '/no/such')).code, 127);
    assert.equal(await ok('ps', '-aq'), '');
  });

  await t.test('says what the new client says', async () => {
    await ok('network', 'create', '--subnet', '10.9.0.0/24', 'back');
    await ok(
      'run',
      '-d',
      '--name',
      'box',
      '-p',
      '127.0.0.1:8080:80',
      '-e',
      'A=b',
      'busybox',
      'sh',
      '-c',
      'echo up; exec sleep 100',
    );
    await ok('network', 'connect', '--ip', '10.9.0.9', '--alias', 'crate', 'back', 'box');
    const commands = [
      ['ps'],
      ['ps', '-a', '--no-trunc', '--filter', 'name=box', '--format', '{{json .Names}} {{.Image}} {{.Status}}'],
      ['logs', 'box'],
      ['exec', 'box', 'sh', '-c', 'echo in; echo bad >&2; exit 4'],
      ['network', 'ls'],
      ['network', 'inspect', 'bridge'],
      ['network', 'inspect', 'none'],
      ['images'],
      ['history', 'busybox'],
      ['port', 'box'],
      ['system', 'df'],
      ['inspect', '-f', '{{.State.Status}} {{.NetworkSettings.IPAddress}} {{json .Config.Env}}', 'box'],
      ['network', 'inspect', '-f', '{{json .Containers}} {{json .IPAM.Config}}', 'back'],
      ['network', 'create', 'back'],
      ['network', 'create', 'bridge'],
      ['network', 'connect', 'back', 'box'],
      ['network', 'disconnect', 'none', 'box'],
      ['inspect', '-f', '{{.NetworkSettings.Networks.back.IPAddress}} {{json .NetworkSettings.Ports}}', 'box'],
      ['events', '--since', '1', '--until', '0s', '--filter', 'event=start', '--format', '{{.Action}} {{.From}}'],
    ];
    for (const command of commands) {
      assert.deepEqual(steady(await old(...command)), steady(await daemon.docker(...command)), command.join(' '));
    }
  });

  await t.test('aliases have the short ID among them, as then', async () => {
    const aliases = JSON.parse(
      await ok('inspect', '-f', '{{json .NetworkSettings.Networks.back.Aliases}}', 'box'),
    ) as string[];
    assert.deepEqual(aliases, ['crate', (await ok('ps', '-q')).trim()]);
  });

  await t.test('inspect has what templates of that time name', async () => {
    const [container] = JSON.parse(await ok('inspect', 'box')) as [Record<string, Record<string, unknown>>];
    assert.match(String(container['NetworkSettings']?.['MacAddress']), /^(?:[0-9a-f]{2}:){5}[0-9a-f]{2}$/);
    assert.equal(container['NetworkSettings']?.['IPPrefixLen'], 16);
    // With one digit more than newer ones, from the field of its time.
    assert.match(await ok('system', 'df', '-v'), /^busybox +latest +.* \d\.\d{3}MB +0B +\d\.\d{3}MB +1$/m);
    assert.ok(Number(await ok('image', 'inspect', '-f', '{{.VirtualSize}}', 'busybox')) > 0);
  });

  await t.test('the rest of a life', async () => {
    assert.equal(await ok('rename', 'box', 'crate'), '');
    assert.equal(await ok('restart', '-t', '0', 'crate'), 'crate\n');
    assert.equal(await ok('stop', '-t', '0', 'crate'), 'crate\n');
    assert.equal(await ok('wait', 'crate'), '137\n');
    assert.equal(await ok('start', 'crate'), 'crate\n');
    assert.equal(await ok('kill', 'crate'), 'crate\n');
    assert.equal(await ok('rm', '-f', 'crate'), 'crate\n');
    assert.match(await ok('container', 'prune', '-f'), /Total reclaimed space: 0B/);
  });

  await t.test('healthchecks, pause, update, restart policies', async () => {
    const checks = ['--health-cmd', 'test -e /etc/passwd', '--health-interval', '50ms', '--health-retries', '2'];
    await ok('run', '-d', '--name', 'hale', '--restart', 'on-failure:2', ...checks, 'busybox', 'sleep', '100');
    const list = ['ps', '--filter', 'health=healthy', '--format', '{{.Names}} {{.Status}}'];
    await until(async () => /^hale Up .* \(healthy\)\n$/.test(await ok(...list)), 20_000, 'a healthy container');
    assert.equal(await ok('pause', 'hale'), 'hale\n');
    assert.match(await ok('ps', '--format', '{{.State}} {{.Status}}'), /^paused Up .* \(Paused\)\n$/);
    assert.match(await ok('info', '-f', '{{.ContainersPaused}}'), /^1\n$/);
    assert.match((await old('pause', 'hale')).stderr, /is already paused/);
    assert.equal(await ok('unpause', 'hale'), 'hale\n');
    assert.match((await old('unpause', 'hale')).stderr, /is not paused/);
    assert.equal(await ok('update', '-m', '64m', '--memory-swap', '64m', '--restart', 'no', 'hale'), 'hale\n');
    assert.equal(
      await ok('inspect', '-f', '{{.HostConfig.Memory}} {{.HostConfig.RestartPolicy.Name}}', 'hale'),
      `${64 << 20} no\n`,
    );
    assert.match((await old('update', '-m', '1m', 'hale')).stderr, /Minimum memory limit allowed is 6MB/);
    await ok('run', '-d', '--name', 'loop', '--restart', 'on-failure:2', 'busybox', 'sh', '-c', 'exit 3');
    const last = ['inspect', '-f', '{{.RestartCount}} {{.State.Status}} {{.State.ExitCode}}', 'loop'];
    await until(async () => (await ok(...last)) === '2 exited 3\n', 20_000, 'the last try');
    await ok('rm', '-f', 'hale', 'loop');
  });
});

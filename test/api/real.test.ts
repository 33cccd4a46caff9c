/** The stock docker CLI's streams against the real daemon and real processes. */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Daemon } from '../support/daemon.ts';
import { hostTest, type Host } from '../support/host.ts';
import { childrenOf } from '../support/snapshot.ts';
import { until } from '../support/wait.ts';

interface Client {
  child: ChildProcess;
  out(): string;
  err(): string;
  exit: Promise<number | null>;
  /** nsenter stands between: the client is its child. */
  kill(): void;
}

function spawnDocker(host: Host, daemon: Daemon, ...args: string[]): Client {
  const child = host.spawn(daemon.dockerArgv(...args), { env: { ...process.env, ...daemon.clientEnv } });
  let out = '';
  let err = '';
  child.stdout?.on('data', (data: Buffer) => (out += data.toString()));
  child.stderr?.on('data', (data: Buffer) => (err += data.toString()));
  return {
    child,
    out: () => out,
    err: () => err,
    exit: new Promise((resolve) => child.once('close', resolve)),
    kill: () => childrenOf(child.pid ?? 0).forEach((pid) => process.kill(pid, 'SIGKILL')),
  };
}

hostTest('run: streams, input, exit codes', {}, async (host) => {
  const daemon = await host.startDaemon();
  const docker: Daemon['docker'] = (...args) => daemon.docker(...args);
  const both = await docker('run', '--rm', 'busybox', 'sh', '-c', 'echo out; echo err >&2; exit 7');
  assert.deepEqual(both, { stdout: 'out\n', stderr: 'err\n', code: 7 });
  const input = 'x'.repeat(300_000);
  const cat = await host.exec(daemon.dockerArgv('run', '--rm', '-i', 'busybox', 'cat'), {
    input,
    env: daemon.clientEnv,
  });
  assert.equal(cat.code, 0, cat.stderr);
  assert.equal(cat.stdout.length, input.length);
  const much = await docker(
    'run',
    '--rm',
    'busybox',
    'sh',
    '-c',
    'dd if=/dev/zero bs=65536 count=100 2>/dev/null | tr "\\0" y',
  );
  assert.equal(much.stdout.length, 6_553_600);
  assert.equal((await docker('ps', '-aq')).stdout, '');
});

hostTest('a program that cannot be started: its exit code, and --rm removes the container', {}, async (host) => {
  const daemon = await host.startDaemon();
  const missing = await daemon.docker('run', '--rm', 'busybox', '/no/such/program');
  assert.equal(missing.code, 127, missing.stderr);
  const directory = await daemon.docker('run', '--rm', 'busybox', '/etc');
  assert.equal(directory.code, 126, directory.stderr);
  assert.equal((await daemon.docker('ps', '-aq')).stdout, '');
});

hostTest('logs, attach, exec, wait and events of one container', {}, async (host) => {
  const daemon = await host.startDaemon();
  const events = spawnDocker(host, daemon, 'events', '--format', '{{.Type}} {{.Action}}');
  await daemon.dockerOk(
    'run',
    '-di',
    '--name',
    'box',
    'busybox',
    'sh',
    '-c',
    'echo first; while read l; do echo "got $l"; done; exit 3',
  );
  const follow = spawnDocker(host, daemon, 'logs', '-f', 'box');
  await until(() => follow.out() === 'first\n', 3000, 'the first line');
  const waiting = spawnDocker(host, daemon, 'wait', 'box');
  assert.deepEqual(await daemon.docker('exec', 'box', 'sh', '-c', 'echo in; echo bad >&2; exit 5'), {
    stdout: 'in\n',
    stderr: 'bad\n',
    code: 5,
  });
  assert.equal((await daemon.docker('exec', 'box', '/no/such')).code, 127);
  const piped = await host.exec(daemon.dockerArgv('exec', '-i', 'box', 'cat'), {
    input: 'through',
    env: daemon.clientEnv,
  });
  assert.equal(piped.stdout, 'through');
  const attached = spawnDocker(host, daemon, 'attach', 'box');
  attached.child.stdin?.write('a line\n');
  await until(() => attached.out() === 'got a line\n', 3000, 'the answer');
  attached.child.stdin?.end();
  // Its input was opened for good (docker run -d -i), so the shell goes on until it is told.
  await daemon.dockerOk('stop', '-t', '1', 'box');
  await follow.exit;
  assert.equal(follow.out(), 'first\ngot a line\n');
  await waiting.exit;
  assert.match(waiting.out(), /^\d+\n$/);
  const lines = await daemon.dockerOk('logs', '-t', '--tail', '1', 'box');
  assert.match(lines, /^\d{4}-\d\d-\d\dT[\d:]+\.\d+Z got a line$/);
  await daemon.dockerOk('rm', 'box');
  await until(() => events.out().includes('container destroy'), 3000, 'the last event');
  for (const action of ['create', 'start', 'die', 'stop', 'destroy']) {
    assert.match(events.out(), new RegExp(`container ${action}`));
  }
  events.kill();
  await events.exit;
});

hostTest('a terminal: size, output as it is, exit code', {}, async (host) => {
  const daemon = await host.startDaemon();
  const script = join(host.root, 'terminal.exp');
  writeFileSync(
    script,
    `set timeout 10
set stty_init "rows 33 columns 99"
spawn docker run --rm -it busybox sh
expect -re {[#$] }
send "stty size\\r"
expect "33 99"
send "exit 4\\r"
expect eof
exit [lindex [wait] 3]
`,
  );
  const { code, stdout } = await host.exec(['expect', script], { env: daemon.clientEnv });
  assert.equal(code, 4, stdout);
});

hostTest('a client that is killed leaves the container running and nothing behind', {}, async (host) => {
  const daemon = await host.startDaemon();
  const run = spawnDocker(host, daemon, 'run', '--name', 'box', 'busybox', 'sh', '-c', 'echo up; sleep 100');
  await until(() => run.out() === 'up\n', 5000, 'the start');
  run.kill();
  await run.exit;
  assert.equal(await daemon.dockerOk('inspect', '-f', '{{.State.Running}}', 'box'), 'true');
  await daemon.dockerOk('rm', '-f', 'box');
});

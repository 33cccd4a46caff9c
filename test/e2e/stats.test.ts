/** What containers use: the API's stream, `stats` of every client. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { request, type IncomingMessage } from 'node:http';
import type { Daemon } from '../support/daemon.ts';
import { hostTest } from '../support/host.ts';
import { until } from '../support/wait.ts';

interface Stats {
  name: string;
  id: string;
  os_type?: string;
  read: string;
  preread: string;
  pids_stats: { current?: number; limit?: number };
  cpu_stats: { cpu_usage: { total_usage: number }; system_cpu_usage?: number; online_cpus?: number };
  precpu_stats: { cpu_usage: { total_usage: number }; system_cpu_usage?: number };
  memory_stats: { usage?: number; limit?: number; stats?: Record<string, number> };
  networks?: Record<string, { rx_bytes: number; tx_bytes: number; tx_packets: number }>;
}

/** Debian's. */
const OLD = '/usr/bin/docker';
const NEVER = '0001-01-01T00:00:00Z';
const RUNNING = /^[0-9a-f]{12} +busy +\d+\.\d\d% +\S+iB \/ 64MiB +\d+\.\d\d% +\S+B \/ \S+B +\S+B \/ \S+B +[1-9]\d*$/m;

interface Watcher {
  samples: Stats[];
  ended: boolean;
  close(): void;
}

function watch({ socket }: Daemon, path: string): Watcher {
  const watcher: Watcher = { samples: [], ended: false, close: () => sent.destroy() };
  const sent = request({ socketPath: socket, path, agent: false }, (response: IncomingMessage) => {
    let rest = '';
    response.setEncoding('utf8');
    response.on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      watcher.samples.push(...lines.map((line) => JSON.parse(line) as Stats));
    });
    response.on('close', () => (watcher.ended = true));
    response.on('error', () => undefined);
  });
  sent.on('error', () => undefined);
  sent.end();
  return watcher;
}

hostTest('stats: samples, streams and tables', {}, async (host) => {
  const daemon = await host.startDaemon();
  const script = 'while :; do :; done';
  await daemon.dockerOk(
    'run',
    '-d',
    '--name',
    'busy',
    '-m',
    '64m',
    '--pids-limit',
    '50',
    'busybox',
    'sh',
    '-c',
    script,
  );
  await daemon.dockerOk('run', '-d', '--name', 'guest', '--network', 'container:busy', 'busybox', 'sleep', '1000');
  await daemon.dockerOk('run', '-d', '--name', 'bare', '--network', 'none', 'busybox', 'sleep', '1000');
  await daemon.dockerOk('create', '--name', 'idle', 'busybox');
  const one = async (name: string, query: string, version = '1.52'): Promise<Stats> =>
    (await daemon.api<Stats>('GET', `/v${version}/containers/${name}/stats?${query}`)).body;

  // One sample has what it is compared with, unless it is to come at once.
  const busy = await one('busy', 'stream=0');
  assert.deepEqual([busy.name, busy.os_type, busy.id.length], ['/busy', 'linux', 64]);
  assert.ok(busy.cpu_stats.cpu_usage.total_usage > busy.precpu_stats.cpu_usage.total_usage);
  assert.ok((busy.cpu_stats.system_cpu_usage ?? 0) > (busy.precpu_stats.system_cpu_usage ?? 0));
  assert.ok(busy.preread !== NEVER && busy.preread < busy.read);
  assert.deepEqual([busy.memory_stats.limit, busy.pids_stats.limit, busy.pids_stats.current], [64 << 20, 50, 1]);
  assert.ok((busy.memory_stats.usage ?? 0) > 0);
  assert.deepEqual(Object.keys(busy.networks ?? {}), ['eth0']);
  const quick = await one('guest', 'stream=0&one-shot=1', '1.43');
  assert.deepEqual([quick.preread, quick.precpu_stats.cpu_usage.total_usage, quick.os_type], [NEVER, 0, undefined]);
  assert.deepEqual(Object.keys(quick.networks ?? {}), ['eth0'], 'of the container that it is a guest of');
  assert.equal((await one('bare', 'stream=0&one-shot=1')).networks, undefined);
  const idle = await one('idle', 'stream=0');
  assert.deepEqual([idle.name, idle.read, idle.memory_stats, idle.pids_stats], ['/idle', NEVER, {}, {}]);
  assert.deepEqual(await daemon.api('GET', '/containers/busy/stats?one-shot=1'), {
    status: 400,
    body: { message: 'cannot have stream=true and one-shot=true' },
  });

  // Traffic is seen in the next sample.
  await daemon.docker('exec', 'busy', 'ping', '-c1', '-W1', '172.17.0.1');
  const after = await one('busy', 'stream=0&one-shot=1');
  assert.ok((after.networks?.['eth0']?.tx_packets ?? 0) > (busy.networks?.['eth0']?.tx_packets ?? 0));

  // Two watchers see the same samples; a stream goes on while the container is stopped, and ends with its removal.
  const [left, right] = [watch(daemon, '/containers/busy/stats'), watch(daemon, '/v1.41/containers/busy/stats')];
  await until(() => left.samples.length > 2 && right.samples.length > 2, 15_000, 'samples for both');
  const reads = new Set(left.samples.map(({ read }) => read));
  assert.ok(right.samples.some(({ read }) => reads.has(read)));
  right.close();

  // The tables, while the stream goes on.
  const old = async (...args: string[]) => host.exec([OLD, ...args], { env: daemon.clientEnv });
  const clients = [daemon.docker, daemon.berth, ...(existsSync(OLD) ? [old] : [])];
  await Promise.all(
    clients.map(async (client) => {
      const table = await client('stats', '--no-stream');
      assert.match(
        table.stdout,
        /^CONTAINER ID +NAME +CPU % +MEM USAGE \/ LIMIT +MEM % +NET I\/O +BLOCK I\/O +PIDS *\n/,
      );
      assert.match(table.stdout, RUNNING);
      assert.ok(!table.stdout.includes('idle'));
      const all = await client(
        'stats',
        '-a',
        '--no-stream',
        '--no-trunc',
        '--format',
        '{{.ID}} {{.Name}} {{.MemUsage}}',
      );
      assert.match(all.stdout, /^[0-9a-f]{64} idle 0B \/ 0B$/m);
      const none = await client('stats', '--no-stream', 'busy', 'none');
      assert.deepEqual(
        [none.code, none.stdout, none.stderr.trim()],
        [1, '', 'Error response from daemon: No such container: none'],
      );
      const json = await client('stats', '--no-stream', '--format', '{{json .}}', 'bare');
      assert.deepEqual(Object.keys(JSON.parse(json.stdout) as object), [
        'BlockIO',
        'CPUPerc',
        'Container',
        'ID',
        'MemPerc',
        'MemUsage',
        'Name',
        'NetIO',
        'PIDs',
      ]);
    }),
  );

  await daemon.dockerOk('stop', '-t', '0', 'busy');
  await until(() => left.samples.at(-1)?.memory_stats.usage === undefined, 15_000, 'an empty sample');
  assert.ok(!left.ended);
  await daemon.dockerOk('start', 'busy');
  await until(() => (left.samples.at(-1)?.memory_stats.usage ?? 0) > 0, 15_000, 'a sample after the next start');
  await daemon.dockerOk('rm', '-f', 'busy');
  await until(() => left.ended, 15_000, 'the end of the stream');
});

hostTest('the live table of berth stats', {}, async (host) => {
  const daemon = await host.startDaemon();
  await daemon.dockerOk('run', '-d', '--name', 'first', 'busybox', 'sleep', '1000');
  const child = host.spawn(daemon.berthArgv('stats'), { env: { ...process.env, ...daemon.clientEnv }, stdio: 'pipe' });
  let text = '';
  child.stdout?.on('data', (data: Buffer) => (text += data.toString()));
  const screen = (): string => text.slice(text.lastIndexOf('\x1b[H'));
  const shows = (name: string): boolean => new RegExp(` ${name} +\\d+\\.\\d\\d% .*B `).test(screen());
  await until(() => shows('first'), 15_000, 'the first container');
  await daemon.dockerOk('run', '-d', '--name', 'second', 'busybox', 'sleep', '1000');
  await until(() => shows('first') && shows('second'), 15_000, 'the second, in the same table');
  await daemon.dockerOk('kill', 'first');
  await until(() => !shows('first') && shows('second'), 15_000, 'the table without the first');
  const closed = new Promise((resolve) => child.once('close', resolve));
  // The daemon ends: nothing is left to show.
  await daemon.removeContainers();
  await daemon.stop();
  await closed;
});

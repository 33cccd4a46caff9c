/** Clients that go away in the middle of everything that lasts, and such as do not read: what each does, once. */
import assert from 'node:assert/strict';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Raw } from '../api/client.ts';
import type { Daemon } from '../support/daemon.ts';
import { until } from '../support/wait.ts';
import { memoryOf } from './support.ts';

/** Reads until `enough`, then leaves without a word. */
async function leaveAfter(daemon: Daemon, head: string, enough: RegExp): Promise<void> {
  const raw = new Raw(daemon.socket);
  raw.socket.write(head);
  await until(() => enough.test(raw.text) || raw.ended || raw.closed, 20_000, `${enough} of ${head.slice(0, 60)}`);
  raw.socket.destroy();
}

const HEAD_END = /\r\n\r\n/;
const get = (path: string): string => `GET /v1.52${path} HTTP/1.1\r\nHost: d\r\n\r\n`;
const post = (path: string, body = ''): string =>
  `POST /v1.52${path} HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
const upgrade = (path: string, body = ''): string =>
  post(path, body).replace('Host: d\r\n', 'Host: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n');

async function execOf(daemon: Daemon, cmd: readonly string[]): Promise<string> {
  const config = { Cmd: cmd, AttachStdin: true, AttachStdout: true, AttachStderr: true };
  return (await daemon.api<{ Id: string }>('POST', '/containers/noisy/exec', config)).body.Id;
}

/** Three containers: one says much, one says nothing, one may be restarted at any time. */
export async function prepareContainers(daemon: Daemon): Promise<void> {
  await daemon.dockerOk(
    'run',
    '-d',
    '--name',
    'noisy',
    'busybox',
    'sh',
    '-c',
    'while usleep 20000; do echo line; done',
  );
  await daemon.dockerOk('run', '-di', '--name', 'silent', 'busybox', 'sh', '-c', 'while :; do sleep 1000; done');
  await daemon.dockerOk('run', '-d', '--name', 'restarted', '--network=none', 'busybox', 'sleep', '1000');
  // The first watch of a file opens what all of them share.
  await leaveAfter(daemon, get('/containers/noisy/logs?stdout=1&follow=1'), /line/);
}

/** Name → what the clients do. `registry` holds `slow:1`, which takes its time. */
export const vanishing: Readonly<Record<string, (daemon: Daemon, registry: string) => Promise<unknown>>> = {
  'clients that leave in the middle of pull': (daemon, registry) =>
    leaveAfter(
      daemon,
      post(`/images/create?fromImage=${encodeURIComponent(`${registry}/slow`)}&tag=1`),
      /Downloading|Pulling fs/,
    ),
  'clients that leave in the middle of push': async (daemon, registry) => {
    const name = `${registry}/slow`;
    await daemon.dockerOk('tag', 'busybox', `${name}:pushed`);
    const head = post(`/images/${name}/push?tag=pushed`).replace('Host: d\r\n', 'Host: d\r\nX-Registry-Auth: e30=\r\n');
    await leaveAfter(daemon, head, /Preparing|Pushing|Waiting|refers to/);
    await daemon.dockerOk('rmi', `${name}:pushed`);
  },
  'clients that leave in the middle of attach and of exec': async (daemon) => {
    const attach = upgrade('/containers/noisy/attach?stream=1&stdin=1&stdout=1&stderr=1');
    const silent = upgrade('/containers/silent/attach?stream=1&stdin=1&stdout=1&stderr=1');
    const cat = await execOf(daemon, ['sh', '-c', 'cat; echo over']);
    const endless = await execOf(daemon, ['sh', '-c', 'timeout 3 sh -c "while usleep 1000; do echo x; done"']);
    await Promise.all([
      leaveAfter(daemon, attach, /line/),
      leaveAfter(daemon, silent, HEAD_END),
      leaveAfter(daemon, post('/containers/noisy/attach?stream=1&stdout=1'), /line/),
      leaveAfter(daemon, upgrade(`/exec/${cat}/start`, '{}'), HEAD_END),
      leaveAfter(daemon, upgrade(`/exec/${endless}/start`, '{}'), /x/),
      leaveAfter(daemon, upgrade('/exec/none/start', '{}'), HEAD_END),
    ]);
  },
  'clients that leave in the middle of logs -f, events, stats and wait': (daemon) =>
    Promise.all([
      leaveAfter(daemon, get('/containers/noisy/logs?stdout=1&follow=1'), /line/),
      leaveAfter(daemon, get('/containers/silent/logs?stdout=1&follow=1'), HEAD_END),
      leaveAfter(daemon, get('/events'), HEAD_END),
      leaveAfter(daemon, get('/containers/noisy/stats'), HEAD_END),
      leaveAfter(daemon, post('/containers/silent/wait'), HEAD_END),
      leaveAfter(daemon, post('/containers/silent/wait?condition=next-exit'), HEAD_END),
    ]),
  'clients that leave in the middle of save, export and an archive': (daemon) =>
    Promise.all([
      leaveAfter(daemon, get('/images/busybox/get'), /\r\n\r\n[^]{1000}/),
      leaveAfter(daemon, get('/containers/noisy/export'), /\r\n\r\n[^]{1000}/),
      leaveAfter(daemon, get('/containers/noisy/archive?path=/bin'), /\r\n\r\n[^]{1000}/),
    ]),
  'clients that leave before the answer': async (daemon) => {
    const requests = [
      post('/containers/create', '{"Image":"busybox"'),
      post('/containers/restarted/restart?t=0'),
      get('/containers/json?all=1'),
      get('/system/df'),
      'GET /v1.52/con',
    ];
    await Promise.all(
      requests.map(async (bytes) => {
        const socket = net.connect(daemon.socket);
        socket.on('error', () => {});
        socket.write(bytes);
        await sleep(20);
        socket.destroy();
      }),
    );
  },
  'attach connections that are closed by half, on either side': async (daemon) => {
    const exec = await execOf(daemon, ['sh', '-c', 'cat; echo after the input']);
    const half = new Raw(daemon.socket);
    half.socket.write(upgrade(`/exec/${exec}/start`, '{}'));
    await until(() => HEAD_END.test(half.text), 10_000, 'the head');
    half.socket.end('some input');
    await until(() => half.text.includes('some input') && half.text.includes('after the input'), 10_000, 'the output');
    await until(() => half.ended, 10_000, 'the end');
    // Ends its input at once and listens no more either.
    const silent = new Raw(daemon.socket);
    silent.socket.write(upgrade('/containers/silent/attach?stream=1&stdin=1&stdout=1'));
    await until(() => HEAD_END.test(silent.text), 10_000, 'the head');
    silent.socket.end();
    await sleep(50);
    silent.socket.destroy();
    // Output has ended and the client keeps its half open.
    const done = await execOf(daemon, ['true']);
    const open = new Raw(daemon.socket);
    open.socket.write(upgrade(`/exec/${done}/start`, '{}'));
    await until(() => open.ended, 10_000, 'the end');
    setTimeout(() => open.socket.destroy(), 1000).unref();
  },
  'slow readers of logs, attach, events and save': async (daemon) => {
    const before = memoryOf(daemon);
    const flood = await execOf(daemon, ['sh', '-c', 'timeout 1 yes']);
    const readers = [
      upgrade(`/exec/${flood}/start`, '{}'),
      get('/containers/noisy/logs?stdout=1&follow=1'),
      get('/events'),
      get('/images/busybox/get'),
      get('/containers/noisy/export'),
    ].map((head) => {
      const socket = net.connect(daemon.socket);
      socket.on('error', () => {});
      socket.write(head);
      return socket;
    });
    // Nobody reads; others are served meanwhile.
    await sleep(300);
    await daemon.api('GET', '/containers/json');
    await sleep(700);
    const grown = memoryOf(daemon) - before;
    assert.ok(grown < 64 << 20, `${grown >> 20} MiB are kept for those who do not read`);
    for (const socket of readers) socket.destroy();
  },
  '500 connections that say nothing': async (daemon) => {
    const sockets = Array.from({ length: 500 }, () => {
      const socket = net.connect(daemon.socket);
      socket.on('error', () => {});
      return socket;
    });
    await until(() => sockets.every((socket) => !socket.connecting), 20_000, 'all connected');
    for (const socket of sockets.slice(0, 100)) socket.write('GET /v1.52/containers/js');
    await daemon.api('GET', '/containers/json');
    for (const socket of sockets) socket.destroy();
  },
};

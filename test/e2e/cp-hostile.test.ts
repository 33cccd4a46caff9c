/** Archives, clients and containers that mean harm: nothing is read or written outside the container, nothing is left. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request, type IncomingMessage } from 'node:http';
import { gzipSync } from 'node:zlib';
import { encodeEntry, encodeHeader, endOfArchive, padding, type NewEntry } from '../../src/tar/header.ts';
import type { Daemon } from '../support/daemon.ts';
import { hostTest, type Host } from '../support/host.ts';
import { until } from '../support/wait.ts';

const entry = (fields: NewEntry, content = ''): Buffer =>
  Buffer.concat([encodeEntry({ ...fields, size: content.length }), Buffer.from(content), padding(content.length)]);
const archive = (...entries: Buffer[]): Buffer => Buffer.concat([...entries, endOfArchive()]);

interface Reply {
  status: number;
  text: string;
}

const textOf = async (response: IncomingMessage): Promise<Reply> => {
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return { status: response.statusCode ?? 0, text };
};

/** `body` sent whole; the answer read whole. */
async function send(daemon: Daemon, method: string, path: string, body: Buffer = Buffer.alloc(0)): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ socketPath: daemon.socket, method, path, agent: false }, (response) => {
      textOf(response).then(resolve, reject);
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

const put = async (daemon: Daemon, name: string, path: string, body: Buffer, query = ''): Promise<Reply> =>
  send(daemon, 'PUT', `/containers/${name}/archive?path=${encodeURIComponent(path)}${query}`, body);

/** A request whose answer nobody reads. */
function stall(daemon: Daemon, method: string, path: string): { gone(): void } {
  const outgoing = request({ socketPath: daemon.socket, method, path, agent: false }, (response) => response.pause());
  outgoing.on('error', () => undefined);
  outgoing.flushHeaders();
  if (method !== 'PUT') outgoing.end();
  return { gone: () => void outgoing.destroy() };
}

/** Numbers of the processes in the host that look into containers. */
async function lookers(host: Host): Promise<string> {
  return (await host.exec(['pgrep', '-f', 'berth-files'])).stdout.trim();
}

hostTest('cp: archives that mean harm', {}, async (host) => {
  const daemon = await host.startDaemon();
  await daemon.dockerOk('run', '-d', '--name', 'web', 'busybox', 'sleep', '1000');
  const outside = `${host.root}/outside`;
  mkdirSync(outside);
  writeFileSync(`${outside}/secret`, 'secret');
  const inside = async (script: string): Promise<string> => daemon.dockerOk('exec', 'web', 'sh', '-c', script);
  const message = ({ text }: Reply): string => (JSON.parse(text) as { message: string }).message;
  const refused = async (body: Buffer, status: number, text: RegExp, query = ''): Promise<void> => {
    const reply = await put(daemon, 'web', '/tmp', body, query);
    assert.equal(reply.status, status, reply.text);
    assert.match(message(reply), text);
  };

  const up = '../'.repeat(30);
  await refused(archive(entry({ name: `${up}etc/above` }, 'x')), 400, /^".*etc\/above" is outside of "\/tmp"$/);
  await refused(archive(entry({ name: 'l', type: '2', linkName: `${up}etc` })), 400, /^invalid symlink "\/tmp\/l" -> /);
  await refused(archive(entry({ name: 'h', type: '1', linkName: `${up}etc/passwd` })), 400, /^invalid hardlink /);
  await refused(archive(entry({ name: 'h', type: '1', linkName: 'nowhere' })), 500, /no such file or directory/);
  await refused(Buffer.from('no tar at all'.repeat(100)), 400, /archive\/tar: invalid tar header/);
  await refused(gzipSync(archive(entry({ name: 'a' }, 'x'))).subarray(0, 40), 400, /decompress|unexpected end/);
  await refused(entry({ name: 'cut' }, 'x'.repeat(5000)).subarray(0, 2000), 400, /archive\/tar: unexpected EOF/);
  await refused(archive(encodeHeader({ name: 'huge', size: 2 ** 33 - 1 })), 400, /archive\/tar: unexpected EOF/);
  assert.equal((await put(daemon, 'web', '/tmp', Buffer.alloc(0))).status, 200);

  // A link to the host's files is a link of the container, and what is written through it stays in there.
  const through = archive(
    entry({ name: 'out', type: '2', linkName: outside }),
    entry({ name: 'out/planted' }, 'x'),
    entry({ name: 'root', type: '2', linkName: '/' }),
    entry({ name: 'root/planted' }, 'x'),
    entry({ name: 'root/proc/self/root/planted2' }, 'x'),
  );
  const reply = await put(daemon, 'web', '/tmp', through);
  assert.deepEqual(readdirSync(outside), ['secret']);
  assert.ok(!existsSync('/planted') && !existsSync('/planted2'), reply.text);
  await inside('rm -rf /tmp/* /planted');
  assert.equal(
    (
      await put(
        daemon,
        'web',
        '/tmp',
        archive(entry({ name: 'root', type: '2', linkName: '/' }), entry({ name: 'root/planted' }, 'x')),
      )
    ).status,
    200,
  );
  assert.equal(await inside('cat /planted'), 'x');

  // Kinds that only the container can have; names that are no text.
  const kinds = archive(
    entry({ name: 'dev', type: '3', mode: 0o600, major: 1, minor: 3 }),
    entry({ name: 'pipe', type: '6', mode: 0o640 }),
    entry({ name: 'set', mode: 0o4755, uid: 1000, gid: 2_500_000 }, 'x'),
    entry({ name: `deep/${'d'.repeat(90)}/${'f'.repeat(90)}\xff` }, 'long'),
  );
  assert.equal((await put(daemon, 'web', '/tmp', kinds)).status, 200);
  assert.match(
    await inside('ls -ln /tmp'),
    /crw-------.* 1, +3 .*dev\n[^]*prw-r-----.*pipe\n[^]*-rwsr-xr-x +1 1000 +2500000 .*set/,
  );
  // Copying a pipe does not wait for a writer, a device is not read.
  const { stdout } = await host.exec(['sh', '-c', 'docker cp web:/tmp - | tar tv | wc -l'], { env: daemon.clientEnv });
  assert.equal(stdout.trim(), '8');

  await refused(
    archive(entry({ name: 'deep' }, 'x')),
    400,
    /^cannot overwrite directory "\/tmp\/deep" with non-directory "\/tmp"$/,
    '&noOverwriteDirNonDir=1',
  );
  await refused(
    archive(entry({ name: 'set', type: '5' })),
    400,
    /^cannot overwrite non-directory/,
    '&noOverwriteDirNonDir=1',
  );
  assert.equal((await put(daemon, 'web', '/tmp', archive(entry({ name: 'deep' }, 'flat')))).status, 200);
  assert.equal(await inside('cat /tmp/deep'), 'flat');
  assert.equal(message(await put(daemon, 'web', '/etc/passwd', archive())), 'extraction point is not a directory');
  assert.deepEqual((await send(daemon, 'GET', '/containers/web/archive')).status, 400);

  // Read-only places.
  await daemon.dockerOk(
    'run',
    '-d',
    '--name',
    'fixed',
    '--read-only',
    '--tmpfs',
    '/t',
    '-v',
    `${outside}:/ro:ro`,
    '-v',
    '/proc:/hostproc',
    '-v',
    'vol:/rw',
    'busybox',
    'sleep',
    '1000',
  );
  for (const state of ['running', 'stopped']) {
    if (state === 'stopped') await daemon.dockerOk('stop', '-t', '0', 'fixed');
    assert.equal((await put(daemon, 'fixed', '/rw', archive(entry({ name: state }, state)))).status, 200);
    assert.ok((await send(daemon, 'GET', `/containers/fixed/archive?path=/rw/${state}`)).text.includes(state));
    assert.equal((await send(daemon, 'GET', '/containers/fixed/archive?path=/hostproc/version')).status, 404);
    assert.equal(message(await put(daemon, 'fixed', '/etc', archive())), 'container rootfs is marked read-only');
    assert.equal(message(await put(daemon, 'fixed', '/ro', archive())), 'mounted volume is marked read-only');
    const leak = archive(entry({ name: `l${state}`, type: '2', linkName: '/ro' }), entry({ name: `l${state}/x` }, 'x'));
    assert.match(message(await put(daemon, 'fixed', '/rw', leak)), /read-only file system/);
    const up = archive(entry({ name: `e${state}`, type: '2', linkName: '/etc' }), entry({ name: `e${state}/x` }, 'x'));
    assert.match(message(await put(daemon, 'fixed', '/rw', up)), /read-only file system/);
  }
  assert.deepEqual(readdirSync(outside), ['secret']);
  await until(async () => (await lookers(host)) === '', 10_000, 'the end of all lookers');
});

hostTest('cp: containers that swap what is copied, clients that vanish, a daemon that is killed', {}, async (host) => {
  const daemon = await host.startDaemon();
  const outside = `${host.root}/outside`;
  mkdirSync(outside);
  writeFileSync(`${outside}/secret`, 'secret of the host');
  // '/swap' is a directory, then a link to where the host has a secret and the container has nothing.
  const swap = `mkdir /a && echo own >/a/secret && ln -s ${outside} /b && while :; do ln -sfn ${outside} /x; mv -T /a /s; mv -T /s /a; mv -T /b /s; mv -T /s /b; done`;
  await daemon.dockerOk('run', '-d', '--name', 'swap', 'busybox', 'sh', '-c', swap);
  for (let i = 0; i < 12; i++) {
    const got = await send(daemon, 'GET', '/containers/swap/archive?path=/s/secret');
    assert.ok(!got.text.includes('secret of the host'), 'a secret came out');
    await put(daemon, 'swap', '/s', archive(entry({ name: 'planted' }, 'x')));
    assert.deepEqual(readdirSync(outside), ['secret']);
  }
  for (let i = 0; i < 3; i++) {
    assert.ok(!(await send(daemon, 'GET', '/containers/swap/export')).text.includes('secret of the host'));
    const changed = await send(daemon, 'GET', '/containers/swap/changes');
    assert.equal(changed.status, 200, changed.text);
  }
  await daemon.dockerOk('commit', '-p=false', 'swap', 'swapped');
  const all = 'grep -r "secret of" /a /b /s /x 2>/dev/null | wc -l';
  assert.equal(await daemon.dockerOk('run', '--rm', 'swapped', 'sh', '-c', all), '0');
  await daemon.dockerOk('rm', '-f', 'swap');

  // Hundreds of megabytes stream: neither a client that reads slowly nor one that goes away leaves anything.
  await daemon.dockerOk(
    'run',
    '-d',
    '--name',
    'big',
    'busybox',
    'sh',
    '-c',
    'truncate -s 400M /big; touch /ready; exec sleep 1000',
  );
  await daemon.dockerOk('exec', 'big', 'sh', '-c', 'until test -e /ready; do usleep 5000; done');
  const memory = (): number => Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${daemon.pid}/status`, 'utf8'))?.[1]);
  const before = memory();
  const { stdout } = await host.exec(
    ['sh', '-c', 'docker cp big:/big - | docker cp - big:/tmp && docker exec big stat -c %s /tmp/big'],
    { env: daemon.clientEnv, timeout: 120_000 },
  );
  assert.equal(stdout.trim(), String(400 * 1024 * 1024));
  assert.ok(memory() - before < 150_000, `berthd grew from ${before} to ${memory()} kB`);
  for (const [method, path] of [
    ['GET', 'archive?path=/big'],
    ['GET', 'export'],
    ['PUT', 'archive?path=/tmp'],
  ] as const) {
    const client = stall(daemon, method, `/containers/big/${path}`);
    await until(async () => (await lookers(host)) !== '', 20_000, 'a looker');
    client.gone();
    await until(async () => (await lookers(host)) === '', 20_000, 'its end');
  }
  // One that stalls does not keep a container from being stopped and removed.
  const slow = stall(daemon, 'GET', '/containers/big/archive?path=/big');
  await until(async () => (await lookers(host)) !== '', 20_000, 'a looker');
  await daemon.dockerOk('stop', '-t', '0', 'big');
  slow.gone();
  await until(async () => (await lookers(host)) === '', 20_000, 'its end');
  await daemon.dockerOk('start', 'big');

  // Killed while a commit holds the container still.
  const commit = stall(daemon, 'POST', '/commit?container=big&repo=half');
  await until(
    async () => (await daemon.dockerOk('inspect', '-f', '{{.State.Paused}}', 'big')) === 'true',
    20_000,
    'the pause',
  );
  await daemon.kill9();
  commit.gone();
  await until(async () => (await lookers(host)) === '', 20_000, 'the end of the looker');
  await daemon.restart();
  assert.equal(await daemon.dockerOk('inspect', '-f', '{{.State.Status}}', 'big'), 'running');
  assert.equal(await daemon.dockerOk('exec', 'big', 'echo', 'alive'), 'alive');
  assert.equal(await daemon.dockerOk('images', '-q', 'half'), '');
  // The next use of the images clears what was left of that one.
  await daemon.dockerOk('tag', 'busybox', 'again');
  assert.deepEqual(readdirSync(`${daemon.dataRoot}/tmp`), []);
});

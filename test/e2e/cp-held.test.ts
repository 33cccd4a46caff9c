/** Clients that stop in the middle of a copy: the container that they look into is not theirs, nor are the host's mounts. */
import assert from 'node:assert/strict';
import { encodeEntry, endOfArchive, padding } from '../../src/tar/header.ts';
import { Raw } from '../api/client.ts';
import { hostTest, type Host } from '../support/host.ts';
import { until } from '../support/wait.ts';

/** Numbers in the host of the processes that look into containers, each on a line; '' without one. */
const looker = async (host: Host): Promise<string> => (await host.exec(['pgrep', '-f', 'berth-files'])).stdout.trim();

/** More than all buffers on the way take. */
const SIZE = 16 << 20;
const archive = Buffer.concat([
  encodeEntry({ name: 'big', size: SIZE }),
  Buffer.alloc(SIZE),
  padding(SIZE),
  endOfArchive(),
]);

hostTest('cp: a client that stands still keeps nobody from a stopped container', {}, async (host) => {
  const daemon = await host.startDaemon();
  await daemon.dockerOk('create', '--name', 'still', '-v', 'vol:/data', 'busybox', 'sleep', '1000');
  const filled = await host.exec(['docker', 'cp', '-', 'still:/data'], { input: archive, env: daemon.clientEnv });
  assert.equal(filled.code, 0, filled.stderr);

  await until(async () => (await looker(host)) === '', 20_000, 'the end of the looker');

  const reader = new Raw(daemon.socket);
  reader.socket.pause();
  reader.socket.write('GET /v1.51/containers/still/archive?path=/data HTTP/1.1\r\nHost: d\r\n\r\n');
  await until(async () => (await looker(host)) !== '', 20_000, 'a looker');
  // It has left the host's mounts, not only its root: what the host unmounts is not kept busy.
  const pid = await looker(host);
  const seen = async (): Promise<string> =>
    (await host.exec(['sh', '-c', `readlink /proc/${pid}/root && cut -d' ' -f5,6 /proc/${pid}/mountinfo`])).stdout;
  const own =
    /^\/\n(?:\/data rw,nodev,relatime\n\/ rw,nodev,relatime|\/ rw,nodev,relatime\n\/data rw,nodev,relatime)\n$/;
  await until(async () => own.test(await seen()), 20_000, 'no mount but its own, and no device in them');
  // Its four sockets lead to berthd; none is berthd's own.
  const sockets = await host.exec(['sh', '-c', `ls -l /proc/${pid}/fd | grep -c socket:`]);
  assert.equal(sockets.stdout.trim(), '4');
  await daemon.dockerOk('create', '--name', 'other', 'busybox');
  const writer = new Raw(daemon.socket);
  writer.socket.write(
    'PUT /v1.51/containers/other/archive?path=/tmp HTTP/1.1\r\nHost: d\r\nContent-Length: 1000000\r\n\r\n',
  );
  writer.socket.write(archive.subarray(0, 100_000));
  await until(async () => (await looker(host)).includes('\n'), 20_000, 'two lookers');

  // As long as nobody wants the containers both may take their time.
  await Promise.all([daemon.dockerOk('start', 'still'), daemon.dockerOk('rm', '-f', 'other')]);
  reader.socket.resume();
  await until(() => reader.closed || reader.ended, 20_000, 'the end of the answer');
  assert.ok(reader.received.length < SIZE, 'the archive came whole');
  await until(() => writer.text.includes('stood still'), 20_000, 'the reason');
  assert.match(writer.text, /^HTTP\/1\.1 409 /);
  await until(async () => (await looker(host)) === '', 20_000, 'the end of the lookers');
  reader.socket.destroy();
  writer.socket.destroy();
});

/** Archives that are broken, cut short, or made to escape: for load, import and the files of a container. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import Docker from 'dockerode';
import { Raw, request } from '../api/client.ts';
import { scenarios } from '../compatibility/scenarios.ts';
import { noise, ociArchive, tarOf } from '../images/support.ts';
import type { Daemon } from '../support/daemon.ts';
import type { Host } from '../support/host.ts';
import { until } from '../support/wait.ts';
import { assertQuiet, leavesNothing, works } from './support.ts';

const TAR = { 'Content-Type': 'application/x-tar', Connection: 'keep-alive' };

const layer = [{ name: 'file', body: noise(100_000) }];
const { archive: whole } = ociArchive([layer], { name: 'whole:1' });

/** A header whose checksum is right and whose size field says `size`. */
function headerOf(name: string, size: string): Buffer {
  const [header] = [tarOf([{ name }]).subarray(0, 512)];
  header.write(size.padEnd(12, '\0'), 124, 'latin1');
  header.fill(' ', 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}

/** [what it is, bytes] */
const BROKEN: readonly (readonly [string, Buffer])[] = [
  ['nothing', Buffer.alloc(0)],
  ['noise', noise(50_000)],
  ['a text', Buffer.from('this is no archive\n'.repeat(200))],
  ['gzip that is none', Buffer.concat([Buffer.from([0x1f, 0x8b, 8, 0]), noise(10_000)])],
  ['zstd that is none', Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), noise(10_000)])],
  ['half an archive', whole.subarray(0, whole.length / 2)],
  ['an archive cut in a file', whole.subarray(0, 520)],
  ['a header with a wrong sum', Buffer.concat([Buffer.alloc(512, 0x41), whole])],
  ['a file of a size that is none', Buffer.concat([headerOf('manifest.json', 'zzzzzzzzzzz'), Buffer.alloc(1024)])],
  ['a file larger than all disks', Buffer.concat([headerOf('manifest.json', '77777777777'), Buffer.alloc(2048)])],
];

const images = async (daemon: Daemon): Promise<unknown> => (await daemon.api('GET', '/images/json?all=1')).body;

/** Files of the image store's and the daemon's scratch directories. */
async function scratch(host: Host, daemon: Daemon): Promise<string> {
  const { stdout } = await host.exec(['sh', '-c', `find ${daemon.dataRoot}/tmp -mindepth 1 | head -50`]);
  return stdout;
}

/** Sends the head of an upload and a part of its body, and leaves. */
async function leaveIn(daemon: Daemon, method: string, path: string, body: Buffer): Promise<void> {
  const socket = net.connect(daemon.socket);
  socket.on('error', () => {});
  const head = `${method} /v1.52${path} HTTP/1.1\r\nHost: d\r\nContent-Type: application/x-tar\r\nContent-Length: 50000000\r\n\r\n`;
  socket.write(head);
  socket.write(body);
  await sleep(150);
  socket.destroy();
}

scenarios(
  { client: 'hostile clients' },
  async (host) => {
    const daemon = await host.startDaemon();
    await works(daemon);
    await daemon.dockerOk('run', '-d', '--name', 'target', 'busybox', 'sleep', '1000');
    return { host, daemon };
  },
  {
    'load of what is no archive': async ({ host, daemon }) => {
      const before = await images(daemon);
      for (const [what, body] of BROKEN) {
        const { status, text } = await request(daemon.socket, 'POST', '/images/load', { body, headers: TAR });
        const failed = status >= 400 || /"error":"[^"]+"/.test(text);
        assert.ok(failed && status !== 0, `${what}: ${status} ${text}`);
        assert.ok(!/internal error/.test(text), `${what}: ${text}`);
      }
      assert.deepEqual(await images(daemon), before);
      assert.equal(await scratch(host, daemon), '');
      const loaded = await request(daemon.socket, 'POST', '/images/load', { body: whole, headers: TAR });
      assert.match(loaded.text, /Loaded image: whole:1/);
      assertQuiet(daemon);
    },
    'load of images that lie: layers elsewhere, links out of the archive, wrong digests': async ({ host, daemon }) => {
      const before = await images(daemon);
      const manifest = (value: unknown): string => JSON.stringify([value]);
      const rows: [string, Buffer][] = [
        [
          'a layer upwards',
          tarOf([
            { name: 'manifest.json', body: manifest({ Config: '../../../etc/passwd', Layers: ['../../etc/hosts'] }) },
          ]),
        ],
        [
          'a link out',
          tarOf([
            { name: 'manifest.json', type: '2', linkName: '/etc/passwd' },
            { name: 'index.json', type: '2', linkName: '../../../../etc/passwd' },
          ]),
        ],
        ['a manifest that is none', tarOf([{ name: 'manifest.json', body: '{"a":' }])],
        ['a manifest of another shape', tarOf([{ name: 'manifest.json', body: '[{"Config":3,"Layers":"x"}]' }])],
        [
          'a manifest of many',
          tarOf([{ name: 'manifest.json', body: JSON.stringify(Array.from({ length: 5000 }, () => ({}))) }]),
        ],
        [
          'a layer changed on its way',
          Buffer.from(whole.toString('latin1').replace('created_by', 'created_bX'), 'latin1'),
        ],
      ];
      for (const [what, body] of rows) {
        const { status, text } = await request(daemon.socket, 'POST', '/images/load', { body, headers: TAR });
        assert.ok(status >= 400 || /"error":"[^"]+"/.test(text), `${what}: ${status} ${text}`);
        assert.ok(!/root:x:0/.test(text), `${what}: ${text}`);
      }
      assert.deepEqual(await images(daemon), before);
      assert.equal(await scratch(host, daemon), '');
      assertQuiet(daemon);
    },
    'import of what is no archive': async ({ host, daemon }) => {
      const before = await images(daemon);
      const refused = BROKEN.filter(([what]) => what !== 'nothing' && !what.startsWith('a file'));
      for (const [what, body] of refused) {
        const path = '/images/create?fromSrc=-&repo=imported';
        const { status, text } = await request(daemon.socket, 'POST', path, { body, headers: TAR });
        assert.ok(status >= 400 || /"error":"[^"]+"/.test(text), `${what}: ${status} ${text}`);
      }
      assert.deepEqual(await images(daemon), before);
      assert.equal(await scratch(host, daemon), '');
      assertQuiet(daemon);
    },
    'files for a container: broken, cut short, upwards, through links': async ({ host, daemon }) => {
      const put = (body: Buffer, path = '/tmp') =>
        request(daemon.socket, 'PUT', `/containers/target/archive?path=${path}`, { body, headers: TAR });
      for (const [what, body] of BROKEN.filter(([what]) => what !== 'nothing')) {
        const { status, text } = await put(body);
        assert.ok(status >= 400 && !/internal error/.test(text), `${what}: ${status} ${text}`);
      }
      const witness = join(host.root, 'witness');
      writeFileSync(witness, 'untouched');
      const escapes = tarOf([
        { name: '../../../../../../../../../../tmp/escaped-upwards', body: 'x' },
        { name: 'out', type: '2', linkName: host.root },
        { name: 'out/witness', body: 'overwritten' },
        { name: 'absolute', type: '2', linkName: witness },
        { name: 'absolute', body: 'overwritten' },
        { name: 'hard', type: '1', linkName: witness },
      ]);
      await put(escapes);
      assert.equal(readFileSync(witness, 'utf8'), 'untouched');
      assert.ok(!existsSync('/tmp/escaped-upwards'));
      assert.equal((await put(tarOf([{ name: 'fine', body: 'fine' }]))).status, 200);
      assert.equal(await daemon.dockerOk('exec', 'target', 'cat', '/tmp/fine'), 'fine');
      assert.equal((await put(tarOf([]), '/absent')).status, 404);
      assertQuiet(daemon);
    },
    'clients that leave in the middle of an upload': async ({ host, daemon }) => {
      const before = await images(daemon);
      const part = whole.subarray(0, 60_000);
      await leavesNothing(daemon, () =>
        Promise.all([
          leaveIn(daemon, 'POST', '/images/load', part),
          leaveIn(daemon, 'POST', '/images/create?fromSrc=-&repo=left', part),
          leaveIn(daemon, 'PUT', '/containers/target/archive?path=/tmp', part),
          leaveIn(daemon, 'POST', '/images/load', Buffer.alloc(0)),
        ]),
      );
      assert.deepEqual(await images(daemon), before);
      await until(async () => (await scratch(host, daemon)) === '', 10_000, 'an empty scratch directory');
    },
    'streams of dockerode that break in the middle': async ({ daemon }) => {
      const client = new Docker({ socketPath: daemon.socket });
      const breaking = (): Readable =>
        Readable.from(
          (async function* () {
            yield whole.subarray(0, 50_000);
            await sleep(100);
            throw new Error('broken by the client');
          })(),
        );
      await leavesNothing(daemon, async () => {
        await assert.rejects(client.loadImage(breaking()), /broken by the client/);
        await assert.rejects(client.importImage(breaking(), { repo: 'broken' }), /broken by the client/);
        await assert.rejects(client.getContainer('target').putArchive(breaking(), { path: '/tmp' }), /broken by/);
      });
    },
    'an upload whose client listens only when all is sent': async ({ daemon }) => {
      const size = 20 << 20;
      for (const [path, text] of [
        ['/containers/target/archive?path=/tmp', 'invalid tar header'],
        ['/containers/none/archive?path=/tmp', 'No such container'],
      ] as const) {
        const raw = new Raw(daemon.socket);
        raw.socket.write(`PUT /v1.52${path} HTTP/1.1\r\nHost: d\r\nContent-Length: ${size}\r\n\r\n`);
        let sent = false;
        raw.socket.write(Buffer.alloc(size, 'no archive'), () => (sent = true));
        await until(() => sent && raw.text.includes(text), 30_000, `the refusal of ${path}`);
        raw.socket.destroy();
      }
    },
    'an upload that goes on after its refusal': async ({ daemon }) => {
      await leavesNothing(daemon, async () => {
        const raw = new Raw(daemon.socket);
        raw.socket.write(
          'PUT /v1.52/containers/none/archive?path=/ HTTP/1.1\r\nHost: d\r\nContent-Length: 100000000\r\n\r\n',
        );
        await until(() => raw.text.includes('No such container'), 10_000, 'the refusal');
        for (let i = 0; i < 20; i++) raw.socket.write(Buffer.alloc(65_536));
        await sleep(50);
        raw.socket.destroy();
      });
    },
  },
);

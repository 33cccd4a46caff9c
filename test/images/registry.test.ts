/** Pull and push against Debian's docker-registry on loopback. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import type { Json } from '../../src/model/json.ts';
import {
  assertSameTree,
  loadImage,
  never,
  noise,
  openStore,
  quiet,
  run,
  scratchLeft,
  startRegistry,
  startSlowProxy,
  treeOf,
} from './support.ts';
import type { Registry } from './support.ts';

const auth = { username: 'u', password: 'secret' };
let open: Registry;
let closed: Registry;

before(async () => {
  [open, closed] = await Promise.all([startRegistry(), startRegistry(true)]);
});
after(async () => {
  await Promise.all([open[Symbol.asyncDispose](), closed[Symbol.asyncDispose]()]);
});

const auxOf = (lines: Json[]): Json => (lines.at(-1)?.['aux'] ?? {}) as Json;
const pullOptions = (name: string, tag: string) => ({ name, tag, auth: undefined, platform: '' });

void test('push, remove, pull: the same image comes back, and rmi leaves the tree as it was', async () => {
  await using store = openStore();
  const { images } = store;
  const name = `${open.host}/team/app`;
  await images.resolve('busybox');
  const bare = treeOf(store.root);
  const id = await loadImage(store, `${name}:1`, [[{ name: 'a', body: 'one' }], [{ name: 'b', body: 'two' }]]);

  const pushed: Json[] = [];
  await images.push({ name, tag: '1', auth: undefined }, (line) => pushed.push(line), never);
  assert.equal(pushed[0]?.['status'], `The push refers to repository [${name}]`);
  const digest = /^1: digest: (sha256:[0-9a-f]{64}) size: \d+$/.exec(String(pushed.at(-2)?.['status']))?.[1];
  assert.ok(digest !== undefined);
  assert.equal(auxOf(pushed)['Digest'], digest);
  assert.equal(pushed.filter((line) => line['status'] === 'Pushed').length, 2);
  const twice: Json[] = [];
  await images.push({ name, tag: '1', auth: undefined }, (line) => twice.push(line), never);
  assert.equal(twice.filter((line) => line['status'] === 'Layer already exists').length, 2);
  const { stdout } = await run('skopeo', [
    'inspect',
    '--tls-verify=false',
    '--format',
    '{{.Digest}}',
    `docker://${name}:1`,
  ]);
  assert.equal(stdout.trim(), digest);

  await images.remove(`${name}:1`, { force: false, noPrune: false });
  assertSameTree(store.root, bare);

  const pulled: Json[] = [];
  await images.pull(pullOptions(name, '1'), (line) => pulled.push(line), never);
  assert.deepEqual(pulled[0], { status: 'Pulling from team/app', id: '1' });
  assert.deepEqual(
    pulled.slice(-2).map((line) => line['status']),
    [`Digest: ${digest}`, `Status: Downloaded newer image for ${name}:1`],
  );
  for (const status of ['Pulling fs layer', 'Verifying Checksum', 'Download complete', 'Extracting', 'Pull complete']) {
    assert.equal(pulled.filter((line) => line['status'] === status).length, 2, status);
  }
  assert.equal((await images.resolve(`${name}:1`)).id, id);
  assert.equal((await images.resolve(`${name}@${digest}`)).id, id);

  const again: Json[] = [];
  await images.pull(pullOptions(name, '1'), (line) => again.push(line), never);
  assert.equal(again.at(-1)?.['status'], `Status: Image is up to date for ${name}:1`);

  await images.remove(id, { force: false, noPrune: false });
  assertSameTree(store.root, bare);
  assert.deepEqual(scratchLeft(store), []);
});

void test('pull by digest, of every tag, and for a platform', async () => {
  await using store = openStore();
  const { images } = store;
  const name = `${open.host}/many`;
  const id = await loadImage(store, `${name}:1`, [[{ name: 'a', body: 'many' }]]);
  await images.tag(`${name}:1`, name, '2');
  const lines: Json[] = [];
  await images.push({ name, tag: '', auth: undefined }, (line) => lines.push(line), never);
  const digest = String(auxOf(lines)['Digest']);
  await images.remove(id, { force: true, noPrune: false });

  await images.pull(pullOptions(name, digest), quiet, never);
  const [byDigest] = await images.list({ all: false, digests: true, filters: new Map() });
  assert.deepEqual([byDigest?.['RepoTags'], byDigest?.['RepoDigests']], [[], [`${name}@${digest}`]]);
  await images.remove(`${name}@${digest}`, { force: false, noPrune: false });
  assert.equal(await images.count(), 0);

  await images.pull({ ...pullOptions(name, ''), allTags: true }, quiet, never);
  const inspected = await images.inspect(`${name}:2`);
  assert.deepEqual((inspected['RepoTags'] as string[]).toSorted(), [`${name}:1`, `${name}:2`]);

  await assert.rejects(images.pull({ ...pullOptions(name, '1'), platform: 'linux/s390x' }, quiet, never), {
    kind: 'NotFound',
    message: `image with reference ${name}:1 was found but its platform (linux/amd64) does not match the specified platform (linux/s390x)`,
  });
  await assert.rejects(images.pull({ ...pullOptions(name, '1'), platform: 'a/b/c/d' }, quiet, never), {
    kind: 'InvalidParameter',
  });
});

void test('credentials: needed, wrong, right, and never on a command line or left on disk', async () => {
  await using store = openStore();
  const { images } = store;
  const name = `${closed.host}/private`;
  await loadImage(store, `${name}:1`, [[{ name: 'a', body: 'secret' }]]);
  const denied = { kind: 'Forbidden', message: /^unauthorized: authentication required/ };
  await assert.rejects(images.push({ name, tag: '1', auth: undefined }, quiet, never), denied);
  await assert.rejects(images.push({ name, tag: '1', auth: { ...auth, password: 'no' } }, quiet, never), denied);
  await images.push({ name, tag: '1', auth }, quiet, never);
  await images.remove(`${name}:1`, { force: false, noPrune: false });
  const pull = (given: typeof auth | undefined) =>
    images.pull({ ...pullOptions(name, '1'), auth: given }, quiet, never);
  const refused = {
    kind: 'NotFound',
    message: `pull access denied for ${name}, repository does not exist or may require 'docker login': unauthorized: authentication required`,
  };
  await assert.rejects(pull(undefined), refused);
  await assert.rejects(pull({ ...auth, password: 'no' }), refused);
  await pull(auth);
  assert.equal(await images.count(), 1);
  assert.deepEqual(scratchLeft(store), []);
});

void test('errors in Docker’s words; nothing is left in the store', async () => {
  await using store = openStore();
  const { images } = store;
  const cases: [name: string, tag: string, kind: string, message: string | RegExp][] = [
    [
      `${open.host}/no`,
      'x',
      'NotFound',
      `manifest for ${open.host}/no:x not found: manifest unknown: manifest unknown`,
    ],
    [
      '127.0.0.1:9/x',
      '',
      'System',
      /^Get "https?:\/\/127\.0\.0\.1:9\/v2\/": dial tcp 127\.0\.0\.1:9: connect: connection refused$/,
    ],
    ['UPPER', '', 'InvalidParameter', 'invalid reference format: repository name (library/UPPER) must be lowercase'],
    ['a b', '', 'InvalidParameter', 'invalid reference format'],
    ['-x', '', 'InvalidParameter', 'invalid reference format'],
  ];
  for (const [name, tag, kind, message] of cases) {
    await assert.rejects(images.pull(pullOptions(name, tag), quiet, never), { kind, message }, name);
  }
  await assert.rejects(images.push({ name: 'nothing', tag: 'x', auth: undefined }, quiet, never), {
    kind: 'NotFound',
    message: 'An image does not exist locally with the tag: nothing',
  });
  assert.equal(await images.count(), 0);
});

void test('a mirror is asked before docker.io, and gets no credentials', async () => {
  await using store = openStore({ registryMirrors: [`http://127.0.0.1:9`, `http://${open.host}`] });
  const { images } = store;
  const id = await loadImage(store, `${open.host}/library/mirrored:1`, [[{ name: 'a', body: 'mirrored' }]]);
  await images.push({ name: `${open.host}/library/mirrored`, tag: '1', auth: undefined }, quiet, never);
  await images.remove(id, { force: true, noPrune: false });
  await images.pull({ ...pullOptions('mirrored', '1'), auth }, quiet, never);
  assert.deepEqual((await images.inspect('mirrored:1'))['RepoTags'], ['mirrored:1']);
});

void test('a pull whose client goes away leaves nothing, and shows bytes before', async () => {
  await using store = openStore();
  const { images } = store;
  const layers = [[{ name: 'small', body: 'small' }], [{ name: 'large', body: noise(3_000_000) }]];
  const id = await loadImage(store, `${open.host}/slow:1`, layers);
  await images.push({ name: `${open.host}/slow`, tag: '1', auth: undefined }, quiet, never);
  await images.remove(id, { force: true, noPrune: false });
  const before = treeOf(store.root);

  await using proxy = await startSlowProxy(open.host, 2_000_000);
  const gone = new AbortController();
  // What a kill in the midst of writing leaves.
  writeFileSync(`${store.root}/overlay-layers/.tmp-layers.json123`, '[');
  const downloading = Promise.withResolvers<Json>();
  const pulling = images.pull(
    pullOptions(`${proxy.host}/slow`, '1'),
    (line) => line['status'] === 'Downloading' && downloading.resolve(line),
    gone.signal,
  );
  const { current, total } = (await downloading.promise)['progressDetail'] as { current: number; total: number };
  assert.ok(current > 0 && current < total && total > 3_000_000, `${current} of ${total}`);
  gone.abort(new Error('client is gone'));
  await assert.rejects(pulling, /client is gone/);
  assertSameTree(store.root, before);
  assert.deepEqual(scratchLeft(store), []);
  assert.equal(execFileSync('ps', ['-eo', 'args']).toString().includes(store.directory), false, 'no skopeo is left');

  await images.pull(pullOptions(`${proxy.host}/slow`, '1'), quiet, never);
  assert.equal((await images.resolve(`${proxy.host}/slow:1`)).id, id);
});

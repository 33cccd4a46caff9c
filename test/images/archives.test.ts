/** load, save, import: round trips that skopeo reads independently, and archives that mean harm. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import type { Json } from '../../src/model/json.ts';
import { until } from '../support/wait.ts';
import {
  assertSameTree,
  collect,
  digestOf,
  loadImage,
  never,
  noise,
  ociArchive,
  openStore,
  quiet,
  run,
  scratchLeft,
  tarOf,
  treeOf,
} from './support.ts';
import type { TestStore } from './support.ts';

const layers = [
  [
    { name: 'bin/', type: '5' as const },
    { name: 'bin/a', body: 'program' },
    { name: 'bin/b', type: '1' as const, linkName: 'bin/a' },
  ],
  [{ name: 'etc/link', type: '2' as const, linkName: '/etc/passwd' }],
];

async function loadBytes(store: TestStore, bytes: Buffer): Promise<Json[]> {
  const lines: Json[] = [];
  await store.images.load(Readable.from([bytes]), (line) => lines.push(line), never);
  return lines;
}

void test('save and load: the ID stays, skopeo reads both formats, nothing is left', async () => {
  await using store = openStore();
  await using other = openStore();
  const id = await loadImage(store, 'team/app:1', layers);
  await store.images.tag('team/app:1', 'team/app', '2');
  await store.images.resolve('busybox');
  const archive = await collect(await store.images.save(['team/app', 'busybox:latest'], never));
  await until(() => scratchLeft(store).length === 0);

  const file = join(store.directory, 'saved.tar');
  writeFileSync(file, archive);
  const inspect = async (name: string): Promise<string> => {
    const { stdout } = await run('skopeo', ['inspect', '--config', '--raw', name]);
    return digestOf(stdout);
  };
  assert.equal(await inspect(`docker-archive:${file}:team/app:2`), id);
  assert.equal(await inspect(`oci-archive:${file}:2`), id);
  const repositories = execFileSync('tar', ['-xOf', file, 'repositories']).toString();
  assert.deepEqual(Object.keys(JSON.parse(repositories) as Json), ['team/app', 'busybox']);

  const lines = await loadBytes(other, archive);
  assert.deepEqual(lines.map((line) => String(line['stream'])).toSorted(), [
    'Loaded image: busybox:latest\n',
    'Loaded image: team/app:1\n',
    'Loaded image: team/app:2\n',
  ]);
  assert.equal((await other.images.resolve('team/app:2')).id, id);
  const [top, base] = (await other.images.resolve(id)).lowerDirs;
  assert.equal(readFileSync(join(base ?? '', 'bin/b'), 'utf8'), 'program');
  assert.ok(!existsSync(join(top ?? '', 'bin')));
  assert.deepEqual(scratchLeft(other), []);
});

void test('an ID is saved without names; what is not there is NotFound', async () => {
  await using store = openStore();
  const id = await loadImage(store, 'x:1', layers);
  const archive = await collect(await store.images.save([id.slice(7, 19)], never));
  await store.images.remove(id, { force: true, noPrune: false });
  assert.deepEqual(await loadBytes(store, archive), [{ stream: `Loaded image ID: ${id}\n` }]);
  await assert.rejects(store.images.save(['no/such:1'], never), {
    kind: 'NotFound',
    message: 'No such image: no/such:1',
  });
});

void test('a client that leaves in the middle of save or load leaves no files', async () => {
  await using store = openStore();
  await loadImage(store, 'large:1', [[{ name: 'x', body: noise(2_000_000) }]]);
  const stream = await store.images.save(['large:1'], never);
  await new Promise((resolve) => stream.once('data', resolve));
  stream.destroy();
  await until(() => scratchLeft(store).length === 0);

  const unread = new AbortController();
  const second = await store.images.save(['large:1'], unread.signal);
  second.on('error', quiet);
  unread.abort();
  await until(() => scratchLeft(store).length === 0);

  const before = treeOf(store.root);
  const gone = new AbortController();
  const { archive } = ociArchive([[{ name: 'y', body: 'y' }]]);
  const endless = Readable.from(
    (async function* () {
      yield archive.subarray(0, 2048);
      await new Promise(() => {});
    })(),
  );
  const loading = store.images.load(endless, quiet, gone.signal);
  setTimeout(() => gone.abort(new Error('gone')), 50);
  await assert.rejects(loading, /gone/);
  assert.deepEqual(scratchLeft(store), []);
  assertSameTree(store.root, before);
});

void test('every compression is read', async () => {
  await using store = openStore();
  const { archive, id } = ociArchive(layers, { name: 'packed:1' });
  const program = (name: string, ...args: string[]): Buffer => execFileSync(name, args, { input: archive });
  const packed: [string, Buffer][] = [
    ['gzip', gzipSync(archive)],
    ['zstd', zstdCompressSync(archive)],
    ['xz', program('xz', '-c')],
    ['bzip2', program('bzip2', '-c')],
  ];
  for (const [name, bytes] of packed) {
    assert.deepEqual(await loadBytes(store, bytes), [{ stream: 'Loaded image: packed:1\n' }], name);
    await store.images.remove(id, { force: true, noPrune: false });
    await assert.rejects(loadBytes(store, bytes.subarray(0, bytes.length / 2)), { kind: 'InvalidParameter' }, name);
  }
  assert.deepEqual(scratchLeft(store), []);
});

void test('an archive made by skopeo is loaded, legacy links and all', async () => {
  await using store = openStore();
  const id = await loadImage(store, 'x:1', layers);
  const file = join(store.directory, 'docker.tar');
  await run('unshare', [
    '-m',
    'skopeo',
    'copy',
    '-q',
    store.skopeoName('docker.io/library/x:1'),
    `docker-archive:${file}:named:7`,
  ]);
  await store.images.remove(id, { force: true, noPrune: false });
  assert.deepEqual(await loadBytes(store, readFileSync(file)), [{ stream: 'Loaded image: named:7\n' }]);
  assert.equal((await store.images.resolve('named:7')).id, id);
});

void test('hostile and broken archives change nothing outside and nothing in the store', async () => {
  await using store = openStore();
  await store.images.resolve('busybox');
  const before = treeOf(store.root);
  const canary = join(store.directory, 'canary');
  const good = ociArchive(layers, { name: 'good:1' });
  const cut = good.archive.subarray(0, good.archive.length - 3 * 512);
  const fake = `blobs/sha256/${'a'.repeat(64)}`;
  const index = (digest: string): string =>
    JSON.stringify({ schemaVersion: 2, manifests: [{ mediaType: 'x', digest, size: 1 }] });
  const docker = (entry: Json, ...more: Parameters<typeof tarOf>[0]): Buffer =>
    tarOf([{ name: 'manifest.json', body: JSON.stringify([entry]) }, ...more]);
  const config = '{"rootfs":{"type":"layers","diff_ids":[]}}';
  const cases: [why: string, archive: Buffer, text: RegExp][] = [
    ['empty', Buffer.alloc(0), /the archive is empty|unexpected EOF/],
    ['no tar', Buffer.from('hello'), /archive\/tar: /],
    ['noise', noise(5000), /archive\/tar: invalid tar header/],
    ['cut', cut, /unexpected EOF/],
    ['neither', tarOf([{ name: 'x', body: 'y' }]), /neither a manifest\.json/],
    ['bad JSON', tarOf([{ name: 'manifest.json', body: '[' }]), /manifest\.json in the archive is not valid JSON/],
    ['null entry', docker(null as unknown as Json), /missing configuration/],
    ['missing config', docker({ Config: '../../etc/passwd' }), /missing configuration/],
    [
      'config by link',
      docker({ Config: 'c' }, { name: 'c', type: '2', linkName: '/etc/passwd' }),
      /missing configuration/,
    ],
    ['bad name', docker({ Config: 'c', RepoTags: ['../x'] }, { name: 'c', body: config }), /invalid reference format/],
    ['bad digest', tarOf([{ name: 'index.json', body: index('../../x') }]), /without a valid digest/],
    ['missing blob', tarOf([{ name: 'index.json', body: index(`sha256:${'b'.repeat(64)}`) }]), /is missing/],
    [
      'blob by link',
      tarOf([
        { name: 'index.json', body: index(`sha256:${'a'.repeat(64)}`) },
        { name: fake, type: '2', linkName: canary },
      ]),
      /is missing/,
    ],
    [
      'wrong digest',
      tarOf([
        { name: 'index.json', body: index(`sha256:${'a'.repeat(64)}`) },
        { name: fake, body: JSON.stringify({ config: { digest: `sha256:${'a'.repeat(64)}` } }) },
      ]),
      /./,
    ],
  ];
  for (const [why, archive, message] of cases) {
    await assert.rejects(loadBytes(store, archive), { name: 'BerthError', message }, why);
    assertSameTree(store.root, before);
    assert.deepEqual(scratchLeft(store), [], why);
  }

  // Layers are files whose names the configuration gives.
  writeFileSync(canary, 'secret');
  for (const diff_ids of [['../../canary'], ['sha256:../../canary'], 5, [5]]) {
    const named = ociArchive(layers, { document: { rootfs: { type: 'layers', diff_ids } } as unknown as Json });
    const message = /invalid archive: its configuration names a layer by what is no digest/;
    await assert.rejects(loadBytes(store, named.archive), { kind: 'InvalidParameter', message });
    assertSameTree(store.root, before);
  }
  rmSync(canary);

  // Paths that climb are no blobs: they are passed over, and the image loads.
  const climbing = ociArchive(layers, {
    name: 'climb:1',
    extra: [
      { name: '../../canary', body: 'x' },
      { name: `blobs/sha256/../../../canary`, body: 'x' },
      { name: 'blobs', type: '2', linkName: '/' },
    ],
  });
  await loadBytes(store, climbing.archive);
  assert.ok(!existsSync(canary));

  // Inside a layer, containers/storage keeps them within it.
  const outside = join(store.directory, 'outside');
  mkdirSync(outside);
  symlinkSync(outside, join(store.directory, 'way'));
  const evil = ociArchive([
    [
      { name: 'way', type: '2', linkName: outside },
      { name: 'way/planted', body: 'x' },
      { name: '../../../../../../../../..' + outside + '/climbed', body: 'x' },
    ],
  ]);
  await loadBytes(store, evil.archive).catch((error: unknown) => assert.match(String(error), /BerthError/));
  assert.ok(!existsSync(join(outside, 'planted')) && !existsSync(join(outside, 'climbed')));
});

void test('what a registry gave is saved from the store alone, whatever its configuration says', async () => {
  await using store = openStore();
  const secret = join(store.directory, 'secret');
  writeFileSync(secret, 'secret');
  const cases: [diffIds: string[], message: RegExp][] = [
    [['../../../secret'], /cannot save image \w{12}: its configuration names a layer by what is no digest/],
    [[`sha256:${'a'.repeat(64)}`], /cannot save image \w{12}: its configuration names a layer that it does not have/],
  ];
  for (const [diff_ids, message] of cases) {
    const document = { rootfs: { type: 'layers', diff_ids }, config: { Healthcheck: { Test: 5 }, Shell: 'x' } };
    const { archive, id } = ociArchive([[{ name: 'a', body: 'x' }]], { document: document as unknown as Json });
    const layout = join(store.directory, 'layout');
    mkdirSync(layout);
    execFileSync('tar', ['-xf', '-', '-C', layout], { input: archive });
    // As pull brings it in: no archive that load could judge.
    await run('unshare', [
      '--mount',
      'skopeo',
      '--insecure-policy',
      'copy',
      `oci:${layout}`,
      store.skopeoName(`@${id.slice(7)}`),
    ]);
    rmSync(layout, { recursive: true });
    await assert.rejects(store.images.save([id], never), { kind: 'InvalidParameter', message });
    assert.deepEqual(scratchLeft(store), []);
    const { Config } = (await store.images.inspect(id)) as { Config: Json };
    assert.ok(!JSON.stringify(Config).includes('5') && !('Shell' in Config && Config['Shell'] === 'x'));
  }
});

void test('import makes one layer, with changes', async () => {
  await using store = openStore();
  const tar = tarOf([{ name: 'hello', body: 'hello' }]);
  const importing = (bytes: Buffer, changes: string[], repository = 'imported') =>
    store.images.importArchive(
      Readable.from([bytes]),
      { repository, tag: '', changes, message: 'from a test' },
      quiet,
      never,
    );
  const id = await importing(gzipSync(tar), ['CMD ["/hello"]', 'ENV A=b', 'EXPOSE 80']);
  const record = await store.images.resolve('imported');
  assert.equal(record.id, id);
  assert.deepEqual(record.defaults, { Cmd: ['/hello'], Env: ['A=b'], ExposedPorts: { '80/tcp': {} } });
  assert.equal(readFileSync(join(record.lowerDirs[0] ?? '', 'hello'), 'utf8'), 'hello');
  const inspected = await store.images.inspect(id);
  assert.equal(inspected['Comment'], 'from a test');
  assert.deepEqual(inspected['RootFS'], {
    Type: 'layers',
    Layers: [`sha256:${createHash('sha256').update(tar).digest('hex')}`],
  });
  assert.equal((await store.images.history('imported'))[0]?.['Comment'], 'from a test');
  const before = treeOf(store.root);
  await assert.rejects(importing(tar, ['RUN x']), {
    kind: 'InvalidParameter',
    message: 'RUN is not a valid change command',
  });
  await assert.rejects(importing(tar, [], 'Upper'), { kind: 'InvalidParameter' });
  await assert.rejects(importing(Buffer.from('no tar'), []), { kind: 'InvalidParameter' });
  assertSameTree(store.root, before);
  assert.deepEqual(scratchLeft(store), []);
});

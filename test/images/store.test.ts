/** The shared store: names, removal, filters, other programs at work on it, and what a kill leaves behind. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isStaticElf } from '../../src/engine/images/busybox.ts';
import { lockFile } from '../../src/linux/lockfile.ts';
import { assertSameTree, loadImage, openStore, run, scratchLeft, treeOf } from './support.ts';
import type { TestStore } from './support.ts';

const none: ReadonlyMap<string, string[]> = new Map();
const gentle = { force: false, noPrune: false };
const forced = { force: true, noPrune: false };
const list = (store: TestStore, ...filters: [string, string[]][]) =>
  store.images.list({ all: false, digests: false, filters: new Map(filters) });

void test('busybox is made at first need: reproducible, complete, and read by skopeo', async () => {
  await using store = openStore();
  await using other = openStore();
  assert.equal(await store.images.count(), 0);
  assert.deepEqual(await list(store), []);
  await assert.rejects(store.images.inspect('busybox'), { kind: 'NotFound', message: 'No such image: busybox:latest' });
  const [first, second] = await Promise.all([store.images.resolve('busybox'), store.images.resolve('busybox:latest')]);
  assert.equal(first.id, second.id);
  assert.equal((await other.images.resolve('docker.io/library/busybox')).id, first.id);
  assert.deepEqual(first.names, ['docker.io/library/busybox:latest']);
  assert.deepEqual(first.defaults.Cmd, ['sh']);
  const [root = ''] = first.lowerDirs;
  assert.deepEqual(readFileSync(join(root, 'bin/ifconfig')), readFileSync('/bin/busybox'));
  assert.equal(statSync(join(root, 'bin/sh')).ino, statSync(join(root, 'bin/busybox')).ino);
  assert.match(readFileSync(join(root, 'etc/passwd'), 'utf8'), /^root:x:0:0:root:\/root:\/bin\/sh$/m);
  assert.equal(statSync(join(root, 'tmp')).mode & 0o7777, 0o1777);
  assert.equal(statSync(join(root, 'etc/shadow')).mode & 0o7777, 0o600);
  const name = store.skopeoName('docker.io/library/busybox:latest');
  const { stdout } = await run('unshare', ['-m', 'skopeo', 'inspect', '--format', '{{.Name}} {{.Os}}', name]);
  assert.equal(stdout.trim(), 'docker.io/library/busybox linux');
  assert.ok(
    isStaticElf(readFileSync('/bin/busybox')) &&
      !isStaticElf(readFileSync('/bin/sh')) &&
      !isStaticElf(Buffer.from('#!/bin/sh')),
  );
});

void test('resolve: by every kind of reference', async () => {
  await using store = openStore();
  const id = await loadImage(store, 'team/app:1', [[{ name: 'a', body: 'a' }]]);
  await loadImage(store, 'localhost/built:latest', [[{ name: 'a', body: 'b' }]]);
  for (const ref of ['team/app:1', 'docker.io/team/app:1', id, id.slice(7), id.slice(7, 15), id.slice(0, 20)]) {
    assert.equal((await store.images.resolve(ref)).id, id, ref);
  }
  assert.deepEqual((await store.images.resolve('built')).names, ['localhost/built:latest'], 'as Buildah names it');
  const missing: [ref: string, text: string][] = [
    ['team/app', 'No such image: team/app:latest'],
    ['nope', 'No such image: nope:latest'],
    [`sha256:${'0'.repeat(64)}`, `No such image: sha256:${'0'.repeat(64)}`],
  ];
  for (const [ref, message] of missing) await assert.rejects(store.images.resolve(ref), { kind: 'NotFound', message });
  await assert.rejects(store.images.resolve('A B'), { kind: 'InvalidParameter' });
});

void test('tags: given, moved, refused', async () => {
  await using store = openStore();
  const one = await loadImage(store, 'a:1', [[{ name: 'a', body: '1' }]]);
  const two = await loadImage(store, 'b:1', [[{ name: 'a', body: '2' }]]);
  await store.images.tag('a:1', 'moving', '');
  assert.equal((await store.images.resolve('moving')).id, one);
  await store.images.tag(two, 'moving', 'latest');
  assert.equal((await store.images.resolve('moving')).id, two);
  assert.deepEqual((await store.images.inspect(one))['RepoTags'], ['a:1']);
  await assert.rejects(store.images.tag('a:1', 'Upper', ''), { kind: 'InvalidParameter' });
  await assert.rejects(store.images.tag('a:1', 'x', 'b c'), { kind: 'InvalidParameter' });
  await assert.rejects(store.images.tag('a:1', `x@sha256:${'a'.repeat(64)}`, ''), {
    message: 'refusing to create a tag with a digest reference',
  });
  await assert.rejects(store.images.tag('no', 'x', ''), { kind: 'NotFound' });
  assert.deepEqual(
    store.events.filter((event) => event.startsWith('tag')),
    ['tag moving:latest', 'tag moving:latest'],
  );
});

void test('rmi: shared layers stay, Docker’s refusals, Podman’s containers count', async () => {
  await using store = openStore();
  const base = [{ name: 'base', body: 'base' }];
  const small = await loadImage(store, 'small:1', [base]);
  const bare = treeOf(store.root);
  const large = await loadImage(store, 'large:1', [base, [{ name: 'more', body: 'more' }]]);
  const short = large.slice(7, 19);
  await store.images.tag('large:1', 'other', '1');
  await assert.rejects(store.images.remove(large, gentle), {
    kind: 'Conflict',
    message: `conflict: unable to delete ${short} (must be forced) - image is referenced in multiple repositories`,
  });
  assert.deepEqual(await store.images.remove('other:1', gentle), [{ Untagged: 'other:1' }]);

  store.users.push({ id: 'c'.repeat(64), name: 'user', running: false });
  await assert.rejects(store.images.remove('large:1', gentle), {
    kind: 'Conflict',
    message: `conflict: unable to remove repository reference "large:1" (must force) - container cccccccccccc is using its referenced image ${short}`,
  });
  await assert.rejects(store.images.remove(large, gentle), {
    message: `conflict: unable to delete ${short} (must be forced) - image is being used by stopped container cccccccccccc`,
  });
  store.users[0]!.running = true;
  await assert.rejects(store.images.remove(large, forced), {
    message: `conflict: unable to delete ${short} (cannot be forced) - image is being used by running container cccccccccccc`,
  });
  store.users.length = 0;

  const containers = join(store.root, 'overlay-containers', 'containers.json');
  mkdirSync(join(store.root, 'overlay-containers'), { recursive: true });
  writeFileSync(containers, JSON.stringify([{ id: 'd'.repeat(64), names: ['p'], image: large.slice(7), layer: 'x' }]));
  await assert.rejects(store.images.remove(large, forced), {
    message: `conflict: unable to delete ${short} (cannot be forced) - image is being used by container dddddddddddd of Podman or Buildah`,
  });
  writeFileSync(containers, '[]');
  const removed = await store.images.remove('large:1', gentle);
  assert.deepEqual(
    removed.map((line) => Object.keys(line)[0]),
    ['Untagged', 'Untagged', 'Deleted', 'Deleted'],
  );
  assert.deepEqual(removed[2], { Deleted: large });
  assert.equal((await store.images.resolve('small:1')).id, small);
  assert.deepEqual(
    [...treeOf(store.root)].filter((line) => !line.includes('containers.json')).toSorted(),
    [...bare].toSorted(),
  );
  await assert.rejects(store.images.remove('large:1', forced), { kind: 'NotFound', message: 'No such image: large:1' });
});

void test('list, filters and prune', async () => {
  await using store = openStore();
  await loadImage(store, 'a/x:1', [[{ name: 'a', body: '1' }]]);
  const dangling = await loadImage(store, 'b:1', [[{ name: 'a', body: '2' }], [{ name: 'b', body: '3' }]]);
  await loadImage(store, 'b:1', [[{ name: 'a', body: '4' }]]);
  const tags = async (...filters: [string, string[]][]) =>
    (await list(store, ...filters)).map((image) => (image['RepoTags'] as string[])[0] ?? '-').toSorted();
  assert.deepEqual(await tags(), ['-', 'a/x:1', 'b:1']);
  assert.deepEqual(await tags(['dangling', ['true']]), ['-']);
  assert.deepEqual(await tags(['reference', ['a/*']]), ['a/x:1']);
  assert.deepEqual(await tags(['reference', ['b:*', '*/x']]), ['a/x:1', 'b:1']);
  await store.images.tag('a/x:1', 'other', '2');
  const [both] = await list(store, ['reference', ['other']]);
  assert.deepEqual(both?.['RepoTags'], ['other:2'], 'of an image with several names those that were asked for');
  await store.images.remove('other:2', { force: false, noPrune: false });
  await assert.rejects(list(store, ['nope', ['1']]), { message: "invalid filter 'nope'" });
  await assert.rejects(list(store, ['before', ['none']]), { message: 'No such image: none:latest' });
  const [image] = await list(store, ['reference', ['a/x']]);
  assert.deepEqual(
    [image?.['ParentId'], image?.['SharedSize'], image?.['Containers'], image?.['Created']],
    ['', -1, -1, Date.parse('2024-01-02T03:04:05Z') / 1000],
  );
  const pruned = await store.images.prune(none);
  assert.deepEqual(pruned.ImagesDeleted[0], { Deleted: dangling });
  assert.ok(pruned.SpaceReclaimed > 0);
  assert.deepEqual(await tags(), ['a/x:1', 'b:1']);
  store.users.push({ id: 'c'.repeat(64), name: 'user', running: false });
  assert.deepEqual((await store.images.prune(new Map([['dangling', ['false']]]))).ImagesDeleted, []);
  store.users.length = 0;
  await store.images.prune(new Map([['dangling', ['false']]]));
  assert.equal(await store.images.count(), 0);
});

void test('other programs hold the locks: an edit waits, the event loop does not', async () => {
  await using store = openStore();
  await loadImage(store, 'a:1', [[{ name: 'a', body: '1' }]]);
  const path = join(store.root, 'overlay-images', 'images.lock');
  const lockfile = new URL('../../src/linux/lockfile.ts', import.meta.url).pathname;
  const holder = spawn(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `const { lockFile } = await import('${lockfile}');
      await lockFile('${path}', 'write'); console.log('held'); setTimeout(() => {}, 400);`,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  await new Promise((resolve) => holder.stdout.once('data', resolve));
  const writer = readFileSync(path);
  let ticks = 0;
  const ticking = setInterval(() => ticks++, 10);
  const start = performance.now();
  await store.images.tag('a:1', 'b', '');
  clearInterval(ticking);
  assert.ok(performance.now() - start > 200, 'it waited');
  assert.ok(ticks > 10, 'the loop went on');
  assert.notDeepEqual(readFileSync(path), writer, 'the last writer is named');
  assert.equal(readFileSync(path).length, 64);
});

void test('locks of one process exclude each other, and readers of other processes do not wait for readers', async () => {
  await using store = openStore();
  const path = join(store.directory, 'lock');
  const order: string[] = [];
  const first = await lockFile(path, 'write');
  const second = lockFile(path, 'write').then((lock) => {
    order.push('second');
    lock.release();
  });
  await sleep(20);
  order.push('first');
  first.release();
  first.release();
  await second;
  assert.deepEqual(order, ['first', 'second']);
  await assert.rejects(lockFile(join(store.directory, 'no', 'lock'), 'read'), /ENOENT/);
});

void test('skopeo and Berth change the store at once; both changes are there', async () => {
  await using store = openStore();
  await using source = openStore();
  await store.images.resolve('busybox');
  const copies = Array.from({ length: 4 }, async (_, i) => {
    await loadImage(source, `s:${i}`, [[{ name: 'a', body: `s${i}` }]]);
    const archive = join(source.directory, `oci${i}`);
    await run('unshare', [
      '-m',
      'skopeo',
      'copy',
      '-q',
      source.skopeoName(`docker.io/library/s:${i}`),
      `oci:${archive}`,
    ]);
    await run('unshare', [
      '-m',
      'skopeo',
      'copy',
      '-q',
      `oci:${archive}`,
      store.skopeoName(`docker.io/library/s:${i}`),
    ]);
  });
  const tags = (async () => {
    for (let i = 0; i < 30; i++) await store.images.tag('busybox', 'many', `t${i}`);
  })();
  await Promise.all([...copies, tags]);
  assert.equal((await store.images.resolve('busybox')).names.length, 31);
  for (let i = 0; i < 4; i++) await store.images.resolve(`s:${i}`);
  assert.equal(await store.images.count(), 5);
});

void test('what a kill in the middle of a removal left is finished at the next use', async () => {
  await using store = openStore();
  await loadImage(store, 'stay:1', [[{ name: 'a', body: 'stay' }]]);
  const before = treeOf(store.root);
  const id = await loadImage(store, 'go:1', [[{ name: 'a', body: 'stay' }], [{ name: 'b', body: 'go' }]]);
  const imagesFile = join(store.root, 'overlay-images', 'images.json');
  const entries = JSON.parse(readFileSync(imagesFile, 'utf8')) as { id: string; layer: string }[];
  const going = entries.find((entry) => `sha256:${entry.id}` === id);
  const staying = entries.filter((entry) => entry !== going);
  // As after the first step: the journal is written, images.json forgot the image.
  const layersFile = join(store.root, 'overlay-layers', 'layers.json');
  const layers = JSON.parse(readFileSync(layersFile, 'utf8')) as { id: string; parent?: string }[];
  const journal = { layers: layers.map((layer) => layer.id), digests: [], before: [] };
  writeFileSync(join(store.directory, 'tmp', 'image-journal-0123'), JSON.stringify(journal));
  mkdirSync(join(store.directory, 'tmp', 'image-scratch-dead'));
  writeFileSync(imagesFile, JSON.stringify(staying));
  await run('rm', ['-r', join(store.root, 'overlay-images', id.slice(7))]);

  await store.again().prune(none);
  assertSameTree(store.root, before);
  assert.deepEqual(scratchLeft(store), []);

  // As after the second: layers.json forgot the layer, its directory is there still.
  const orphan = 'f'.repeat(64);
  mkdirSync(join(store.root, 'overlay', orphan, 'diff'), { recursive: true });
  writeFileSync(join(store.directory, 'tmp', 'image-journal-4567'), JSON.stringify({ ...journal, layers: [orphan] }));
  await store.again().prune(none);
  assert.ok(!existsSync(join(store.root, 'overlay', orphan)));
  assertSameTree(store.root, before);
});

void test('a store that cannot be read says which file', async () => {
  await using store = openStore();
  mkdirSync(join(store.root, 'overlay-images'), { recursive: true });
  writeFileSync(join(store.root, 'overlay-images', 'images.json'), '[{');
  await assert.rejects(store.images.resolve('x'), {
    kind: 'System',
    message: /overlay-images\/images\.json cannot be read$/,
  });
  assert.deepEqual(readdirSync(store.root), ['overlay-images']);
});

void test('without skopeo the error says what to install', async () => {
  await using store = openStore();
  const path = process.env['PATH'];
  const only = join(store.directory, 'bin');
  mkdirSync(only);
  await run('ln', ['-s', '/usr/bin/unshare', join(only, 'unshare')]);
  process.env['PATH'] = only;
  try {
    await assert.rejects(store.images.resolve('busybox'), { kind: 'Unavailable', message: /apt-get install skopeo/ });
  } finally {
    process.env['PATH'] = path;
  }
});

/** The pure parts, and the book on real directories: what is decided without a container. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describe, test } from 'node:test';
import type { Filters } from '../../model/json.ts';
import { createMemoryStore } from '../../store/memory.ts';
import { pathsOf } from '../paths.ts';
import { Registry } from '../registry.ts';
import { VolumeBook } from './book.ts';
import { listTest, pruneTest, type VolumeCandidate } from './filters.ts';
import { checkDriver, checkVolumeName } from './names.ts';
import { checkOptions, isReadOnly, mountPlan, withoutPassword } from './options.ts';
import type { VolumeRecord, VolumeWish } from './record.ts';

void test('names', () => {
  for (const good of ['aa', 'a.b-c_d', '0x', 'a'.repeat(255)]) checkVolumeName(good);
  for (const bad of ['a', '', '.a', '..', '-a', 'a/b', 'a b', 'a\n', 'ä1', 'a'.repeat(256)]) {
    assert.throws(() => checkVolumeName(bad), { kind: 'InvalidParameter' }, bad);
  }
  assert.throws(() => checkDriver('data', 'nfs4'), {
    kind: 'NotFound',
    message: 'create data: error looking up volume plugin nfs4: plugin "nfs4" not found',
  });
});

void describe('options of the local driver', () => {
  for (const [options, message] of [
    [{ foo: 'x' }, 'create data: invalid option: "foo"'],
    [{ type: 'tmpfs' }, 'create data: missing required option: "device"'],
    [{ device: 'x' }, 'create data: missing required option: "type"'],
    [{ o: 'ro' }, 'create data: missing required option: "device"'],
    [{ size: '1g' }, 'create data: quota size requested but no quota support'],
    [{ size: 'much' }, "create data: invalid size: 'much'"],
  ] as const) {
    void test(message, () => assert.throws(() => checkOptions('data', options), { kind: 'InvalidParameter', message }));
  }
  void test('those of dockerd are taken', () => {
    checkOptions('data', {});
    checkOptions('data', { size: '0' });
    checkOptions('data', { type: 'nfs', device: ':/x', o: 'addr=h,rw' });
    assert.deepEqual([isReadOnly({ o: 'bind,ro' }), isReadOnly({ o: 'bind' }), isReadOnly({})], [true, false, false]);
  });
  void test('servers have addresses, shares have passwords', async () => {
    const addressOf = async (name: string): Promise<string> =>
      Promise.resolve(name === 'store.example' ? '192.0.2.7' : '');
    const plan = async (type: string, o: string): Promise<string> =>
      (await mountPlan({ type, device: ':/x', o }, addressOf)).options;
    assert.equal(await plan('nfs', 'addr=store.example,rw'), 'addr=192.0.2.7,rw');
    assert.equal(await plan('nfs', 'rw,addr=192.0.2.1'), 'rw,addr=192.0.2.1');
    assert.equal(await plan('cifs', 'addr=2001:db8::1,password=p'), 'addr=2001:db8::1,password=p');
    assert.equal(await plan('ext4', 'addr=store.example'), 'addr=store.example');
    assert.equal(
      withoutPassword('data: user=a,password=s3: no', { o: 'user=a,password=s3' }),
      'data: user=a,password=********: no',
    );
  });
});

void describe('filters', () => {
  const candidate = (name: string, own: Partial<VolumeRecord> = {}, inUse = false): VolumeCandidate => ({
    record: { name, created: '', labels: {}, options: {}, ...own },
    inUse,
  });
  const all = [
    candidate('data', { labels: { tier: 'back' } }),
    candidate('used', {}, true),
    candidate('ram', { options: { type: 'tmpfs', device: 'x' }, labels: { 'com.docker.volume.anonymous': '' } }),
    candidate('anon', { labels: { 'com.docker.volume.anonymous': '' } }),
  ];
  const filters = (own: Record<string, string[]>): Filters => new Map(Object.entries(own));
  const names = (wanted: (candidate: VolumeCandidate) => boolean): string =>
    all
      .filter(wanted)
      .map(({ record }) => record.name)
      .join(' ');
  void test('of the list', () => {
    assert.equal(names(listTest(filters({}))), 'data used ram anon');
    assert.equal(names(listTest(filters({ name: ['a$'] }))), 'data');
    assert.equal(names(listTest(filters({ name: ['(?=d)d', 'ra'] }))), 'ram');
    assert.equal(names(listTest(filters({ driver: ['x'] }))), '');
    assert.equal(names(listTest(filters({ label: ['tier=back'] }))), 'data');
    assert.equal(names(listTest(filters({ dangling: ['0'] }))), 'used');
    assert.equal(names(listTest(filters({ dangling: ['true'] }))), 'data ram anon');
    for (const values of [['x'], [], ['1', '0']]) {
      assert.throws(() => listTest(filters({ dangling: values })), /invalid filter 'dangling=\[/);
    }
  });
  void test('of prune', () => {
    assert.equal(names(pruneTest(filters({}))), 'anon');
    assert.equal(names(pruneTest(filters({ all: ['0'] }))), 'anon');
    assert.equal(names(pruneTest(filters({ all: ['T'] }))), 'data anon');
    assert.equal(names(pruneTest(filters({ all: ['1'], 'label!': ['tier'] }))), 'anon');
    for (const values of [['x'], ['1', '1']]) assert.throws(() => pruneTest(filters({ all: values })), /'all=\[/);
  });
});

void describe('the book', () => {
  const wish = (name: string, own: Partial<VolumeWish> = {}): VolumeWish => ({
    name,
    driver: '',
    options: {},
    labels: {},
    ...own,
  });
  const within = async (
    body: (parts: {
      book: VolumeBook;
      root: string;
      events: string[];
      store: ReturnType<typeof createMemoryStore>;
    }) => Promise<void>,
  ): Promise<void> => {
    const root = mkdtempSync(`${tmpdir()}/b-volumes-`);
    const paths = pathsOf(root, `${root}/run`);
    mkdirSync(paths.volumes);
    const store = createMemoryStore();
    const events: string[] = [];
    const quiet = (): void => {};
    const book = new VolumeBook({
      store,
      paths,
      registry: new Registry(),
      publish: (type, action, id) => void events.push(`${type} ${action} ${id}`),
      log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    });
    try {
      await body({ book, root, events, store });
    } finally {
      rmSync(root, { recursive: true });
    }
  };
  void test('makes a volume once, and takes it away whole', async () =>
    within(async ({ book, root, events, store }) => {
      assert.equal(book.ensure(wish('data', { labels: { a: 'b' } })).made, true);
      assert.equal(book.ensure(wish('data', { labels: { c: 'd' }, options: { type: 'x', device: 'y' } })).made, false);
      assert.deepEqual(store.get<VolumeRecord>('volume', 'data')?.labels, { a: 'b' });
      mkdirSync(`${root}/volumes/data/_data/deep`);
      writeFileSync(`${root}/volumes/data/_data/deep/f`, '');
      await book.remove(book.find('data'));
      assert.deepEqual(readdirSync(`${root}/volumes`), []);
      assert.equal(store.get('volume', 'data'), undefined);
      assert.throws(() => book.find('data'), { kind: 'NotFound', message: 'get data: no such volume' });
      assert.deepEqual(events, ['volume create data', 'volume destroy data']);
    }));
  void test('removes one that is made again at once', async () =>
    within(async ({ book, root }) => {
      const { volume } = book.ensure(wish('data'));
      const removal = book.remove(volume);
      const second = book.remove(volume);
      await Promise.all([removal, second]);
      book.ensure(wish('data'));
      assert.equal(existsSync(`${root}/volumes/data/_data`), true);
    }));
  void test('nothing is left of one that cannot be made', async () =>
    within(async ({ book, root, store }) => {
      writeFileSync(`${root}/volumes/file`, '');
      assert.throws(() => book.ensure(wish('file')), { code: /EEXIST|ENOTDIR/ });
      assert.equal(book.get('file'), undefined);
      assert.equal(store.get('volume', 'file'), undefined);
      assert.throws(() => book.ensure(wish('ok', { driver: 'other' })), { kind: 'NotFound' });
      assert.deepEqual(readdirSync(`${root}/volumes`), ['file']);
    }));
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { notFound } from '../../errors.ts';
import type { Mount } from '../../model/container.ts';
import type { MountRecord } from '../record.ts';
import { sampleConfig, sampleHost } from '../testing-samples.ts';
import { parseBind } from './bind-text.ts';
import type { MountEnvironment } from './environment.ts';
import { isRecursive } from './host-flags.ts';
import { mountPoints } from './mount-points.ts';
import { cleanPath, isLocal } from './paths.ts';

const stored: MountRecord = {
  Type: 'volume',
  Name: 'stored',
  Source: '/v/stored/_data',
  Destination: '/data',
  Driver: 'local',
  Mode: 'z',
  RW: true,
  Propagation: '',
  recursive: true,
  copyUp: true,
  anonymous: true,
};
const bound: MountRecord = { ...stored, Type: 'bind', Source: '/etc', Destination: '/host', RW: false };

const environment: MountEnvironment = {
  exists: (path) => path !== '/missing',
  newName: () => 'anon',
  volumePath: (name) => `/v/${name}/_data`,
  mountsOf(ref) {
    if (ref === 'store') return [stored, bound];
    throw notFound(`No such container: ${ref}`);
  },
};

const bind = (text: string): MountRecord => parseBind(text, environment).mount;
const planned = (own: Parameters<typeof sampleHost>[0], config = {}): ReturnType<typeof mountPoints> =>
  mountPoints(sampleConfig(config), sampleHost(own), environment);
const mount = (own: Partial<Mount>): ReturnType<typeof mountPoints> =>
  planned({ Mounts: [{ Type: 'volume', Source: '', Target: '/x', ReadOnly: false, ...own }] });

void describe('-v', () => {
  void test('binds and volumes', () => {
    const { Type, Source, Destination, RW, Propagation } = bind('/a/../b:/c/:ro,rslave');
    assert.deepEqual([Type, Source, Destination, RW, Propagation], ['bind', '/b', '/c', false, 'rslave']);
    assert.equal(bind('data:/c').Source, '/v/data/_data');
    assert.deepEqual([bind('data:/c').Mode, bind('data:/c:ro,nocopy').Mode], ['z', 'ro,nocopy']);
    assert.deepEqual([bind('data:/c').copyUp, bind('data:/c:ro,nocopy').copyUp], [true, false]);
    const alone = parseBind('/only', environment);
    assert.deepEqual(
      [alone.mount.anonymous, alone.mount.Name, alone.volume?.labels],
      [true, 'anon', { 'com.docker.volume.anonymous': '' }],
    );
  });
  for (const [text, message] of [
    [':/a', /^invalid volume specification: ':\/a'$/],
    ['/a:rw', /^invalid volume specification: '\/a:rw'$/],
    ['/a:/b:ro:rw', /^invalid volume specification: '\/a:\/b:ro:rw'$/],
    ['/a:', /^invalid volume specification: '\/a:'/],
    ['/a:b', /: invalid mount config for type "bind": invalid mount path: 'b' mount path must be absolute$/],
    ['a', /: invalid mount config for type "volume": invalid mount path: 'a' mount path must be absolute$/],
    ['/a:/', /: invalid mount config for type "bind": invalid specification: destination can't be '\/'$/],
    ['/a:/b:xx', /^invalid mode: xx$/],
    ['/a:/b:ro,rw', /^invalid mode: ro,rw$/],
    ['/a:/b:z,Z', /^invalid mode: z,Z$/],
    ['/a:/b:nocopy', /: invalid mount config for type "bind": field VolumeOptions must not be specified$/],
    ['aa:/b:shared', /: invalid mount config for type "volume": field BindOptions must not be specified$/],
    ['../x:/b', /^create \.\.\/x: "\.\.\/x" includes invalid characters for a local volume name, only/],
    ['..:/b', /^create \.\.: "\.\." includes invalid characters/],
    ['x:/b', /^create x: volume name is too short, names should be at least two alphanumeric characters$/],
  ] as const) {
    void test(`refused: ${text}`, () => assert.throws(() => bind(text), { kind: 'InvalidParameter', message }));
  }
});

void describe('--mount', () => {
  void test('a volume with everything', () => {
    const { mounts, volumes } = mount({
      Source: 'data',
      ReadOnly: true,
      VolumeOptions: {
        NoCopy: true,
        Labels: { a: 'b' },
        Subpath: 'x/../y',
        DriverConfig: { Name: 'local', Options: { type: 'tmpfs', device: 'tmpfs' } },
      },
    });
    assert.deepEqual(mounts, [
      {
        Type: 'volume',
        Name: 'data',
        Source: '/v/data/_data',
        Destination: '/x',
        Driver: 'local',
        Mode: 'z',
        RW: false,
        Propagation: '',
        recursive: true,
        copyUp: false,
        anonymous: false,
        subpath: 'x/../y',
      },
    ]);
    assert.deepEqual(volumes, [
      { name: 'data', driver: 'local', options: { type: 'tmpfs', device: 'tmpfs' }, labels: { a: 'b' } },
    ]);
  });
  void test('a bind that is made', () => {
    const made = mount({ Type: 'bind', Source: '/missing', BindOptions: { CreateMountpoint: true } });
    assert.deepEqual([made.create, made.volumes], [['/missing'], []]);
  });
  for (const [own, message] of [
    [{ Target: '' }, 'field Target must not be empty'],
    [{ Target: '/..' }, "invalid specification: destination can't be '/'"],
    [{ Target: 'x' }, "invalid mount path: 'x' mount path must be absolute"],
    [{ VolumeOptions: { Subpath: 'a' } }, 'must not set Subpath when using anonymous volumes'],
    [{ Source: 'data', VolumeOptions: { Subpath: '../a' } }, 'subpath must be a relative path within the volume'],
    [{ Source: 'data', VolumeOptions: { Subpath: '/a' } }, 'subpath must be a relative path within the volume'],
    [{ Source: 'data', BindOptions: {} }, 'field BindOptions must not be specified'],
    [{ Type: 'bind' }, 'field Source must not be empty'],
    [{ Type: 'bind', Source: 'a' }, "invalid mount path: 'a' mount path must be absolute"],
    [{ Type: 'bind', Source: '/missing' }, 'bind source path does not exist: /missing'],
    [{ Type: 'bind', Source: '/a', VolumeOptions: {} }, 'field VolumeOptions must not be specified'],
    [{ Type: 'bind', Source: '/a', BindOptions: { Propagation: 'x' } }, 'invalid propagation mode: x'],
    [{ Type: 'tmpfs', Source: 'a' }, 'field Source must not be specified'],
  ] as const satisfies [Partial<Mount>, string][]) {
    void test(`refused: ${message}`, () =>
      assert.throws(() => mount(own), {
        kind: 'InvalidParameter',
        message: `invalid mount config for type "${'Type' in own ? own.Type : 'volume'}": ${message}`,
      }));
  }
});

void describe('--volumes-from', () => {
  void test('the other one’s mounts, read only where asked', () => {
    const { mounts, volumes } = planned({ VolumesFrom: ['store:ro'] });
    assert.deepEqual(
      mounts.map(({ Type, Name, Source, Destination, RW, Mode, copyUp, anonymous }) => [
        [Type, Name, Source, Destination],
        [RW, Mode, copyUp, anonymous],
      ]),
      [
        [
          ['volume', 'stored', '/v/stored/_data', '/data'],
          [false, '', false, true],
        ],
        [
          ['bind', 'stored', '/etc', '/host'],
          [false, '', false, true],
        ],
      ],
    );
    assert.deepEqual(volumes, []);
    assert.deepEqual(
      planned({ VolumesFrom: ['store'] }).mounts.map(({ RW }) => RW),
      [true, false],
    );
  });
  void test('what is named, and a tmpfs, take its places; it takes that of the image’s volumes', () => {
    const { mounts } = planned(
      { VolumesFrom: ['store'], Binds: ['own:/host'], Tmpfs: { '/tmp': '' } },
      { Volumes: { '/data': {}, '/tmp': {} } },
    );
    assert.deepEqual(
      mounts.map(({ Name, Destination }) => `${Name} ${Destination}`),
      ['stored /data', 'own /host'],
    );
    assert.deepEqual(
      planned({ VolumesFrom: ['store'], Tmpfs: { '/data': '' } }).mounts.map(({ Destination }) => Destination),
      ['/host'],
    );
  });
  for (const [text, message] of [
    ['', /^volumes-from specification cannot be an empty string$/],
    ['nobody', /^No such container: nobody$/],
    ['store:xx', /^invalid mode: xx$/],
    ['store:rslave', /^invalid mode: rslave$/],
    ['store:nocopy', /^invalid mode: nocopy$/],
  ] as const) {
    void test(`refused: '${text}'`, () => assert.throws(() => planned({ VolumesFrom: [text] }), { message }));
  }
});

void test('an image’s volume gives way to a bind at the same place; twice the same is refused', () => {
  const { mounts } = planned({ Binds: ['/x:/data'] }, { Volumes: { '/data': {}, '/more': {} } });
  assert.deepEqual(
    mounts.map(({ Type, Destination, anonymous, Mode }) => [Type, Destination, anonymous, Mode]),
    [
      ['bind', '/data', false, ''],
      ['volume', '/more', true, ''],
    ],
  );
  assert.throws(() => planned({ Binds: ['/x:/d', '/y:/d'] }), /Duplicate mount point: \/d/);
  assert.throws(() => planned({ Binds: ['/x:/d'], Tmpfs: { '/d': '' } }), /Duplicate mount point: \/d/);
});

void test('nothing is mounted over /proc, but what has its file there', () => {
  const over = (destination: string): number => planned({ Binds: [`/x:${destination}`] }).mounts.length;
  for (const bad of ['/proc', '/proc/', '/x/../proc/sys', '/proc/self/attr']) {
    assert.throws(() => over(bad), /cannot be mounted because it is inside \/proc/, bad);
  }
  assert.equal(over('/proc/meminfo'), 1);
  assert.equal(over('/process'), 1);
});

void test('paths', () => {
  assert.deepEqual(['/a//b/./c/..', '/..', 'x'].map(cleanPath), ['/a/b', '/', '/x']);
  assert.deepEqual(['a', 'a/..', 'a/../b', '.', '', '/a', '..', 'a/../..', 'a/../../a'].map(isLocal), [
    true,
    true,
    true,
    true,
    false,
    false,
    false,
    false,
    false,
  ]);
});

void test('kernels that make a mount read-only with all below it', () => {
  const kernels = ['4.19.0-27-amd64', '5.10.0-30-amd64', '5.12.0', '6.1.0-18-arm64', '6.18', '10.0.1'];
  assert.deepEqual(kernels.map(isRecursive), [false, false, true, true, true, true]);
});

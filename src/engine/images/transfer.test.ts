import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Json } from '../../model/json.ts';
import { PullProgress } from './progress.ts';
import { PushProgress } from './push-progress.ts';
import { parseReference } from './reference.ts';
import { choose, isInsecure, parseManifest, parsePlatform, sourcesOf } from './registry.ts';
import { pullError, pushError } from './registry-errors.ts';
import { fatalText } from './skopeo.ts';

const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;
const short = (letter: string): string => letter.repeat(12);

void test('the progress of a pull, line by line', () => {
  const lines: Json[] = [];
  const layers = ['a', 'b', 'c'].map((letter) => ({ digest: digest(letter), size: 100 }));
  const progress = new PullProgress(layers, new Set([digest('a')]), (line) => lines.push(line));
  progress.line('Getting image source signatures');
  progress.line(`Copying blob ${digest('a')}`);
  progress.line(`Copying blob ${digest('c')}`);
  progress.line(`Copying blob ${digest('b')}`);
  progress.files([40]);
  progress.files([40, 10]);
  progress.files([100, 10]);
  progress.unpacking(0, 30);
  progress.unpacking(0, 30);
  progress.unpacking(1, 5);
  progress.unpacking(-1, 5);
  progress.line(`Copying config ${digest('d')}`);
  progress.unpacked([digest('b'), digest('e')]);
  progress.finish();
  const step = (status: string, letter: string, progressDetail: Json = {}) => ({
    status,
    progressDetail,
    id: short(letter),
  });
  assert.deepEqual(lines, [
    step('Already exists', 'a'),
    step('Pulling fs layer', 'b'),
    step('Pulling fs layer', 'c'),
    step('Downloading', 'c', { current: 40, total: 100 }),
    step('Downloading', 'b', { current: 10, total: 100 }),
    step('Verifying Checksum', 'c'),
    step('Download complete', 'c'),
    step('Extracting', 'c', { current: 30, total: 100 }),
    step('Verifying Checksum', 'b'),
    step('Download complete', 'b'),
    step('Extracting', 'b', { current: 100, total: 100 }),
    step('Pull complete', 'b'),
    step('Extracting', 'c', { current: 100, total: 100 }),
    step('Pull complete', 'c'),
  ]);
});

void test('files in another order than the layers were named in', () => {
  const lines: string[] = [];
  const layers = [
    { digest: digest('a'), size: 30 },
    { digest: digest('b'), size: 50 },
  ];
  const progress = new PullProgress(layers, new Set(), ({ status, id, progressDetail }) =>
    lines.push(`${String(id).at(0)} ${String(status)} ${JSON.stringify(progressDetail)}`),
  );
  progress.line(`Copying blob ${digest('a')}`);
  progress.line(`Copying blob ${digest('b')}`);
  progress.files([20, 10]);
  progress.files([40, 30]);
  progress.files([50, 30]);
  assert.deepEqual(lines.slice(2), [
    'a Downloading {"current":20,"total":30}',
    'b Downloading {"current":10,"total":50}',
    'b Downloading {"current":40,"total":50}',
    'a Verifying Checksum {}',
    'a Download complete {}',
    'b Verifying Checksum {}',
    'b Download complete {}',
  ]);
});

void test('the progress of a push, line by line', () => {
  const lines: string[] = [];
  const layers = ['a', 'b', 'c'].map((letter, i) => ({ digest: digest(letter), size: 100 + i }));
  const progress = new PushProgress(layers, ({ status, id, progressDetail }) =>
    lines.push(`${String(id).at(0)} ${String(status)} ${JSON.stringify(progressDetail)}`),
  );
  progress.line(`level=debug msg="Skipping blob ${digest('a')} (already present):"`);
  progress.line(
    `level=debug msg="exporting filesystem layer \\"x\\" without compression for blob \\"${digest('c')}\\""`,
  );
  progress.line(
    `level=debug msg="exporting filesystem layer \\"y\\" without compression for blob \\"${digest('e')}\\""`,
  );
  progress.files([{ inode: 1, size: 102, position: 0 }]);
  progress.files([
    { inode: 1, size: 102, position: 50 },
    { inode: 2, size: 101, position: 50 },
    { inode: 3, size: 102, position: 7 },
  ]);
  progress.files([{ inode: 1, size: 102, position: 50 }]);
  // The file is gone, and the next layer's has its number.
  progress.line(
    `level=debug msg="exporting filesystem layer \\"z\\" without compression for blob \\"${digest('b')}\\""`,
  );
  progress.files([{ inode: 1, size: 101, position: 60 }]);
  progress.finish();
  // A look that was under way.
  progress.files([{ inode: 1, size: 101, position: 70 }]);
  assert.deepEqual(lines, [
    'a Preparing {}',
    'b Preparing {}',
    'c Preparing {}',
    'a Layer already exists {}',
    'c Pushing {"current":0,"total":102}',
    'c Pushing {"current":50,"total":102}',
    'b Pushing {"current":0,"total":101}',
    'b Pushing {"current":60,"total":101}',
    'b Pushed {}',
    'c Pushed {}',
  ]);
});

void test('where to pull from', () => {
  const busybox = parseReference('busybox');
  assert.deepEqual(
    sourcesOf(busybox, ['https://mirror.example/p/', 'http://10.0.0.1:5000', 'nonsense'], []).map((s) => [
      s.url,
      s.tlsVerify,
    ]),
    [
      ['docker://mirror.example/p/library/busybox', true],
      ['docker://10.0.0.1:5000/library/busybox', false],
      ['docker://docker.io/library/busybox', true],
    ],
  );
  assert.equal(sourcesOf(parseReference('quay.example/x'), ['https://mirror.example'], []).length, 1);
  assert.ok(isInsecure('127.0.0.1:5000', []) && isInsecure('localhost:1', []) && isInsecure('[::1]:5000', []));
  assert.ok(isInsecure('10.1.2.3:5000', ['10.0.0.0/8']) && !isInsecure('11.1.2.3', ['10.0.0.0/8']));
  assert.ok(isInsecure('reg.example:5000', ['reg.example:5000']) && !isInsecure('reg.example', ['reg.example:5000']));
});

void test('platforms', () => {
  assert.deepEqual(parsePlatform('linux/arm64/v8', 'amd64'), { os: 'linux', architecture: 'arm64', variant: 'v8' });
  assert.deepEqual(parsePlatform('x86_64', 'arm64'), { os: 'linux', architecture: 'amd64', variant: '' });
  assert.deepEqual(parsePlatform('linux', 'arm64'), { os: 'linux', architecture: 'arm64', variant: '' });
  assert.equal(parsePlatform('a/b/c/d', 'amd64'), undefined);
  assert.equal(parsePlatform('--x/ y', 'amd64'), undefined);
  const list = parseManifest(
    JSON.stringify({
      manifests: [
        { digest: digest('1'), platform: { os: 'linux', architecture: 'arm', variant: 'v6' } },
        { digest: digest('2'), platform: { os: 'linux', architecture: 'arm', variant: 'v7' } },
        null,
      ],
    }),
  );
  // What a registry calls a digest ends up on terminals.
  const hostile = parseManifest(
    JSON.stringify({
      layers: [
        { digest: '\x1b[2Jx', size: 1 },
        { digest: digest('3'), size: -5 },
        { digest: digest('4'), size: 2 },
      ],
    }),
  );
  assert.deepEqual(hostile.layers, [
    { digest: digest('3'), size: 0 },
    { digest: digest('4'), size: 2 },
  ]);
  assert.equal(choose(list, { os: 'linux', architecture: 'arm', variant: 'v7' })?.digest, digest('2'));
  assert.equal(choose(list, { os: 'linux', architecture: 'arm', variant: '' })?.digest, digest('1'));
  assert.equal(choose(list, { os: 'linux', architecture: 'amd64', variant: '' }), undefined);
});

void test('registry errors in Docker’s words', () => {
  const x = parseReference('x:y');
  const read = 'Error parsing image name "docker://x:y": reading manifest y in docker.io/library/x: ';
  const cases: [text: string, kind: string, message: string][] = [
    [
      `${read}manifest unknown: manifest unknown`,
      'NotFound',
      'manifest for x:y not found: manifest unknown: manifest unknown',
    ],
    [
      `${read}errors:\ndenied: requested access to the resource is denied\nunauthorized: authentication required`,
      'NotFound',
      "pull access denied for x, repository does not exist or may require 'docker login': denied: requested access to the resource is denied unauthorized: authentication required",
    ],
    [
      'pinging container registry h: Get "https://h/v2/": dial tcp 127.0.0.1:1: connect: connection refused',
      'System',
      'Get "https://h/v2/": dial tcp 127.0.0.1:1: connect: connection refused',
    ],
    [`${read}toomanyrequests: slow down`, 'System', 'toomanyrequests: slow down'],
    ['writing blob: write /x: no space left on device', 'System', 'no space left on device while pulling x:y'],
  ];
  for (const [text, kind, message] of cases) {
    const error = pullError(text, x);
    assert.deepEqual([error.kind, error.message], [kind, message]);
  }
  assert.equal(pushError('trying: unauthorized: authentication required', x).kind, 'Forbidden');
});

void test('skopeo’s last word', () => {
  assert.equal(fatalText('time="x" level=info msg="a"\ntime="x" level=fatal msg="say \\"no\\": b"\n'), 'say "no": b');
  assert.equal(fatalText('time="x" level=fatal msg=short'), 'short');
  assert.equal(fatalText('panic: x'), 'panic: x');
  assert.equal(fatalText(''), '');
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compare, judge } from './compare.ts';
import { meaningOf, normalValue } from './normal.ts';

const known = {
  words: new Map([
    ['a'.repeat(64), '<web>'],
    ['a'.repeat(12), '<web short>'],
    ['/tmp/b-1/data', '<data>'],
  ]),
};

void test('what each run has of its own gets a name', () => {
  const answer = {
    Id: 'a'.repeat(64),
    Parent: 'b'.repeat(64),
    Hostname: 'a'.repeat(12),
    Created: '2026-01-02T03:04:05.678Z',
    FinishedAt: '0001-01-01T00:00:00Z',
    LogPath: '/tmp/b-1/data/log',
    MacAddress: '02:42:ac:11:00:02',
    State: { Pid: 77 },
    Status: 'Exited (3) 2 seconds ago',
  };
  assert.deepEqual(normalValue(answer, known), {
    Id: '<web>',
    Parent: '<id>',
    Hostname: '<web short>',
    Created: '<time>',
    FinishedAt: '<never>',
    LogPath: '<data>/log',
    MacAddress: '<mac>',
    State: { Pid: '<number>' },
    Status: 'Exited (3) <moments> ago',
  });
});

void test('the order of lists counts where it says something', () => {
  const networks = [
    { Name: 'b', Driver: 'bridge' },
    { Name: 'a', Driver: 'bridge' },
  ];
  assert.deepEqual(normalValue(networks, known), normalValue(networks.toReversed(), known));
  assert.deepEqual(normalValue({ Env: ['A=1', 'B=2'] }, known), { Env: ['A=1', 'B=2'] });
  const twice = [
    { Type: 'container', Action: 'start' },
    { Type: 'container', Action: 'start' },
  ];
  assert.deepEqual(Object.keys(normalValue(twice, known) as object), ['container start', 'container start #2']);
});

void test('what the bytes of an answer mean', () => {
  const frame = (stream: number, text: string): Buffer =>
    Buffer.from([stream, 0, 0, 0, 0, 0, 0, text.length, ...Buffer.from(text)]);
  const both = Buffer.concat([frame(1, 'on'), frame(2, 'err'), frame(1, 'e')]);
  assert.deepEqual(meaningOf(both, ''), { stdout: 'one', stderr: 'err' });
  assert.deepEqual(meaningOf(Buffer.from('{"a":1}\n{"a":2}\n'), 'application/json'), [{ a: 1 }, { a: 2 }]);
  assert.equal(meaningOf(Buffer.from('OK'), 'text/plain'), 'OK');
});

void test('differences by path; what is accepted and not there is told as well', () => {
  const one = (body: unknown): Parameters<typeof compare>[0] => [
    { call: 'GET /x', answer: { status: 200, headers: {}, body } },
  ];
  const found = compare(one({ a: [1, { b: null }], c: 1 }), one({ a: [1, { b: [] }], d: 2 }));
  assert.deepEqual(
    found.map(({ path, berth, dockerd }) => [path, berth, dockerd]),
    [
      ['body.a[1].b', 'null', '[]'],
      ['body.c', '1', 'nothing'],
      ['body.d', 'nothing', '2'],
    ],
  );
  const needed = { path: /\.b$/, berth: /null/, reason: 'one' };
  const needless = { call: /GET \/y/, path: /./, reason: 'two' };
  const { open, unused } = judge(found, [needed, needless]);
  assert.deepEqual(
    open.map(({ path }) => path),
    ['body.c', 'body.d'],
  );
  assert.deepEqual(unused, [needless]);
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { portsText } from '../lists/ports.ts';
import { historyListing } from '../lists/history.ts';
import { imageRows } from '../lists/images.ts';
import { indentJson, parseValue } from './json.ts';
import { printer } from './listing.ts';
import { alignColumns } from './table.ts';
import { compareNatural, ellipsis, shortId } from './text.ts';
import { binarySize, goTimeOfText, humanDuration, humanSize } from './units.ts';

const second = 1000;
const hour = 3600 * second;
const day = 24 * hour;

void describe('units', () => {
  void test('decimal sizes', () => {
    for (const [bytes, text] of [
      [0, '0B'],
      [999, '999B'],
      [1000, '1kB'],
      [1234, '1.23kB'],
      [4_261_550, '4.26MB'],
      [999_999, '1MB'],
      [12_345_678, '12.3MB'],
      [1.5e12, '1.5TB'],
    ] as const) {
      assert.equal(humanSize(bytes), text);
    }
    assert.equal(humanSize(12_345_678, 4), '12.35MB');
  });
  void test('binary sizes', () => {
    assert.equal(binarySize(1_610_612_736), '1.5GiB');
    assert.equal(binarySize(4_123_456_789), '3.84GiB');
    assert.equal(binarySize(512), '512B');
  });
  void test('spans of time', () => {
    for (const [span, text] of [
      [-5, 'Less than a second'],
      [999, 'Less than a second'],
      [second, '1 second'],
      [59 * second, '59 seconds'],
      [60 * second, 'About a minute'],
      [119 * second, 'About a minute'],
      [120 * second, '2 minutes'],
      [59 * 60 * second, '59 minutes'],
      [hour, 'About an hour'],
      [1.6 * hour, '2 hours'],
      [47 * hour, '47 hours'],
      [48 * hour, '2 days'],
      [14 * day, '2 weeks'],
      [60 * day, '2 months'],
      [730 * day, '2 years'],
    ] as const) {
      assert.equal(humanDuration(span), text);
    }
  });
  void test('times', () => {
    assert.equal(goTimeOfText('2026-11-26T16:00:00.123456789Z'), '2026-11-26 16:00:00.123456789 +0000 UTC');
    assert.equal(goTimeOfText('2026-11-26T16:00:00.950Z'), '2026-11-26 16:00:00.95 +0000 UTC');
    assert.equal(goTimeOfText('2026-11-26T16:00:00.000Z'), '2026-11-26 16:00:00 +0000 UTC');
    assert.equal(goTimeOfText('2026-11-26T16:00:00+01:00'), '2026-11-26 16:00:00 +0100 +0100');
  });
});

void describe('tables', () => {
  void test('columns are as wide as their widest cell and three blanks, ten characters at least', () => {
    assert.equal(
      alignColumns('A\tB\tC\nlonger than ten\tx\ty\n'),
      'A                 B         C\nlonger than ten   x         y\n',
    );
  });
  void test('characters count, not bytes', () => {
    assert.equal(alignColumns('héllo wörld…\tx\nhello world.\tx\n'), 'héllo wörld…   x\nhello world.   x\n');
  });
  void test('a line without tabs ends the column', () => {
    assert.equal(alignColumns('a\tb\nplain\nvery long indeed\tb\n'), 'a         b\nplain\nvery long indeed   b\n');
  });
});

void describe('texts', () => {
  void test('shortening', () => {
    assert.equal(ellipsis('0123456789', 10), '0123456789');
    assert.equal(ellipsis('01234567890', 10), '012345678…');
    assert.equal(shortId('sha256:0123456789abcdef'), '0123456789ab');
  });
  void test('natural order', () => {
    const names = ['net10', 'net2', 'a', 'net', 'net2b'];
    assert.deepEqual(names.toSorted(compareNatural), ['a', 'net', 'net2', 'net2b', 'net10']);
  });
  void test('natural order is an order', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        assert.equal(Math.sign(compareNatural(a, b)) + Math.sign(compareNatural(b, a)), 0);
      }),
    );
  });
});

void describe('JSON', () => {
  void test('is indented as docker does it, numbers untouched', () => {
    const text = '[{"a":1764000000123456789,"b":[],"c":{},"d":[1.50,"x{,}:\\"y"],"e":null}]';
    assert.equal(
      indentJson(text),
      `[
    {
        "a": 1764000000123456789,
        "b": [],
        "c": {},
        "d": [
            1.50,
            "x{,}:\\"y"
        ],
        "e": null
    }
]`,
    );
  });
  void test('indented JSON means the same', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value);
        assert.equal(JSON.stringify(JSON.parse(indentJson(text))), text);
        assert.equal(indentJson(text), JSON.stringify(value, undefined, 4));
      }),
    );
  });
  void test('large integers stay exact, maps become maps', () => {
    const value = parseValue('{"timeNano":1764000000123456789,"Labels":{"a":"b"},"x":1.5}') as Record<string, unknown>;
    assert.equal(value['timeNano'], 1764000000123456789n);
    assert.deepEqual(value['Labels'], new Map([['a', 'b']]));
    assert.equal(value['x'], 1.5);
  });
});

void describe('ports', () => {
  const tcp = (PrivatePort: number, IP?: string, PublicPort?: number) => ({
    PrivatePort,
    Type: 'tcp',
    ...(IP === undefined ? {} : { IP }),
    ...(PublicPort === undefined ? {} : { PublicPort }),
  });
  for (const [ports, text] of [
    [[], ''],
    [[tcp(80)], '80/tcp'],
    [[tcp(82), tcp(80), tcp(81), tcp(90)], '80-82/tcp, 90/tcp'],
    [[tcp(80, '0.0.0.0', 8080), tcp(80, '::', 8080)], '0.0.0.0:8080->80/tcp, [::]:8080->80/tcp'],
    [[tcp(80, '0.0.0.0', 80), tcp(81, '0.0.0.0', 81)], '0.0.0.0:80-81->80-81/tcp'],
    [[tcp(80), { PrivatePort: 81, Type: 'udp' }], '80/tcp, 81/udp'],
  ] as const) {
    void test(text === '' ? '(none)' : text, () => assert.equal(portsText(ports), text));
  }
});

void test('what an image says of itself does not steer the terminal', async () => {
  const print = await printer(historyListing({ truncate: false, human: false, now: 0 }), '');
  const words = { CreatedBy: 'RUN \x1b[2J\x9b2J', Comment: '\x1b]0;title\x07ü' };
  const text = print([{ Id: 'sha256:1', Created: 0, Size: 0, ...words }]);
  // oxlint-disable-next-line no-control-regex
  assert.doesNotMatch(text, /[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
  assert.match(text, /RUN \[2J2J .*\]0;titleü\n$/);
});

void test('an image has a row for each of its names', () => {
  const image = { Id: 'sha256:1', Created: 0, Size: 0 };
  const rows = (RepoTags: string[], RepoDigests: string[], digests: boolean): string[] =>
    imageRows([{ ...image, RepoTags, RepoDigests }], digests).map(
      ({ repository, tag, digest }) => `${repository} ${tag} ${digest}`,
    );
  assert.deepEqual(rows([], [], false), ['<none> <none> <none>']);
  assert.deepEqual(rows(['a:1', 'h:5000/b:2'], [], false), ['a 1 <none>', 'h:5000/b 2 <none>']);
  assert.deepEqual(rows(['a:1'], ['a@sha256:x'], true), ['a 1 sha256:x']);
  assert.deepEqual(rows(['a:1'], ['a@sha256:x', 'b@sha256:y'], false), ['a 1 <none>', 'b <none> <none>']);
  assert.deepEqual(rows(['<none>:<none>'], ['<none>@<none>'], true), ['<none> <none> <none>']);
});

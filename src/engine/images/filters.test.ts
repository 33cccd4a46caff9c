import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BerthError } from '../../errors.ts';
import { parseGlob } from './glob.ts';
import { listFilter, matchesReference, parseDuration, parseMoment, pruneFilter } from './filters.ts';
import type { Candidate } from './filters.ts';

const NOW = Date.parse('2026-05-01T12:00:00Z');

void test('globs are those of Go’s path.Match', () => {
  const cases: [pattern: string, text: string, matches: boolean][] = [
    ['*', 'abc', true],
    ['*', 'a/b', false],
    ['*/*', 'a/b', true],
    ['busy*', 'busybox', true],
    ['busy?ox', 'busybox', true],
    ['[a-c]x', 'bx', true],
    ['[^a-c]x', 'bx', false],
    ['[^a-c]x', 'dx', true],
    ['a\\*', 'a*', true],
    ['a\\*', 'ab', false],
    ['a.b', 'axb', false],
    ['[\\]]', ']', true],
    ['*', '', true],
    ['a**b', 'ab', true],
    ['*/*', 'a/b', true],
    ['*', 'a/b', false],
    ['?', '/', false],
    ['[^a]', '/', true],
    ['[😀-😂]', '😁', true],
    [`${'*a'.repeat(40)}*b`, 'a'.repeat(5000), false],
    [`${'*a'.repeat(40)}*`, 'a'.repeat(5000), true],
  ];
  for (const [pattern, text, matches] of cases) assert.equal(parseGlob(pattern)(text), matches, `${pattern} ${text}`);
  for (const bad of ['[', '[]', '[a', 'a\\', '[a-]', '[z-a]'])
    assert.throws(() => parseGlob(bad), /syntax error in pattern/, bad);
});

void test('any pattern compiles or is refused; a pattern without magic matches itself', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 12 }), (pattern) => {
      try {
        assert.equal(parseGlob(pattern)(pattern), /[*?[\\]/.test(pattern) ? parseGlob(pattern)(pattern) : true);
      } catch (error) {
        assert.ok(error instanceof BerthError);
      }
    }),
  );
});

void test('a reference pattern means the familiar name, with tag or without', () => {
  const matches = (pattern: string): boolean => matchesReference(parseGlob(pattern), 'docker.io/library/busybox:1.36');
  assert.ok(matches('busybox'));
  assert.ok(matches('busy*:1.*'));
  assert.ok(!matches('docker.io/library/busybox'));
  assert.ok(!matches('busy'));
});

void test('durations and moments', () => {
  assert.equal(parseDuration('1h30m'), 5_400_000);
  assert.equal(parseDuration('1.5s'), 1500);
  assert.equal(parseDuration('1d'), undefined);
  assert.equal(parseMoment('24h', NOW), NOW - 86_400_000);
  assert.equal(parseMoment('1700000000', NOW), 1_700_000_000_000);
  assert.equal(parseMoment('2026-01-02T03:04:05Z', NOW), Date.parse('2026-01-02T03:04:05Z'));
  assert.throws(() => parseMoment('yesterday', NOW), { kind: 'InvalidParameter' });
});

const filters = (...pairs: [string, ...string[]][]) => new Map(pairs.map(([name, ...values]) => [name, values]));
const image = (names: string[], labels: Record<string, string> = {}, created = NOW): Candidate => ({
  names,
  labels,
  created,
});

void test('list filters', () => {
  const named = image(['docker.io/library/a:1'], { x: '1' });
  const dangling = image(['docker.io/library/a@sha256:' + 'a'.repeat(64)]);
  const wants = (f: Map<string, string[]>, i: Candidate) => listFilter(f, NOW, () => NOW - 1000)(i);
  assert.ok(wants(filters(), named) && wants(filters(), dangling));
  assert.ok(!wants(filters(['dangling', 'true']), named) && wants(filters(['dangling', 'true']), dangling));
  assert.ok(wants(filters(['dangling', 'false']), named) && !wants(filters(['dangling', '0']), dangling));
  assert.ok(wants(filters(['label', 'x']), named) && wants(filters(['label', 'x=1']), named));
  assert.ok(!wants(filters(['label', 'x=2']), named) && !wants(filters(['label', 'x', 'y']), named));
  assert.ok(wants(filters(['since', 'b']), named) && !wants(filters(['before', 'b']), named));
  assert.ok(!wants(filters(['until', '1h']), named));
  assert.ok(wants(filters(['reference', 'b', 'a:*']), named));
  assert.throws(() => wants(filters(['nope', '1']), named), /^BerthError: invalid filter 'nope'$/);
  assert.throws(() => wants(filters(['dangling', 'x']), named), /invalid filter 'dangling=x'/);
});

void test('prune takes what is dangling unless told otherwise', () => {
  const named = image(['docker.io/library/a:1'], { keep: '1' });
  const dangling = image([]);
  assert.ok(!pruneFilter(filters(), NOW)(named) && pruneFilter(filters(['until', '0s']), NOW + 1)(dangling));
  assert.ok(pruneFilter(filters(['dangling', 'false']), NOW)(named));
  assert.ok(!pruneFilter(filters(['dangling', 'false'], ['label!', 'keep']), NOW)(named));
  assert.ok(!pruneFilter(filters(['until', '1h']), NOW)(dangling));
  assert.throws(() => pruneFilter(filters(['reference', 'a']), NOW), { kind: 'InvalidParameter' });
});

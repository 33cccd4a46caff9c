import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BerthError } from '../../errors.ts';
import {
  familiar,
  familiarRepository,
  normalized,
  parseNameAndTag,
  parseReference,
  tryParse,
  withDefaultTag,
} from './reference.ts';

const DIGEST = `sha256:${'ab'.repeat(32)}`;

void test('names are normalized and shown as Docker does', () => {
  const cases: [given: string, full: string, short: string][] = [
    ['busybox', 'docker.io/library/busybox', 'busybox'],
    ['busybox:1', 'docker.io/library/busybox:1', 'busybox:1'],
    ['a/b', 'docker.io/a/b', 'a/b'],
    ['docker.io/busybox', 'docker.io/library/busybox', 'busybox'],
    ['index.docker.io/library/busybox:x', 'docker.io/library/busybox:x', 'busybox:x'],
    ['docker.io/library/a/b', 'docker.io/library/a/b', 'library/a/b'],
    ['localhost/x', 'localhost/x', 'localhost/x'],
    ['localhost:5000/x:y', 'localhost:5000/x:y', 'localhost:5000/x:y'],
    ['Host/x', 'Host/x', 'Host/x'],
    ['[::1]:5000/x', '[::1]:5000/x', '[::1]:5000/x'],
    ['a.b/c__d/e--f.g_h', 'a.b/c__d/e--f.g_h', 'a.b/c__d/e--f.g_h'],
    [`busybox@${DIGEST}`, `docker.io/library/busybox@${DIGEST}`, `busybox@${DIGEST}`],
    [`h:1/x:t@${DIGEST}`, `h:1/x:t@${DIGEST}`, `h:1/x:t@${DIGEST}`],
  ];
  for (const [given, full, short] of cases) {
    assert.equal(normalized(parseReference(given)), full, given);
    assert.equal(familiar(parseReference(given)), short, given);
  }
});

void test('what is no name is refused in Docker’s words', () => {
  const cases: [given: string, text: RegExp][] = [
    ['', /^invalid reference format$/],
    ['Foo', /^invalid reference format: repository name \(library\/Foo\) must be lowercase$/],
    ['a::b', /^invalid reference format$/],
    ['a:', /^invalid reference format$/],
    ['a//b', /^invalid reference format$/],
    ['-a', /^invalid reference format$/],
    ['a b', /^invalid reference format$/],
    ['a@sha256:12', /^invalid reference format$/],
    ['../etc', /^invalid reference format$/],
    [`a:${'x'.repeat(129)}`, /^invalid reference format$/],
    ['ab'.repeat(32), /cannot specify 64-byte hexadecimal strings/],
    [`${'a/'.repeat(130)}b`, /must not be more than 255 characters/],
  ];
  for (const [given, text] of cases) {
    assert.throws(() => parseReference(given), { name: 'BerthError', kind: 'InvalidParameter', message: text }, given);
  }
});

void test('the tag parameter takes a tag or a digest', () => {
  assert.equal(familiar(parseNameAndTag('a:1', '2')), 'a:2');
  assert.equal(familiar(parseNameAndTag('a', DIGEST)), `a@${DIGEST}`);
  assert.equal(familiar(withDefaultTag(parseNameAndTag('a', ''))), 'a:latest');
  assert.throws(() => parseNameAndTag('a', 'x y'), /invalid reference format/);
});

const component = fc.stringMatching(/^[a-z0-9]{1,6}(?:(?:\.|_|__|-{1,3})[a-z0-9]{1,4}){0,2}$/);
const reference = fc.record(
  {
    domain: fc.constantFrom('docker.io', 'localhost', 'quay.example:443', '127.0.0.1:5000', '[::1]:80'),
    path: fc.array(component, { minLength: 2, maxLength: 4 }).map((parts) => parts.join('/')),
    tag: fc.option(fc.stringMatching(/^[\w][\w.-]{0,20}$/), { nil: undefined }),
    digest: fc.option(fc.constant(DIGEST), { nil: undefined }),
  },
  { noNullPrototype: true },
);

void test('parsing what was written gives it back, in both forms', () => {
  fc.assert(
    fc.property(reference, (r) => {
      assert.deepEqual(parseReference(normalized(r)), r);
      // 'docker.io/localhost/x' and the like lose their domain in the familiar form: Docker's do too.
      const first = r.path.split('/')[0] ?? '';
      if (r.domain === 'docker.io' && (/[.:]/.test(first) || first === 'localhost')) return;
      if (familiarRepository(r).length === 64) return;
      assert.deepEqual(parseReference(familiar(r)), r);
    }),
  );
});

void test('arbitrary text parses or is refused with a BerthError', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 80, unit: 'binary' }), (text) => {
      try {
        const parsed = parseReference(text);
        assert.deepEqual(tryParse(normalized(parsed)), parsed);
      } catch (error) {
        assert.ok(error instanceof BerthError);
      }
    }),
  );
});

import assert from 'node:assert/strict';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname } from 'node:path';
import { test, type TestContext } from 'node:test';
import { makeNode, setAttribute } from '../../../linux/node-files.ts';
import { changes } from './changes.ts';

/** Two layers: names that end with '/' are directories, others files with their name as content. */
function layers(t: TestContext, lower: readonly string[], upper: readonly string[]): { upper: string; lower: string } {
  const root = mkdtempSync(`${tmpdir()}/berth-changes-`);
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const made = { upper: `${root}/upper`, lower: `${root}/lower` };
  const fill = (directory: string, names: readonly string[]): void => {
    for (const name of ['', ...names]) {
      const path = `${directory}${name}`;
      mkdirSync(name.endsWith('/') || name === '' ? path : dirname(path), { recursive: true });
      if (name === '' || name.endsWith('/')) continue;
      writeFileSync(path, name);
      utimesSync(path, 1000, 1000);
    }
  };
  fill(made.lower, lower);
  fill(made.upper, upper);
  return made;
}

const whiteout = (path: string): void => makeNode(Buffer.from(path), 'character', 0, { major: 0, minor: 0 });
const opaque = (path: string): void => setAttribute(Buffer.from(path), 'trusted.overlay.opaque', Buffer.from('y'));

const told = (made: { upper: string; lower: string }, own: readonly string[] = [], spelledOut = true): string[] =>
  [...changes(made, own, spelledOut)].map(
    ({ kind, path, opaque: hides }) => `${kind} ${path}${hides ? ' opaque' : ''}`,
  );

void test('nothing changed: copied up and put back, a directory that was only passed through', (t) => {
  const made = layers(t, ['/a/b', '/c/'], ['/a/b', '/c/']);
  assert.deepEqual(told(made), []);
  // A layer takes what was copied up along: its content may be another one all the same.
  assert.deepEqual(told(made, [], false), ['same /a', 'same /a/b']);
});

void test('added, changed, deleted, with the directories on the way', (t) => {
  const made = layers(t, ['/a/b/kept', '/a/gone', '/mode/', '/text'], ['/a/b/new/deep', '/mode/', '/text']);
  whiteout(`${made.upper}/a/gone`);
  whiteout(`${made.upper}/a/never-was`);
  chmodSync(`${made.upper}/mode`, 0o700);
  utimesSync(`${made.upper}/text`, 1000, 1001);
  assert.deepEqual(told(made), [
    'same /a',
    'same /a/b',
    'added /a/b/new',
    'added /a/b/new/deep',
    'deleted /a/gone',
    'changed /mode',
    'changed /text',
  ]);
});

void test('times are compared as far as both have them', (t) => {
  const made = layers(t, ['/a', '/b'], ['/a', '/b']);
  utimesSync(`${made.lower}/a`, 1000, 1000.5);
  utimesSync(`${made.lower}/b`, 1000, 1000.5);
  utimesSync(`${made.upper}/b`, 1000, 1000.25);
  assert.deepEqual(told(made), ['changed /b']);
});

void test('a directory that hides the one below, and one in the place of a file', (t) => {
  const made = layers(t, ['/d/old', '/d/both', '/d/sub/x', '/f', '/e/x'], ['/d/both', '/d/new', '/f/in', '/e/x']);
  opaque(`${made.upper}/d`);
  opaque(`${made.upper}/f`);
  opaque(`${made.upper}/e`);
  assert.deepEqual(told(made), [
    'same /d opaque',
    'added /d/new',
    'deleted /d/old',
    'deleted /d/sub',
    'changed /f',
    'added /f/in',
  ]);
  assert.deepEqual(told(made, [], false), [
    'same /d opaque',
    'same /d/both',
    'added /d/new',
    'same /e opaque',
    'same /e/x',
    'changed /f',
    'added /f/in',
  ]);
});

void test('mount points are nobody’s change while they are empty', (t) => {
  const made = layers(
    t,
    ['/etc/'],
    ['/etc/hosts', '/vol/deep/', '/full/x', '/mine/', '/proc/', '/vol2/deep/', '/vol2/mine/'],
  );
  writeFileSync(`${made.upper}/etc/hosts`, '');
  cpSync(`${made.upper}/etc/hosts`, `${made.upper}/etc/mine`);
  const own = ['/etc/hosts', '/vol/deep', '/full', '/proc', '/vol2/deep'];
  assert.deepEqual(told(made, own), [
    'same /etc',
    'added /etc/mine',
    'added /full',
    'added /full/x',
    'added /mine',
    'added /vol2',
    'added /vol2/mine',
  ]);
});

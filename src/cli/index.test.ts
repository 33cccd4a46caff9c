import assert from 'node:assert/strict';
import { test } from 'node:test';
import { common, entries, find, groups } from './index.ts';

void test('the names in the index are those of the commands, and no two commands share one', async () => {
  const seen = new Set<string>();
  for (const { names, load } of entries) {
    const { command } = await load();
    assert.deepEqual([...names], [command.path, ...(command.aliases ?? [])]);
    for (const name of names) {
      assert.ok(!seen.has(name), name);
      seen.add(name);
      const [group, ...rest] = name.split(' ');
      assert.ok(rest.length === 0 || Object.hasOwn(groups, group ?? ''), `${name} is in a known group`);
    }
  }
  for (const name of common) assert.ok(find(name), name);
});

void test('flags have one name and one letter each, and a text', async () => {
  for (const { load } of entries) {
    const { path, flags, args } = (await load()).command;
    const names = flags.map(({ name }) => name);
    const letters = flags.flatMap(({ short }) => short ?? []);
    assert.equal(new Set(names).size, names.length, path);
    assert.equal(new Set(letters).size, letters.length, path);
    for (const { name, help, short } of flags) {
      assert.match(name, /^[a-z][a-z0-9-]*$/);
      assert.ok(help.length > 3, `${path} --${name}`);
      assert.ok(short === undefined || short.length === 1, `${path} -${short}`);
    }
    assert.ok(args.max === undefined || args.max >= args.min, path);
  }
});

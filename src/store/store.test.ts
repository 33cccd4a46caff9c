import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createMemoryStore } from './memory.ts';
import { openSqliteStore } from './sqlite.ts';
import type { Store } from './store.ts';

/** What every store must do, whatever it is made of. */
function contract(make: () => Store): void {
  void test('keeps values, in the order of their keys, each kind for itself', () => {
    const store = make();
    store.put('network', 'b', { n: 2 });
    store.put('network', 'a', { n: 1, nested: [null, 'ü', { x: true }] });
    store.put('network', 'b', { n: 3 });
    store.put('endpoint', 'a', 'another kind');
    assert.deepEqual(store.get('network', 'a'), { n: 1, nested: [null, 'ü', { x: true }] });
    assert.deepEqual(store.list('network'), [{ n: 1, nested: [null, 'ü', { x: true }] }, { n: 3 }]);
    assert.equal(store.get('network', 'c'), undefined);
    store.delete('network', 'a');
    store.delete('network', 'a');
    assert.deepEqual(store.list('network'), [{ n: 3 }]);
    store.close();
  });

  void test('hands out copies', () => {
    const store = make();
    const value = { list: [1] };
    store.put('meta', 'k', value);
    value.list.push(2);
    store.get<typeof value>('meta', 'k')?.list.push(3);
    assert.deepEqual(store.get('meta', 'k'), { list: [1] });
    store.close();
  });

  void test('a transaction happens as a whole or not at all', () => {
    const store = make();
    store.put('meta', 'a', 1);
    assert.throws(
      () =>
        store.transaction(() => {
          store.put('meta', 'a', 2);
          store.transaction(() => store.put('meta', 'b', 2));
          store.delete('meta', 'a');
          throw new Error('half-way');
        }),
      /half-way/,
    );
    assert.deepEqual(store.list('meta'), [1]);
    assert.equal(
      store.transaction(() => {
        store.put('meta', 'a', 3);
        return store.get('meta', 'a');
      }),
      3,
    );
    assert.throws(() => store.transaction(async () => Promise.resolve()), /synchronous/);
    store.close();
  });

  void test('refuses what cannot be stored, and every use after close', () => {
    const store = make();
    assert.throws(() => store.put('meta', 'a', undefined), /cannot be stored/);
    store.close();
    assert.throws(() => store.put('meta', 'a', 1));
    assert.throws(() => store.get('meta', 'a'));
  });

  void test('any JSON under any key comes back as it was', () => {
    const store = make();
    fc.assert(
      fc.property(fc.string(), fc.jsonValue(), (key, value) => {
        store.put('container', key, value);
        assert.deepEqual(store.get('container', key), JSON.parse(JSON.stringify(value)));
      }),
      { numRuns: 100 },
    );
    store.close();
  });
}

void describe('memory store', () => contract(createMemoryStore));

void describe('sqlite store', () => {
  const directory = mkdtempSync(join(tmpdir(), 'b-'));
  process.once('exit', () => rmSync(directory, { recursive: true }));
  let count = 0;
  const path = (): string => join(directory, `${count++}.db`);

  contract(() => openSqliteStore(path()));

  void test('keeps its records over close and open; the file is private', () => {
    const file = path();
    const first = openSqliteStore(file);
    first.put('container', 'c', { Name: 'web' });
    first.close();
    assert.equal(statSync(file).mode & 0o777, 0o600);
    const second = openSqliteStore(file);
    assert.deepEqual(second.get('container', 'c'), { Name: 'web' });
    second.close();
  });

  void test('a write that returned is there when the process never closed the file', () => {
    const file = path();
    const crashed = openSqliteStore(file);
    crashed.put('container', 'c', 1);
    const other = openSqliteStore(file);
    assert.equal(other.get('container', 'c'), 1);
    other.close();
    crashed.close();
  });

  void test('refuses a newer schema', () => {
    const file = path();
    openSqliteStore(file).close();
    const database = new DatabaseSync(file);
    database.exec('PRAGMA user_version = 99');
    database.close();
    assert.throws(() => openSqliteStore(file), /newer version of Berth \(schema 99, this one knows 1\)/);
  });

  void test('a damaged file is named, with what to do', () => {
    const noise = path();
    writeFileSync(noise, 'this is no database, and never was one '.repeat(100));
    assert.throws(() => openSqliteStore(noise), { kind: 'System', message: /is damaged.*move it away/ });
    const cut = path();
    const store = openSqliteStore(cut);
    for (let i = 0; i < 200; i++) store.put('meta', `k${i}`, 'x'.repeat(200));
    store.close();
    truncateSync(cut, 8192);
    assert.throws(() => openSqliteStore(cut), { message: /is damaged/ });
  });

  void test('a path that cannot be opened is an error with the path', () => {
    assert.throws(() => openSqliteStore(join(directory, 'none/x.db')), { message: /cannot open the database .*none/ });
  });
});

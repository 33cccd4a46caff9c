import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BerthError } from '../errors.ts';
import { Query } from './query.ts';

void test('words for no, everything else is yes', () => {
  for (const no of ['', '0', 'no', 'No', 'FALSE', ' none ']) {
    assert.equal(new Query(new URLSearchParams({ a: no }).toString()).bool('a', true), false, no);
  }
  for (const yes of ['1', 'true', 'yes', 'x']) assert.equal(new Query(`a=${yes}`).bool('a'), true);
  assert.equal(new Query('').bool('a'), false);
  assert.equal(new Query('').bool('a', true), true);
});

void test('numbers and times', () => {
  const query = new Query('a=-1&b=x&c=1.5&d=0&e=1136073600.000000001&f=1e9');
  assert.equal(query.integer('a'), -1);
  assert.equal(query.integer('none'), undefined);
  assert.throws(() => query.integer('b'), /strconv\.Atoi: parsing "x": invalid syntax/);
  assert.throws(() => query.integer('c'), BerthError);
  assert.equal(query.timestamp('c'), 1.5);
  assert.equal(query.timestamp('d'), undefined);
  assert.equal(query.timestamp('e'), 1136073600);
  assert.throws(() => query.timestamp('f'), BerthError);
});

void test('filters in both forms', () => {
  const read = (text: string): [string, readonly string[]][] => [
    ...new Query(`filters=${encodeURIComponent(text)}`).filters(undefined),
  ];
  assert.deepEqual(read('{"label":["a","b"],"name":null}'), [
    ['label', ['a', 'b']],
    ['name', []],
  ]);
  assert.deepEqual(read('{"label":{"a":true,"b":false}}'), [['label', ['a']]]);
  assert.deepEqual(read(''), []);
  assert.throws(() => read('{"label":[1]}'), /invalid filter 'label'/);
  assert.throws(() => read('[]'), /invalid filter/);
});

void test('any text is read or refused as a bad parameter', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      try {
        new Query(new URLSearchParams({ filters: text }).toString()).filters(new Set(['name']));
      } catch (error) {
        assert.ok(error instanceof BerthError && error.kind === 'InvalidParameter');
      }
    }),
  );
});

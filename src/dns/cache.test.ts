import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AnswerCache } from './cache.ts';
import type { Response } from './codec-response.ts';

const response = (lifetime: number, size = 50): Response => ({
  bytes: Buffer.alloc(size),
  rcode: 0,
  truncated: false,
  questionEnd: 20,
  ttlOffsets: [],
  lifetime,
});

void describe('the cache', () => {
  void test('keeps an answer for its lifetime', () => {
    const cache = new AnswerCache();
    cache.put('a', response(10), 100);
    assert.equal(cache.get('a', 100.5)?.age, 0);
    assert.equal(cache.get('a', 109.9)?.age, 9);
    assert.equal(cache.get('a', 110), undefined);
    assert.equal(cache.size, 0);
    cache.put('b', response(0), 100);
    assert.equal(cache.get('b', 100), undefined);
    cache.put('c', response(10), 100);
    cache.put('c', response(0), 101);
    assert.equal(cache.get('c', 101), undefined, 'the newer answer is not to be kept');
  });

  void test('is bounded in number and in bytes; the oldest go', () => {
    const cache = new AnswerCache();
    for (let i = 0; i < 10_000; i++) cache.put(`${i}`, response(100), 0);
    assert.ok(cache.size <= 4096);
    assert.equal(cache.get('0', 1), undefined);
    assert.ok(cache.get('9999', 1));
    for (let i = 0; i < 1000; i++) cache.put(`large ${i}`, response(100, 16_000), 0);
    assert.ok(cache.size <= (4 * 1024 * 1024) / 16_000);
    cache.put('huge', response(100, 60_000), 0);
    assert.equal(cache.get('huge', 0), undefined);
    cache.clear();
    assert.equal(cache.size, 0);
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BerthError } from '../errors.ts';
import { Router, type Route } from './router.ts';
import { splitVersion } from './versions.ts';

const route = (method: Route['method'], path: string): Route => ({ method, path, handle() {} });
const router = new Router([
  route('GET', '/containers/json'),
  route('GET', '/containers/{id}/json'),
  route('DELETE', '/containers/{id}'),
  route('GET', '/images/{name*}/json'),
  route('DELETE', '/images/{name*}'),
]);
const found = (method: string, path: string): [string, object] | undefined => {
  const match = router.match(method, path);
  return match && [match.route.path, { ...match.params }];
};

void test('parameters, and names with slashes', () => {
  assert.deepEqual(found('GET', '/containers/json'), ['/containers/json', {}]);
  assert.deepEqual(found('GET', '/containers/abc/json'), ['/containers/{id}/json', { id: 'abc' }]);
  assert.deepEqual(found('GET', '/images/a:5000/b/c/json'), ['/images/{name*}/json', { name: 'a:5000/b/c' }]);
  assert.deepEqual(found('GET', '/images/a%2Fb/json'), ['/images/{name*}/json', { name: 'a/b' }]);
  assert.deepEqual(found('DELETE', '/images/a/b'), ['/images/{name*}', { name: 'a/b' }]);
});

void test('what matches nothing', () => {
  for (const [method, path] of [
    ['POST', '/containers/json'],
    ['GET', '/containers//json'],
    ['DELETE', '/containers/a/b'],
    ['GET', ''],
    ['GET', '/'],
  ] as const) {
    assert.equal(found(method, path), undefined, path);
  }
});

void test('versions are split off the path', () => {
  assert.deepEqual(splitVersion('/v1.47/info'), { version: 47, path: '/info' });
  assert.deepEqual(splitVersion('/info'), { version: 52, path: '/info' });
  assert.deepEqual(splitVersion('/volumes'), { version: 52, path: '/volumes' });
  for (const path of ['/v1.23/info', '/v0.9/info', '/v1.53/info', '/v2/info', '/v1/info']) {
    assert.throws(() => splitVersion(path), BerthError, path);
  }
});

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { authHeaders, credentialsFor, dropCredentials, storeCredentials } from './credentials.ts';
import { canonicalReference, familiarReference, pullReference, registryOf } from './reference.ts';

void test('references', () => {
  assert.equal(familiarReference('busybox'), 'busybox:latest');
  assert.equal(familiarReference('localhost:5000/x'), 'localhost:5000/x:latest');
  assert.equal(familiarReference('x@sha256:1'), 'x@sha256:1');
  assert.deepEqual(pullReference('localhost:5000/a/b:1'), { fromImage: 'localhost:5000/a/b', tag: '1' });
  assert.deepEqual(pullReference('a:1@sha256:2'), { fromImage: 'a', tag: 'sha256:2' });
  assert.deepEqual(['a', 'a/b', 'localhost/a', 'h.x/a', 'h:5/a:1'].map(registryOf), [
    'docker.io',
    'docker.io',
    'localhost',
    'h.x',
    'h:5',
  ]);
  assert.equal(canonicalReference('busybox'), 'docker.io/library/busybox:latest');
  assert.equal(canonicalReference('a/b:1'), 'docker.io/a/b:1');
  assert.equal(canonicalReference('h:5/a'), 'h:5/a:latest');
});

void describe('credentials', () => {
  const directory = mkdtempSync('/tmp/b-auth-');
  after(() => rmSync(directory, { recursive: true }));
  const env = { DOCKER_CONFIG: directory };
  const path = `${directory}/config.json`;

  void test('kept in docker’s form, beside what else is there, for the owner alone', () => {
    assert.equal(credentialsFor('localhost:5000', env), undefined);
    writeFileSync(path, '{"detachKeys":"ctrl-x"}', { mode: 0o644 });
    storeCredentials({ username: 'u', password: 'p:q', serveraddress: 'localhost:5000' }, env);
    assert.deepEqual(JSON.parse(readFileSync(path, 'utf8')), {
      detachKeys: 'ctrl-x',
      auths: { 'localhost:5000': { auth: Buffer.from('u:p:q').toString('base64') } },
    });
    assert.equal(statSync(path).mode & 0o777, 0o600);
    const expected = { username: 'u', password: 'p:q', serveraddress: 'localhost:5000' };
    assert.deepEqual(credentialsFor('https://localhost:5000/v2/', env), expected);
    const header = authHeaders('localhost:5000', env)['X-Registry-Auth'] ?? '';
    assert.deepEqual(JSON.parse(Buffer.from(header, 'base64url').toString()), expected);
    assert.deepEqual(authHeaders('elsewhere:5000', env), {});
    assert.equal(dropCredentials('localhost:5000', env), true);
    assert.equal(dropCredentials('localhost:5000', env), false);
  });

  void test('a broken file is named, not overwritten', () => {
    writeFileSync(path, '{');
    const credentials = { username: 'u', password: 'p', serveraddress: 'h:1' };
    assert.throws(() => storeCredentials(credentials, env), /config\.json is not valid JSON/);
    assert.equal(readFileSync(path, 'utf8'), '{');
  });
});

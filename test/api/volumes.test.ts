/** /volumes: what a request becomes, and what the answers are. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { request } from './client.ts';
import { withApi } from './standin.ts';

void test('create, list, inspect, remove', () =>
  withApi(async ({ socket, volumes }) => {
    const body = { Name: 'data', Driver: 'local', DriverOpts: { type: 'tmpfs' }, Labels: { a: 'b' } };
    const made = await request(socket, 'POST', '/volumes/create', { body });
    assert.deepEqual([made.status, (made.json as { Name: string }).Name], [201, 'data']);
    const anonymous = await request(socket, 'POST', '/volumes/create', { body: {} });
    assert.equal(anonymous.status, 201, 'nothing said is an anonymous one');
    assert.equal((await request(socket, 'POST', '/volumes/create')).status, 400, 'and no body is none');
    assert.deepEqual(volumes.calls, [
      { name: 'data', driver: 'local', driverOpts: { type: 'tmpfs' }, labels: { a: 'b' } },
      { name: '', driver: '', driverOpts: {}, labels: {} },
    ]);
    const { json } = await request(socket, 'GET', '/volumes');
    assert.equal((json as { Volumes: unknown[] }).Volumes.length, 2);
    assert.equal((await request(socket, 'GET', '/volumes/data')).status, 200);
    for (const [method, path, status, message] of [
      ['GET', '/volumes/gone', 404, 'get gone: no such volume'],
      ['DELETE', '/volumes/used', 409, 'remove used: volume is in use - [c]'],
      ['DELETE', '/volumes/gone', 404, 'get gone: no such volume'],
      ['GET', '/volumes?filters={"what":["x"]}', 400, "invalid filter 'what'"],
      ['POST', '/volumes/prune?filters={"dangling":["x"]}', 400, "invalid filter 'dangling'"],
    ] as const) {
      const answer = await request(socket, method, encodeURI(path));
      assert.deepEqual([answer.status, answer.json], [status, { message }], `${method} ${path}`);
    }
    assert.equal((await request(socket, 'DELETE', '/volumes/gone?force=1')).status, 204);
    assert.equal((await request(socket, 'DELETE', '/volumes/data')).status, 204);
  }));

void test('what is no volume of this engine is refused', () =>
  withApi(async ({ socket, volumes }) => {
    for (const [body, text] of [
      [{ Name: 1 }, /cannot unmarshal number into Go struct field CreateOptions.Name of type string/],
      [
        { Labels: 'x' },
        /cannot unmarshal string into Go struct field CreateOptions.Labels of type map\[string\]string/,
      ],
      [{ Name: 'a\0b' }, /CreateOptions.Name has a NUL character in it/],
    ] as const) {
      const { status, text: said } = await request(socket, 'POST', '/volumes/create', { body });
      assert.equal(status, 400);
      assert.match(said, text);
    }
    const cluster = { Name: 'x', ClusterVolumeSpec: { Group: 'g' } };
    assert.equal((await request(socket, 'POST', '/volumes/create', { body: cluster })).status, 503);
    assert.equal((await request(socket, 'PUT', '/volumes/x?version=1', { body: {} })).status, 503);
    assert.deepEqual(volumes.calls, []);
  }));

void test('to older clients prune means all that nobody has', () =>
  withApi(async ({ socket, volumes }) => {
    await request(socket, 'POST', '/v1.41/volumes/prune');
    await request(socket, 'POST', '/v1.42/volumes/prune');
    assert.deepEqual(volumes.calls, [new Map([['all', ['true']]]), new Map()]);
  }));

/** /berth/cluster over HTTP: bodies in, answers out. What a cluster does is tested in test/cluster. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { request } from './client.ts';
import { withApi } from './standin.ts';

void test('a host makes a cluster, shows it and leaves it', () =>
  withApi(async ({ socket, cluster }) => {
    const post = async (verb: string, body?: object): Promise<{ status: number; json?: unknown }> =>
      request(socket, 'POST', `/v1.52/berth/cluster/${verb}`, body ? { body } : {});
    const get = async (): Promise<Record<string, unknown>> =>
      (await request(socket, 'GET', '/berth/cluster')).json as Record<string, unknown>;
    const token = { Token: 'BERTH1-x', Expires: '2026-11-27T08:00:00.000Z' };

    assert.deepEqual([(await get())['Kind'], (await get())['Quorum']], ['none', null]);
    const made = await post('init');
    assert.deepEqual([made.status, made.json], [200, { Address: '192.0.2.1', ...token }]);
    const again = await post('init', { AdvertiseAddr: 'eth0' });
    assert.deepEqual([again.status, again.json], [409, { message: 'this host is in a cluster already' }]);
    assert.deepEqual(await get(), {
      Kind: 'managed',
      State: 'joined',
      Reason: '',
      Endpoints: ['https://192.0.2.1:2379'],
      Prefix: '/berth',
      Quorum: { Voters: 1, Answering: 1 },
      Networks: 0,
      Hosts: [{ Name: 'a', Address: '192.0.2.1', Self: true, Role: 'leader', State: 'up', Version: '1.0.0' }],
    });
    assert.deepEqual((await post('token', { Life: 60 })).json, token);
    assert.deepEqual((await post('join', { Token: 'T', AdvertiseAddr: '' })).json, {
      Name: 'a',
      Address: '192.0.2.2',
      Hosts: 2,
    });
    assert.deepEqual((await post('promote', { Host: 'b' })).json, { Notes: [] });
    assert.deepEqual((await request(socket, 'DELETE', '/berth/cluster/hosts/c')).json, { Notes: [] });
    assert.deepEqual((await post('leave', { Force: true })).json, { Notes: ['one member is left'] });
    assert.deepEqual(cluster.calls, [
      { init: { advertise: '' } },
      { token: { life: 3600 } },
      { init: { advertise: 'eth0' } },
      { token: { life: 60 } },
      { join: { token: 'T', advertise: '' } },
      { promote: 'b' },
      { remove: 'c' },
      { leave: { force: true } },
    ]);
  }));

void test('bodies of another shape are refused with the place', () =>
  withApi(async ({ socket, cluster }) => {
    for (const [verb, body] of [
      ['init', { AdvertiseAddr: 1 }],
      ['join', []],
      ['leave', { Force: 'yes' }],
      ['token', { Life: '1h' }],
    ] as const) {
      const { status } = await request(socket, 'POST', `/berth/cluster/${verb}`, { body });
      assert.equal(status, 400, verb);
    }
    assert.deepEqual(cluster.calls, []);
  }));

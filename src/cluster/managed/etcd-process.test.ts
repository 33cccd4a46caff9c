import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { silent } from '../../log.ts';
import { EtcdProcess } from './etcd-process.ts';

const SETTINGS = { name: 'a', address: '192.0.2.1', clusterId: 'c0ffee', initialCluster: '', state: 'new' } as const;

void test('an etcd that cannot be started when berthd is, is tried again until it is given up', async () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  try {
    let asked = 0;
    const process = new EtcdProcess({
      directory: '/nonexistent',
      program: () => void asked++,
      ended: () => assert.fail('nothing ended'),
      log: silent,
    });
    await assert.rejects(process.start(SETTINGS), { kind: 'Unavailable', message: /missing etcd/ });
    assert.equal(asked, 1);
    await process.resume(SETTINGS);
    assert.equal(asked, 2);
    mock.timers.tick(30_000);
    await new Promise(setImmediate);
    assert.equal(asked, 3);
    process.release();
    mock.timers.tick(120_000);
    assert.equal(asked, 3);
  } finally {
    mock.timers.reset();
  }
});

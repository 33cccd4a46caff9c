import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeEtcd } from '../etcd/fake-etcd.ts';
import type { Etcd, EtcdOptions } from '../etcd/port.ts';
import { MovingEtcd } from './moving-etcd.ts';

const options = (endpoint: string): EtcdOptions => ({ endpoints: [endpoint], timeout: 1000 });
const settled = async (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

void test('calls go to the members of now, and watches lose nothing and tell nothing twice', async () => {
  const store = new FakeEtcd();
  const opened: string[] = [];
  const closed: string[] = [];
  const connect = ({ endpoints: [endpoint = ''] }: EtcdOptions): Etcd => {
    opened.push(endpoint);
    const client = store.client();
    const close = client.close.bind(client);
    client.close = () => (closed.push(endpoint), close());
    return client;
  };
  let ended = 0;
  const etcd = new MovingEtcd(connect, options('a'), () => ended++);
  const told: string[] = [];
  const watch = etcd.watch({ prefix: 'k/' }, 1n, {
    started: () => told.push('started'),
    resumed: () => told.push('resumed'),
    events: (_header, events) =>
      told.push(...events.map((event) => (event.kind === 'put' ? event.kv.key : `-${event.key}`))),
    compacted: () => told.push('compacted'),
  });
  const put = async (key: string): Promise<void> => {
    await etcd.transact({ when: [], then: [{ put: key, value: Buffer.from('x') }] });
  };
  await put('k/1');
  await settled();
  etcd.move(options('b'));
  await put('k/2');
  await settled();
  assert.deepEqual(told, ['started', 'k/1', 'resumed', 'k/2']);
  watch.close();
  etcd.move(options('c'));
  await put('k/3');
  await settled();
  assert.equal(told.length, 4, 'a watch that was closed stays so');
  etcd.close();
  etcd.move(options('d'));
  assert.deepEqual([opened, closed, ended], [['a', 'b', 'c'], ['a', 'b', 'c'], 1]);
});

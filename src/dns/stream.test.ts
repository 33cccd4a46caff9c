import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { Readiness } from '../linux/listen-readiness.ts';
import { listenStream } from '../linux/listen.ts';
import { libc } from '../linux/libc.ts';
import { LONGEST_QUERY, StreamConnections } from './stream.ts';

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

void test('queries over TCP: all are answered, in their order, some at a time; one that is none ends it', async () => {
  using readiness = new Readiness();
  const port = await freePort();
  const listener = listenStream('127.0.0.1', port);
  let turn = 0;
  let most = 0;
  const connections = new StreamConnections((query, send) => {
    if (turn++ === 0) setImmediate(() => (turn = 0));
    most = Math.max(most, turn);
    send(Buffer.from(query));
  });
  const ignore = readiness.add(listener, () => connections.accept(listener));
  const frame = (text: string): Buffer => Buffer.from(`\0${String.fromCharCode(text.length)}${text}`, 'latin1');
  const client = connect(port, '127.0.0.1');
  const received: Buffer[] = [];
  client.on('data', (data) => received.push(data));
  const closed = new Promise((resolve) => client.once('close', resolve));
  const sent = Buffer.concat(Array.from({ length: 1000 }, (_, index) => frame(`query ${index}`)));
  client.write(sent.subarray(0, 5001));
  client.write(sent.subarray(5001));
  while (Buffer.concat(received).length < sent.length) await new Promise(setImmediate);
  assert.ok(Buffer.concat(received).equals(sent));
  assert.ok(most <= 64, `${most} without a pause`);
  const tooLong = Buffer.alloc(2);
  tooLong.writeUInt16BE(LONGEST_QUERY + 1);
  client.write(tooLong);
  await closed;
  ignore();
  connections.close();
  libc.close(listener);
});

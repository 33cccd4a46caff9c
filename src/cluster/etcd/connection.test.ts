import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { describe, mock, test } from 'node:test';
import { Connection } from './connection.ts';
import { startMember } from './testing-member.ts';

const timeout = 2000;

void describe('a connection to a member', () => {
  void test('is looked at every few seconds while a watch is open, and not otherwise', async () => {
    await using member = await startMember(() => undefined);
    const connection = new Connection(member.endpoint, { timeout });
    const session = await connection.open(timeout);
    mock.timers.enable({ apis: ['setInterval'] });
    try {
      const first = connection.watching();
      const second = connection.watching();
      // The stream ends, and then is given up.
      first();
      first();
      mock.timers.tick(6000);
      await new Promise((resolve) => session.ping(resolve));
      assert.equal(member.pings, 2, 'of the watch, and of this test');
      second();
      mock.timers.tick(60_000);
      await new Promise((resolve) => session.ping(resolve));
      assert.equal(member.pings, 3, 'of this test only');
    } finally {
      mock.timers.reset();
      connection.close();
    }
  });

  void test('ends when the member no longer answers', async () => {
    // Settings, which say nothing, and then silence.
    const silent = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.write(Buffer.from('000000040000000000', 'hex'));
    });
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const endpoint = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const connection = new Connection(endpoint, { timeout });
    const session = await connection.open(timeout);
    const closed = new Promise((resolve) => session.once('close', resolve));
    mock.timers.enable({ apis: ['setTimeout'] });
    try {
      connection.suspect();
      mock.timers.tick(1999);
      assert.ok(!session.destroyed);
      mock.timers.tick(1);
      assert.ok(session.destroyed);
    } finally {
      mock.timers.reset();
    }
    await closed;
    assert.notEqual(await connection.open(timeout), session, 'the next one is a new one');
    connection.close();
    silent.close();
  });

  void test('that cannot be made says why, and is tried again by the next', async () => {
    const server = createServer((socket) =>
      socket
        .resume()
        .on('error', () => undefined)
        .end('HTTP/1.1 400 Bad Request\r\n\r\n'),
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const connection = new Connection(`http://127.0.0.1:${port}`, { timeout });
    await assert.rejects(connection.open(timeout));
    server.close();
    await once(server, 'close');
    await assert.rejects(connection.open(timeout), /ECONNREFUSED/);
    connection.close();
  });
});

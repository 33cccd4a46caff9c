/** TCP through the proxy. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../support/wait.ts';
import { CONTAINER, port, descriptors, serve, dial, read, ending, outcome } from './scenario-tools.ts';
import type { Scenarios } from './scenario-tools.ts';

export const streams: Scenarios = {
  async tcp(held) {
    held.hold('a', [port(9000), port(9001, { hostAddress: '::', port: 81 }), port(9002, { port: 9 })]);
    const server = await serve((socket) => socket.pipe(socket));
    const client = await dial(9000);
    client.write('one');
    assert.equal(String((await once(client, 'data'))[0]), 'one');
    // Nothing is said for a while, then one end closes and the other speaks on.
    await sleep(300);
    client.end('two');
    assert.equal((await read(client)).toString(), 'two');
    server.close();

    const late = await serve(async (socket) => {
      const said = await read(socket);
      await sleep(50);
      socket.end(`heard ${said.toString()}`);
    });
    const half = await dial(9000);
    half.end('question');
    assert.equal((await read(half)).toString(), 'heard question');
    late.close();

    // The other way round: the container closes first.
    let heard = '';
    const first = await serve((socket) =>
      socket.end('answer').on('data', (data: Buffer) => (heard += data.toString())),
    );
    const speaker = await dial(9000);
    assert.equal((await read(speaker)).toString(), 'answer');
    speaker.end('afterwards');
    await until(() => heard === 'afterwards');
    first.close();

    // A container that does not listen, and one that resets.
    assert.equal(await outcome(9002, '::1'), 'ECONNRESET');
    const rude = await serve((socket) => socket.once('data', () => socket.resetAndDestroy()), CONTAINER, 81);
    const victim = await dial(9001);
    victim.write('x');
    assert.equal(await ending(victim), 'ECONNRESET');
    rude.close();

    // No way to the container at all: others are served meanwhile.
    held.hold('a', [port(9003, { address: '203.0.113.1' })]);
    assert.equal(await outcome(9003, '::1'), 'ECONNRESET');
    assert.equal(await outcome(9003, '::1'), 'ECONNRESET');

    // And a client that resets.
    const seen: Promise<string>[] = [];
    const patient = await serve((socket) => seen.push(ending(socket)));
    const hasty = await dial(9000);
    await until(() => seen.length === 1);
    hasty.resetAndDestroy();
    assert.equal(await seen[0], 'ECONNRESET');
    patient.close();

    // Its port is taken away: the connection ends at once.
    const steady = await serve((socket) => seen.push(ending(socket)));
    const open = await dial(9000);
    await until(() => seen.length === 2);
    const end = ending(open);
    held.release('a', [port(9000)]);
    assert.equal(await end, 'ECONNRESET');
    assert.equal(await seen[1], 'ECONNRESET');
    assert.equal(await outcome(9000, '::1'), 'ECONNREFUSED');
    steady.close();
  },

  async 'big transfer'(held) {
    const size = 256 * 1024 * 1024;
    const block = randomBytes(1024 * 1024);
    held.hold('a', [port(9000)]);
    // The reader is slow at first: what waits must wait in the sender.
    const server = await serve((socket) => {
      const hash = createHash('sha256');
      let length = 0;
      socket.pause();
      setTimeout(() => socket.resume(), 300);
      socket.on('data', (data: Buffer) => {
        hash.update(data);
        length += data.length;
      });
      socket.on('end', () => socket.end(`${length} ${hash.digest('hex')}`));
    });
    const client = await dial(9000);
    const hash = createHash('sha256');
    const start = performance.now();
    const rss = process.memoryUsage().rss;
    for (let sent = 0; sent < size; sent += block.length) {
      hash.update(block);
      if (!client.write(block)) await once(client, 'drain');
    }
    client.end();
    assert.equal((await read(client)).toString(), `${size} ${hash.digest('hex')}`);
    const seconds = (performance.now() - start) / 1000;
    process.stdout.write(
      `${((size * 8) / seconds / 1e9).toFixed(1)} Gbit/s with sender, hash and receiver in one process\n`,
    );
    assert.ok(process.memoryUsage().rss - rss < size / 2, 'what the reader does not take is kept in memory');
    server.close();
  },

  async 'both ways at once'(held) {
    const server = await serve((socket) => socket.pipe(socket));
    held.hold('a', [port(9000)]);
    const before = readdirSync('/proc/self/fd').length;
    const block = randomBytes(3 * 1024 * 1024 + 1);
    const clients = await Promise.all(Array.from({ length: 4 }, async () => dial(9000)));
    const hashOf = (data: Buffer): string => createHash('sha256').update(data).digest('hex');
    const echoes = clients.map(async (client) => hashOf(await read(client.end(block))));
    assert.deepEqual(
      await Promise.all(echoes),
      clients.map(() => hashOf(block)),
    );
    // Ended in the middle: what was under way is in no pipe that another connection gets.
    for (let round = 0; round < 20; round++) {
      const [client, again] = [await dial(9000), await dial(9000)];
      client.on('error', () => undefined).write(block);
      await once(client, 'readable');
      client.resetAndDestroy();
      assert.equal(hashOf(await read(again.end(block))), hashOf(block));
    }
    held.release('a');
    held.close();
    await until(() => readdirSync('/proc/self/fd').length <= before);
    server.close();
  },

  async 'many connections'(held) {
    const server = await serve((socket) => socket.pipe(socket));
    held.hold('a', [port(9000)]);
    const before = descriptors();
    for (let round = 0; round < 10; round++) {
      await Promise.all(
        Array.from({ length: 200 }, async (_, i) => {
          const client = await dial(9000);
          client.on('error', () => undefined);
          client.write('x');
          await once(client, 'data');
          if (i % 3 === 0) client.resetAndDestroy();
          else if (i % 3 === 1) client.destroy();
          else client.end().resume();
          await once(client, 'close');
        }),
      );
    }
    await until(() => descriptors() <= before);
    server.close();
  },

  async 'no descriptors left'(held) {
    // Run with a low RLIMIT_NOFILE: connections wait in the kernel's queue and nothing spins or dies.
    const server = await serve((socket) => socket.pipe(socket));
    held.hold('a', [port(9000)]);
    const clients = Array.from({ length: 40 }, () => connect({ port: 9000, host: '::1' }).on('error', () => undefined));
    await sleep(300);
    const { user } = process.cpuUsage();
    await sleep(500);
    assert.ok(process.cpuUsage().user - user < 300_000, 'it spins');
    for (const client of clients) client.destroy();
    await sleep(200);
    const client = await dial(9000);
    client.write('x');
    await once(client, 'data');
    client.destroy();
    server.close();
  },
};

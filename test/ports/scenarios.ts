/** What held.test.ts runs inside a throw-away host: `node scenarios.ts NAME`. Fails by an exception. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import type { RemoteInfo, Socket as DatagramSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { silent } from '../../src/log.ts';
import type { HeldPort } from '../../src/network/attendant.ts';
import { Readiness } from '../../src/linux/listen-readiness.ts';
import { DatagramFlows, serveDatagrams } from '../../src/ports/datagram-proxy.ts';
import { createHeldPorts } from '../../src/ports/held.ts';
import type { HeldPorts } from '../../src/ports/held.ts';
import { until } from '../support/wait.ts';

/** The container: another address of the loopback interface. */
const CONTAINER = '127.0.0.2';

const port = (hostPort: number, change: Partial<HeldPort> = {}): HeldPort => ({
  protocol: 'tcp',
  hostAddress: '::1',
  hostPort,
  address: CONTAINER,
  port: 80,
  proxy: true,
  ...change,
});
/** Without the proxy's spare pipes. */
const descriptors = (): number =>
  readdirSync('/proc/self/fd').filter((fd) => !attempt(() => readlinkSync(`/proc/self/fd/${fd}`)).startsWith('pipe:'))
    .length;
function attempt(body: () => string): string {
  try {
    return body();
  } catch {
    return 'pipe: the directory itself';
  }
}

async function serve(handler: (socket: Socket) => unknown, address = CONTAINER, number = 80): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    handler(socket);
  }).listen(number, address);
  await once(server, 'listening');
  return server;
}
const dial = async (number: number, host = '::1'): Promise<Socket> => {
  const socket = connect({ port: number, host, allowHalfOpen: true });
  await once(socket, 'connect');
  return socket;
};
async function read(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
/** The error with which the socket ends; '' for none. */
const ending = async (socket: Socket): Promise<string> =>
  new Promise((resolve) => {
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
    socket.on('close', () => resolve(''));
    socket.resume();
  });
const outcome = async (number: number, host: string): Promise<string> =>
  dial(number, host).then(ending, (error: NodeJS.ErrnoException) => error.code ?? '');
async function listens(number: number, host: string): Promise<string> {
  const server = createServer().listen(number, host);
  return new Promise((resolve) => {
    server.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
    server.on('listening', () => server.close(() => resolve('')));
  });
}
async function bindUdp(family: 'udp4' | 'udp6', number: number, address: string): Promise<DatagramSocket> {
  const socket = createSocket(family);
  socket.bind(number, address);
  await once(socket, 'listening');
  return socket;
}
/** Sends until an answer comes. */
async function ask(socket: DatagramSocket, text: string, number: number, host: string): Promise<[string, RemoteInfo]> {
  const answer = once(socket, 'message') as Promise<[Buffer, RemoteInfo]>;
  socket.send(text, number, host);
  const [data, from] = await answer;
  return [data.toString(), from];
}

const scenarios: Record<string, (held: HeldPorts) => Promise<void>> = {
  async '206 ports'(held) {
    for (const proxy of [true, false]) {
      const ports = Array.from({ length: 206 }, (_, i) =>
        ['0.0.0.0', '::'].map((hostAddress) => port(20_000 + i, { hostAddress, proxy })),
      ).flat();
      const before = descriptors();
      const start = performance.now();
      assert.deepEqual(held.hold('a', ports), []);
      process.stdout.write(`206 ports, two families, proxy ${proxy}: ${(performance.now() - start).toFixed(1)} ms\n`);
      assert.equal(descriptors() - before, 412);
      // A daemon that begins anew says everything again.
      assert.deepEqual(held.hold('a', ports), []);
      assert.equal(descriptors() - before, 412);
      held.release('a', ports.slice(0, 2));
      assert.equal(descriptors() - before, 410);
      assert.deepEqual(held.owners(), ['a']);
      held.release('a');
      assert.deepEqual(held.owners(), []);
      assert.equal(descriptors(), before);
    }
  },

  async conflicts(held) {
    const other = spawn('socat', ['TCP4-LISTEN:8080,reuseaddr,fork', 'SYSTEM:true'], { stdio: 'ignore' });
    try {
      await until(
        () =>
          held.hold('probe', [port(8080, { hostAddress: '127.0.0.1' })]).length > 0 || (held.release('probe'), false),
      );
      const before = descriptors();
      const ports = [
        port(8079),
        port(8080, { hostAddress: '0.0.0.0' }),
        port(8081),
        port(8082, { hostAddress: '192.0.2.1' }),
      ];
      const refused = held.hold('a', ports);
      assert.deepEqual(
        refused.map(({ hostAddress, hostPort, code }) => [hostAddress, hostPort, code]),
        [
          ['0.0.0.0', 8080, 'EADDRINUSE'],
          ['192.0.2.1', 8082, 'EADDRNOTAVAIL'],
        ],
      );
      assert.equal(descriptors(), before);
      assert.deepEqual(held.owners(), []);
      assert.deepEqual(held.hold('a', [port(8080)]), []);
    } finally {
      other.kill('SIGKILL');
      await once(other, 'exit');
    }
    for (const proxy of [true, false]) {
      const address = { hostAddress: '0.0.0.0', proxy };
      assert.deepEqual(held.hold('b', [port(9000, address), port(9000, { ...address, protocol: 'udp' })]), []);
      assert.equal(await listens(9000, '127.0.0.1'), 'EADDRINUSE');
      assert.equal(await listens(9000, '0.0.0.0'), 'EADDRINUSE');
      assert.equal(await listens(9000, '::1'), '');
      await assert.rejects(bindUdp('udp4', 9000, '127.0.0.1'), { code: 'EADDRINUSE' });
      assert.deepEqual(held.hold('c', [port(9000, address)])[0]?.code, 'EADDRINUSE');
      held.release('b');
      assert.equal(await listens(9000, '127.0.0.1'), '');
    }
  },

  async 'kept only'(held) {
    const before = descriptors();
    for (const hostAddress of ['0.0.0.0', '::']) {
      held.hold('a', [
        port(9000, { hostAddress, proxy: false }),
        port(9000, { hostAddress, proxy: false, protocol: 'udp' }),
      ]);
    }
    assert.equal(await outcome(9000, '127.0.0.1'), 'ECONNREFUSED');
    assert.equal(await outcome(9000, '::1'), 'ECONNREFUSED');
    const client = await bindUdp('udp4', 0, '127.0.0.1');
    client.send('x', 9000, '127.0.0.1');
    await sleep(20);
    client.close();
    // With the proxy after a restart with another flag.
    const server = await serve((socket) => socket.end('hello'));
    held.hold('a', [port(9000, { hostAddress: '::' })]);
    assert.equal((await read((await dial(9000)).end())).toString(), 'hello');
    held.hold('a', [port(9000, { hostAddress: '::', proxy: false })]);
    assert.equal(await outcome(9000, '::1'), 'ECONNREFUSED');
    server.close();
    held.release('a');
    await until(() => descriptors() <= before);
  },

  async TIME_WAIT(held) {
    const server = await serve((socket) => socket.end('bye'));
    held.hold('a', [port(9000)]);
    assert.equal((await read(await dial(9000).then((socket) => socket.end()))).toString(), 'bye');
    await sleep(20);
    held.release('a');
    for (const proxy of [true, false]) {
      assert.deepEqual(held.hold('a', [port(9000, { proxy })]), []);
      held.release('a');
    }
    server.close();
  },

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

  async 'another target'(held) {
    const servers = await Promise.all(
      [80, 81].map(async (number) => serve((socket) => socket.end(`${number}`), CONTAINER, number)),
    );
    held.hold('a', [port(9000)]);
    assert.equal((await read((await dial(9000)).end())).toString(), '80');
    held.hold('a', [port(9000, { port: 81 })]);
    assert.equal((await read((await dial(9000)).end())).toString(), '81');
    for (const server of servers) server.close();
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

  async udp(held) {
    const before = descriptors();
    const server = await bindUdp('udp4', 53, CONTAINER);
    const sources = new Set<number>();
    server.on('message', (data, from) => {
      sources.add(from.port);
      server.send(`re ${data.toString()}`, from.port, from.address);
    });
    const udp = { protocol: 'udp', port: 53 } as const;
    held.hold('a', [port(9000, { ...udp, hostAddress: '::' }), port(9000, { ...udp, hostAddress: '0.0.0.0' })]);
    const [one, two, four] = await Promise.all([
      bindUdp('udp6', 0, '::'),
      bindUdp('udp6', 0, '::'),
      bindUdp('udp4', 0, '0.0.0.0'),
    ]);
    // Two addresses of the host: the answer comes from the one that was asked.
    for (const host of ['::1', 'fd00::1']) {
      const [text, from] = await ask(one, 'a', 9000, host);
      assert.deepEqual([text, from.address, from.port], ['re a', host, 9000]);
    }
    for (const host of ['127.0.0.1', '127.0.0.3']) {
      const [text, from] = await ask(four, 'b', 9000, host);
      assert.deepEqual([text, from.address, from.port], ['re b', host, 9000]);
    }
    assert.equal((await ask(two, '', 9000, '::1'))[0], 're ');
    assert.equal(sources.size, 5, 'every client has a port of its own');
    await ask(two, 'again', 9000, '::1');
    assert.equal(sources.size, 5, 'and keeps it');
    const large = 'x'.repeat(60_000);
    assert.equal((await ask(one, large, 9000, '::1'))[0].length, large.length + 3);
    // A container that does not listen costs nothing but the datagram.
    server.close();
    one.send('lost', 9000, '::1');
    await sleep(50);
    const again = await bindUdp('udp4', 53, CONTAINER);
    again.on('message', (_data, from) => again.send('back', from.port, from.address));
    assert.equal((await ask(one, 'x', 9000, '::1'))[0], 'back');
    held.release('a');
    for (const socket of [again, one, two, four]) socket.close();
    await until(() => descriptors() <= before);
  },

  async 'udp clients without end'() {
    const before = descriptors();
    const server = await bindUdp('udp4', 53, CONTAINER);
    server.on('message', (_data, from) => server.send(`${from.port}`, from.port, from.address));
    const flows = new DatagramFlows({ idle: 1000, limit: 3 });
    const readiness = new Readiness();
    const place = { hostAddress: '::1', hostPort: 9000, address: CONTAINER, port: 53 };
    const socket = serveDatagrams(place, { readiness, flows, log: silent });
    const clients = await Promise.all(Array.from({ length: 5 }, async () => bindUdp('udp6', 0, '::1')));
    const used = descriptors();
    const sources: string[] = [];
    for (const client of clients) sources.push((await ask(client, 'x', 9000, '::1'))[0]);
    assert.equal(new Set(sources).size, 5);
    assert.equal(descriptors() - used, 3, 'the one idle longest makes room');
    const last = clients.at(-1);
    const first = clients.at(0);
    assert.ok(first && last);
    assert.equal((await ask(last, 'x', 9000, '::1'))[0], sources.at(-1));
    assert.notEqual((await ask(first, 'x', 9000, '::1'))[0], sources[0]);
    await until(() => descriptors() === used);
    assert.notEqual((await ask(last, 'x', 9000, '::1'))[0], sources.at(-1), 'idle for too long');
    socket.close();
    flows[Symbol.dispose]();
    readiness[Symbol.dispose]();
    for (const one of [server, ...clients]) one.close();
    await until(() => descriptors() <= before);
  },

  async sctp(held) {
    const refused = held.hold('a', [port(9000, { protocol: 'sctp', hostAddress: '0.0.0.0' })]);
    assert.deepEqual(refused, []);
    assert.deepEqual(held.owners(), ['a']);
    if (!/^SCTP /m.test(readFileSync('/proc/net/protocols', 'utf8'))) {
      process.stdout.write('no SCTP in this kernel: that the port is kept was not tried\n');
      return;
    }
    assert.deepEqual(
      held.hold('b', [port(9000, { protocol: 'sctp', hostAddress: '127.0.0.1' })])[0]?.code,
      'EADDRINUSE',
    );
  },
};

const [name = ''] = process.argv.slice(2);
const held = createHeldPorts({ log: silent });
// The descriptor by which the table is grown comes and goes.
await sleep(100);
await until(() => !readdirSync('/proc/self/fd').includes('16383'));
await scenarios[name]?.(held);
held.close();
process.stdout.write('done\n');

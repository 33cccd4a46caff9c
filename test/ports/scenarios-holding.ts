/** Which ports are held, and for whom. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../support/wait.ts';
import { CONTAINER, port, descriptors, serve, dial, read, outcome, listens, bindUdp } from './scenario-tools.ts';
import type { Scenarios } from './scenario-tools.ts';

export const holding: Scenarios = {
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

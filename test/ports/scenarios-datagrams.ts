/** UDP through the proxy. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { silent } from '../../src/log.ts';
import { Readiness } from '../../src/linux/listen-readiness.ts';
import { DatagramFlows, serveDatagrams } from '../../src/ports/datagram-proxy.ts';
import { until } from '../support/wait.ts';
import { CONTAINER, port, descriptors, bindUdp, ask } from './scenario-tools.ts';
import type { Scenarios } from './scenario-tools.ts';

export const datagrams: Scenarios = {
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
};

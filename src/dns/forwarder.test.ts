import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { setImmediate as immediate } from 'node:timers/promises';
import { Readiness } from '../linux/listen-readiness.ts';
import { wireName } from './codec-name.ts';
import { CLASS, FLAG, TYPE, encodeMessage } from './codec.ts';
import { Forwarder } from './forwarder.ts';
import type { ForwardQuestion } from './forwarder.ts';
import { Upstream } from './upstream.ts';

const question = (name: string): ForwardQuestion => {
  const wire = wireName(name) ?? new Uint8Array(1);
  const bytes = encodeMessage({
    id: 0,
    flags: FLAG.recursionDesired,
    questions: [{ name: wire, type: TYPE.a, class: CLASS.internet }],
    answers: [],
    authorities: [],
    additionals: [],
  });
  const key = Buffer.from(wire).toString('latin1');
  return { bytes, key, type: TYPE.a, class: CLASS.internet, variant: '', keep: true };
};

void describe('questions for others', () => {
  void test('who waits for servers that are no more is told once, after whoever took them away is done', async () => {
    using readiness = new Readiness();
    const silent = createSocket('udp4').bind(0, '127.0.0.1');
    await once(silent, 'listening');
    const forwarder = new Forwarder(() => performance.now());
    const server = new Upstream({
      address: '127.0.0.1',
      port: silent.address().port,
      readiness,
      run: (body) => body(),
    });
    const told: string[] = [];
    for (const [name, who] of [
      ['a.test', 'first'],
      ['a.test', 'second'],
      ['b.test', 'third'],
    ] as const) {
      forwarder.ask(question(name), { scope: 'host', list: [server] }, (response) => {
        told.push(`${who} ${response?.rcode ?? 'nothing'}`);
      });
    }
    forwarder.abandon('host');
    server.close();
    // The resolver comes here in the middle of a query, which shares its buffers with the answers.
    assert.deepEqual(told, []);
    await immediate();
    forwarder.abandon('host');
    await immediate();
    assert.deepEqual(told, ['first nothing', 'second nothing', 'third nothing']);
    silent.close();
  });
});

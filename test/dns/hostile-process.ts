/**
 * A program in a container that means harm to the resolver, or knows no better. argv: 'garbage' (any bytes, by UDP and TCP), 'flood' (3,000
 * questions that nobody answers). Ends when all is sent.
 */
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { randomBytes, randomInt } from 'node:crypto';
import { wireName } from '../../src/dns/codec-name.ts';
import { CLASS, FLAG, TYPE, encodeMessage } from '../../src/dns/codec.ts';

const RESOLVER = '127.0.0.11';

const query = (name: string, id: number): Buffer =>
  encodeMessage({
    id,
    flags: FLAG.recursionDesired,
    questions: [{ name: wireName(name) ?? new Uint8Array(1), type: TYPE.a, class: CLASS.internet }],
    answers: [],
    authorities: [],
    additionals: [],
  });

/** Mostly a query, with some bytes changed, lost or added. */
function damaged(): Buffer {
  const bytes = Buffer.from(query(`x${randomInt(100)}.box.n`, randomInt(0x10000)));
  for (let i = randomInt(4); i > 0; i--) bytes[randomInt(bytes.length)] = randomInt(256);
  return Buffer.concat([
    bytes.subarray(0, randomInt(bytes.length + 1)),
    randomBytes(randomInt(3) === 0 ? randomInt(3000) : 0),
  ]);
}

const socket = createSocket('udp4');
const send = async (bytes: Buffer): Promise<void> =>
  new Promise((resolve) => {
    socket.send(bytes, 53, RESOLVER, () => resolve());
  });

if (process.argv[2] === 'flood') {
  for (let i = 0; i < 3000; i++) await send(query(`silent-${i}.test`, i));
} else {
  for (let i = 0; i < 20_000; i++) {
    await send(damaged());
    if (i % 500 === 0) await sleep(1);
  }
  for (let i = 0; i < 200; i++) {
    const stream = connect(53, RESOLVER);
    stream.on('error', () => undefined);
    const bytes = damaged();
    const length = Buffer.alloc(2);
    length.writeUInt16BE(randomInt(2) === 0 ? bytes.length : randomInt(0x10000));
    stream.write(Buffer.concat([length, bytes]));
    // Most stay open.
    if (i % 4 === 0) stream.end();
  }
  await sleep(300);
}
process.exit(0);

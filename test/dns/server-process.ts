/**
 * A name server for tests, at port 53 of the address in argv: answers any name below `.test`, by its first label:
 *
 *     a-N        A 192.0.2.N, TTL 60           short-N    the same, TTL 1            silent     nothing at all
 *     refused, servfail, missing               that rcode (missing: with an SOA of 60 s)
 *     big        40 A records: truncated over UDP            who        TXT with the client's address
 *     count      A 192.0.2.(how often it was asked), TTL 0   forged     first a wrong id, a wrong question and garbage, then the answer
 *
 * Every query is written to stdout as `udp|tcp name type`.
 */
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { nameText, wireName } from '../../src/dns/codec-name.ts';
import { CLASS, FLAG, LEAST_PAYLOAD, RCODE, TYPE, decodeMessage, encodeMessage } from '../../src/dns/codec.ts';
import type { Message, ResourceRecord } from '../../src/dns/codec.ts';

const [address = '127.0.0.1', delay = '0'] = process.argv.slice(2);
let asked = 0;

const record = (name: Uint8Array, type: number, ttl: number, data: readonly number[]): ResourceRecord => ({
  name,
  type,
  class: CLASS.internet,
  ttl,
  data: Uint8Array.from(data),
});

function answersTo(bytes: Buffer, transport: 'udp' | 'tcp', client: string): Buffer[] {
  const query = decodeMessage(bytes);
  const [question] = query.questions;
  if (!question) return [];
  const text = nameText(question.name);
  process.stdout.write(`${transport} ${text} ${question.type}\n`);
  const label = (text.split('.')[0] ?? '').toLowerCase();
  const number = Number(/\d+$/.exec(label)?.[0] ?? 1) % 256;
  const reply = (change: Partial<Message>): Buffer =>
    encodeMessage({
      id: query.id,
      flags: FLAG.response | FLAG.recursionAvailable | (query.flags & FLAG.recursionDesired),
      questions: [question],
      answers: [],
      authorities: [],
      additionals: query.additionals.filter(({ type }) => type === TYPE.opt),
      ...change,
    });
  const rcode = (code: number, authorities: ResourceRecord[] = []): Buffer =>
    reply({ flags: FLAG.response | FLAG.recursionAvailable | code, authorities });
  const a = (ttl: number, last: number): ResourceRecord => record(question.name, TYPE.a, ttl, [192, 0, 2, last]);
  const soa = record(wireName('test') ?? new Uint8Array(1), TYPE.soa, 60, [
    // Two names, the root; serial, refresh, retry, expire, minimum.
    0,
    0,
    ...[1, 2, 3, 4, 60].flatMap((value) => [0, 0, 0, value]),
  ]);
  if (label.startsWith('silent')) return [];
  if (label === 'refused') return [rcode(RCODE.refused)];
  if (label === 'servfail') return [rcode(RCODE.serverFailure)];
  if (label.startsWith('missing')) return [rcode(RCODE.nameError, [soa])];
  if (label === 'count') return [reply({ answers: [a(0, ++asked)] })];
  if (label === 'who') {
    return [reply({ answers: [record(question.name, 16, 0, [client.length, ...Buffer.from(client)])] })];
  }
  if (label === 'big') {
    const whole = reply({ answers: Array.from({ length: 40 }, (_, i) => a(60, i)) });
    if (transport === 'tcp' || whole.length <= LEAST_PAYLOAD) return [whole];
    return [reply({ flags: FLAG.response | FLAG.truncated | FLAG.recursionAvailable })];
  }
  if (question.type !== TYPE.a && question.type !== TYPE.any) return [reply({ authorities: [soa] })];
  const right = reply({ answers: [a(label.startsWith('short') ? 1 : 60, number)] });
  if (label !== 'forged') return [right];
  const other = wireName('other.test') ?? new Uint8Array(1);
  return [
    reply({ id: query.id ^ 1, answers: [a(60, 66)] }),
    reply({ questions: [{ ...question, name: other }], answers: [a(60, 66)] }),
    Buffer.from([right[0] ?? 0, right[1] ?? 0, 0xff]),
    right,
  ];
}

const later = (body: () => void): void => void (delay === '0' ? body() : setTimeout(body, Number(delay)));

const family = address.includes(':') ? 'udp6' : 'udp4';
const udp = createSocket(family);
udp.on('message', (bytes, peer) => {
  later(() => {
    for (const answer of answersTo(bytes, 'udp', peer.address)) udp.send(answer, peer.port, peer.address);
  });
});
const tcp = createServer((socket) => {
  let rest = Buffer.alloc(0);
  socket.on('error', () => undefined);
  socket.on('data', (data) => {
    rest = Buffer.concat([rest, data]);
    while (rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE(0)) {
      const end = 2 + rest.readUInt16BE(0);
      for (const answer of answersTo(rest.subarray(2, end), 'tcp', socket.remoteAddress ?? '')) {
        const length = Buffer.alloc(2);
        length.writeUInt16BE(answer.length);
        socket.write(Buffer.concat([length, answer]));
      }
      rest = rest.subarray(end);
    }
  });
});
udp.bind(53, address, () => tcp.listen(53, address, () => process.stdout.write('ready\n')));

/**
 * A name server at port 53 of the address in argv that answers every A query with 192.0.2.1: TTL 600 for names that begin
 * with 'k' (to be kept), 0 for all others. It copies the question and appends one record (RFC 1035, section 4.1): what is
 * measured is the resolver before it.
 */
import { createSocket } from 'node:dgram';

const HEADER = 12;
// Name: a pointer to the question's; type A, class IN; TTL; length and address.
const record = (ttl: number): Buffer =>
  Buffer.from([0xc0, HEADER, 0, 1, 0, 1, 0, 0, ttl >> 8, ttl & 0xff, 0, 4, 192, 0, 2, 1]);
const kept = record(600);
const fresh = record(0);
const K = 'k'.charCodeAt(0);

// The end of standard input ends this program: a signal would reach nsenter only.
process.stdin.resume().on('end', () => process.exit(0));

const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 20 });
socket.on('message', (query, { port, address }) => {
  let end = HEADER;
  while (end < query.length && query[end] !== 0) end += (query[end] ?? 0) + 1;
  // The root label, type and class. What follows (EDNS) is left out.
  end += 5;
  const answer = Buffer.concat([query.subarray(0, end), query[HEADER + 1] === K ? kept : fresh]);
  answer.writeUInt16BE(0x8400 | (query.readUInt16BE(2) & 0x0100), 2);
  // One question, one answer, neither authorities nor additional records.
  answer.writeUInt32BE(0x0001_0001, 4);
  answer.writeUInt32BE(0, 8);
  socket.send(answer, port, address);
});
socket.bind(53, process.argv[2], () => process.stdout.write('ready\n'));

/**
 * Messages of the DNS (RFC 1035 section 4). Pure. Integers are big-endian.
 *
 *     header                                          question
 *      0  u16 id                                       0  name
 *      2  u16 flags: 15 QR (response), 14–11 opcode,   +  u16 type, u16 class
 *                    10 AA, 9 TC, 8 RD, 7 RA,
 *                    5 AD, 4 CD, 3–0 rcode            record
 *      4  u16 questions                                0  name
 *      6  u16 answers                                  +0 u16 type   2 u16 class   4 u32 TTL in seconds
 *      8  u16 authorities                              +8 u16 length of the data   10 data
 *     10  u16 additionals
 *
 * A record of type OPT (RFC 6891 section 6.1) means something else by its fields: name root; class: the largest UDP payload that its
 * sender takes; TTL: u8 upper bits of the rcode, u8 version, u16 flags (bit 15 DO); data: options, each u16 code, u16
 * length, value.
 */
import { DnsFormatError, readName } from './codec-name.ts';

export const HEADER_SIZE = 12;
export const FLAG = {
  response: 0x8000,
  truncated: 0x0200,
  recursionDesired: 0x0100,
  recursionAvailable: 0x0080,
  checkingDisabled: 0x0010,
} as const;
export const OPCODE_MASK = 0x7800;
export const RCODE = {
  ok: 0,
  format: 1,
  serverFailure: 2,
  nameError: 3,
  notImplemented: 4,
  refused: 5,
  badVersion: 16,
} as const;
export const TYPE = { a: 1, cname: 5, soa: 6, ptr: 12, aaaa: 28, srv: 33, opt: 41, any: 255 } as const;
export const CLASS = { internet: 1, any: 255 } as const;
/** EDNS: answers to queries are authenticated by the client itself. */
export const DNSSEC_OK = 0x8000;
/** What goes over any path unfragmented (DNS flag day 2020). */
export const SAFE_PAYLOAD = 1232;
export const LEAST_PAYLOAD = 512;
export const LONGEST_MESSAGE = 65_535;

export interface Question {
  /** Wire name. */
  name: Uint8Array;
  type: number;
  class: number;
}

export interface ResourceRecord extends Question {
  ttl: number;
  /** As it stands in the message (a view of it when decoded): names in it may be pointers. */
  data: Uint8Array;
}

export interface Message {
  id: number;
  flags: number;
  questions: readonly Question[];
  answers: readonly ResourceRecord[];
  authorities: readonly ResourceRecord[];
  additionals: readonly ResourceRecord[];
}

export interface DecodedRecord extends ResourceRecord {
  /** Where its TTL stands. */
  ttlOffset: number;
}

export interface DecodedMessage extends Message {
  answers: readonly DecodedRecord[];
  authorities: readonly DecodedRecord[];
  additionals: readonly DecodedRecord[];
  /** Where the records begin. */
  questionEnd: number;
}

/** Throws DnsFormatError. What follows the last record is ignored. */
export function decodeMessage(bytes: Uint8Array): DecodedMessage {
  if (bytes.length < HEADER_SIZE) throw new DnsFormatError(`${bytes.length} bytes of header`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = HEADER_SIZE;
  const question = (): Question => {
    const { name, next } = readName(bytes, at);
    if (next + 4 > bytes.length) throw new DnsFormatError('a question goes beyond the end');
    at = next + 4;
    return { name, type: view.getUint16(next), class: view.getUint16(next + 2) };
  };
  const record = (): DecodedRecord => {
    const { name, type, class: kind } = question();
    if (at + 6 > bytes.length) throw new DnsFormatError('a record goes beyond the end');
    const ttlOffset = at;
    const start = at + 6;
    at = start + view.getUint16(at + 4);
    if (at > bytes.length) throw new DnsFormatError('data goes beyond the end');
    return { name, type, class: kind, ttl: view.getUint32(ttlOffset), data: bytes.subarray(start, at), ttlOffset };
  };
  const list = <T>(count: number, read: () => T): T[] => Array.from({ length: count }, read);
  const questions = list(view.getUint16(4), question);
  const questionEnd = at;
  return {
    id: view.getUint16(0),
    flags: view.getUint16(2),
    questions,
    questionEnd,
    answers: list(view.getUint16(6), record),
    authorities: list(view.getUint16(8), record),
    additionals: list(view.getUint16(10), record),
  };
}

/** Without compression. Throws RangeError when it does not fit into 65,535 bytes. */
export function encodeMessage(message: Message): Buffer {
  const { questions, answers, authorities, additionals } = message;
  const records = [...answers, ...authorities, ...additionals];
  const size =
    HEADER_SIZE +
    questions.reduce((sum, { name }) => sum + name.length + 4, 0) +
    records.reduce((sum, { name, data }) => sum + name.length + 10 + data.length, 0);
  if (size > LONGEST_MESSAGE) throw new RangeError(`a DNS message of ${size} bytes`);
  const bytes = Buffer.alloc(size);
  const header = [message.id, message.flags, ...[questions, answers, authorities, additionals].map((l) => l.length)];
  for (const [index, value] of header.entries()) bytes.writeUInt16BE(value, 2 * index);
  let at = HEADER_SIZE;
  const question = ({ name, type, class: kind }: Question): void => {
    bytes.set(name, at);
    at += name.length;
    bytes.writeUInt16BE(type, at);
    bytes.writeUInt16BE(kind, at + 2);
    at += 4;
  };
  for (const one of questions) question(one);
  for (const record of records) {
    question(record);
    bytes.writeUInt32BE(record.ttl, at);
    bytes.writeUInt16BE(record.data.length, at + 4);
    bytes.set(record.data, at + 6);
    at += 6 + record.data.length;
  }
  return bytes;
}

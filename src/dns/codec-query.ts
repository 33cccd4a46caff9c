/**
 * What a client asks, read without allocating more than its key: the path of every packet. Pure. Offsets: codec.ts.
 */
import { POINTER } from './codec-name.ts';
import { FLAG, HEADER_SIZE, LEAST_PAYLOAD, OPCODE_MASK, RCODE, TYPE } from './codec.ts';

const LONGEST_NAME = 255;

/** One is used again and again: what is kept must be copied. */
export interface Query {
  flags: number;
  /** The name asked for, as a key (codec-name.ts). */
  key: string;
  type: number;
  class: number;
  /** Where the question ends in the message; it begins after the header. */
  questionEnd: number;
  /** The message has an OPT record. */
  edns: boolean;
  ednsVersion: number;
  /** Flags of EDNS; DNSSEC_OK is one. */
  ednsFlags: number;
  /** What the client takes by UDP, in bytes. */
  payload: number;
  /** EDNS options: offset and length in the message. */
  optionsAt: number;
  optionsLength: number;
}

export const emptyQuery = (): Query => ({
  flags: 0,
  key: '',
  type: 0,
  class: 0,
  questionEnd: 0,
  edns: false,
  ednsVersion: 0,
  ednsFlags: 0,
  payload: LEAST_PAYLOAD,
  optionsAt: 0,
  optionsLength: 0,
});

/**
 * Reads the first `length` bytes into `query`. Returns undefined when nobody is to be answered (too short, or itself an answer), RCODE.ok, or
 * the rcode that the answer must have; questionEnd is then HEADER_SIZE unless the question could be read.
 */
export function readQuery(bytes: Buffer, length: number, query: Query): number | undefined {
  if (length < HEADER_SIZE) return undefined;
  const flags = u16(bytes, 2);
  if (flags & FLAG.response) return undefined;
  query.flags = flags;
  query.questionEnd = HEADER_SIZE;
  query.edns = false;
  query.payload = LEAST_PAYLOAD;
  query.ednsFlags = 0;
  query.optionsLength = 0;
  if (flags & OPCODE_MASK) return RCODE.notImplemented;
  if (u16(bytes, 4) !== 1) return RCODE.format;
  let at = HEADER_SIZE;
  for (;;) {
    // A pointer could only lead into the header.
    const label = at < length ? (bytes[at] ?? POINTER) : POINTER;
    if (label & POINTER) return RCODE.format;
    at += label + 1;
    if (label === 0) break;
  }
  if (at - HEADER_SIZE > LONGEST_NAME || at + 4 > length) return RCODE.format;
  query.key = bytes.toString('latin1', HEADER_SIZE, at).toLowerCase();
  query.type = u16(bytes, at);
  query.class = u16(bytes, at + 2);
  query.questionEnd = at + 4;
  const others = u16(bytes, 6) + u16(bytes, 8);
  const additionals = u16(bytes, 10);
  return others + additionals === 0 ? RCODE.ok : readOptions(bytes, length, query, others, others + additionals);
}

/** Looks for the OPT record among `count` records, of which the first `skipped` are not additional ones. */
function readOptions(bytes: Buffer, length: number, query: Query, skipped: number, count: number): number {
  let at = query.questionEnd;
  for (let index = 0; index < count; index++) {
    const root = bytes[at] === 0;
    for (;;) {
      const label = at < length ? (bytes[at] ?? 0) : POINTER - 1;
      if ((label & POINTER) === POINTER) {
        at += 2;
        break;
      }
      if (label & POINTER) return RCODE.format;
      at += label + 1;
      if (label === 0) break;
    }
    if (at + 10 > length) return RCODE.format;
    const start = at + 10;
    const end = start + u16(bytes, at + 8);
    if (end > length) return RCODE.format;
    if (index >= skipped && root && u16(bytes, at) === TYPE.opt) {
      // RFC 6891 section 6.1.1: one at most.
      if (query.edns) return RCODE.format;
      query.edns = true;
      query.payload = Math.max(LEAST_PAYLOAD, u16(bytes, at + 2));
      query.ednsVersion = bytes[at + 5] ?? 0;
      query.ednsFlags = u16(bytes, at + 6);
      query.optionsAt = start;
      query.optionsLength = end - start;
    }
    at = end;
  }
  return query.edns && query.ednsVersion !== 0 ? RCODE.badVersion : RCODE.ok;
}

const u16 = (bytes: Buffer, at: number): number => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);

/**
 * What a server outside answered: checked, kept and given on as it came, but for id, TTLs and the case of the question. Pure.
 */
import { DnsFormatError } from './codec-name.ts';
import { FLAG, HEADER_SIZE, OPCODE_MASK, RCODE, TYPE, decodeMessage } from './codec.ts';
import type { DecodedMessage } from './codec.ts';

export interface Response {
  bytes: Buffer;
  rcode: number;
  truncated: boolean;
  questionEnd: number;
  /** Where the TTLs of its records stand (not OPT's, which is none). */
  ttlOffsets: readonly number[];
  /** Seconds for which others may be given it; 0: not at all (RFC 2308 sections 3 and 5). */
  lifetime: number;
}

/** What an answer must be to. */
export interface Asked {
  id: number;
  key: string;
  type: number;
  class: number;
}

/** Longer TTLs are cut to this, negative ones to the other (RFC 2308 section 5: one to three hours; errors are cheap here). */
const LONGEST = 3600;
const LONGEST_NEGATIVE = 300;

/** Whether it claims to be the answer to that question: a look at its first bytes, whatever follows. */
export function answers(bytes: Buffer, { id, key, type, class: kind }: Asked): boolean {
  const end = HEADER_SIZE + key.length;
  if (bytes.length < end + 4 || bytes.readUInt16BE(0) !== id || bytes.readUInt16BE(4) !== 1) return false;
  const flags = bytes.readUInt16BE(2);
  if (!(flags & FLAG.response) || flags & OPCODE_MASK) return false;
  if (bytes.readUInt16BE(end) !== type || bytes.readUInt16BE(end + 2) !== kind) return false;
  // Some servers do not keep the case of the question.
  return bytes.toString('latin1', HEADER_SIZE, end).toLowerCase() === key;
}

/** undefined when it is malformed or no answer to that question. `bytes` is kept. */
export function readResponse(bytes: Buffer, asked: Asked): Response | undefined {
  if (!answers(bytes, asked)) return undefined;
  let message;
  try {
    message = decodeMessage(bytes);
  } catch (error) {
    if (!(error instanceof DnsFormatError)) throw error;
    return undefined;
  }
  const { flags, questionEnd } = message;
  // The name ended where that of the question does.
  if (questionEnd !== HEADER_SIZE + asked.key.length + 4) return undefined;
  const records = [...message.answers, ...message.authorities, ...message.additionals].filter(
    ({ type }) => type !== TYPE.opt,
  );
  return {
    bytes,
    rcode: flags & 0xf,
    truncated: (flags & FLAG.truncated) !== 0,
    questionEnd,
    ttlOffsets: records.map(({ ttlOffset }) => ttlOffset),
    lifetime: lifetimeOf(message),
  };
}

/** RFC 2181 section 8: a TTL with the top bit set is zero. */
const seconds = (ttl: number): number => (ttl > 0x7fff_ffff ? 0 : ttl);

function lifetimeOf({ flags, answers, authorities, additionals }: DecodedMessage): number {
  const rcode = flags & 0xf;
  const extended = additionals.some(({ type, ttl }) => type === TYPE.opt && ttl >>> 24 !== 0);
  if (flags & FLAG.truncated || extended || (rcode !== RCODE.ok && rcode !== RCODE.nameError)) return 0;
  const all = [...answers, ...authorities, ...additionals].filter(({ type }) => type !== TYPE.opt);
  const shortest = Math.min(...all.map(({ ttl }) => seconds(ttl)));
  if (rcode === RCODE.ok && answers.length > 0) return Math.min(shortest, LONGEST);
  // A referral, or an alias that leads nowhere, has no SOA record: nobody said for how long.
  const soa = authorities.find(({ type }) => type === TYPE.soa);
  if (!soa || soa.data.length < 20) return 0;
  // The minimum is the last field, after two names and four numbers.
  const minimum = Buffer.from(soa.data).readUInt32BE(soa.data.length - 4);
  return Math.min(shortest, seconds(minimum), LONGEST_NEGATIVE);
}

/**
 * Writes the response for another client's query into `out` (which has room for it): with `id` and `question` (the bytes between header and
 * records) of that one, and TTLs less the `age` in seconds.
 */
export function copyResponse(response: Response, out: Buffer, id: number, question: Buffer, age: number): number {
  const { bytes, ttlOffsets } = response;
  bytes.copy(out);
  out.writeUInt16BE(id, 0);
  out.writeUInt16BE(out.readUInt16BE(2) | FLAG.recursionAvailable, 2);
  question.copy(out, HEADER_SIZE);
  if (age > 0) for (const at of ttlOffsets) out.writeUInt32BE(Math.max(0, seconds(out.readUInt32BE(at)) - age), at);
  return bytes.length;
}

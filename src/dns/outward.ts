/** A client's query as it is sent on. Pure, but for Buffer. */
import type { Query } from './codec-query.ts';
import { DNSSEC_OK, FLAG, HEADER_SIZE, SAFE_PAYLOAD, TYPE } from './codec.ts';
import type { ForwardQuestion } from './forwarder.ts';

const FLAG_AUTHENTIC = 0x0020;
const PASSED = FLAG.recursionDesired | FLAG.checkingDisabled | FLAG_AUTHENTIC;
/** Options between a client and its next server alone: COOKIE (RFC 7873), tcp-keepalive (RFC 7828), padding (RFC 7830). */
const HOP_BY_HOP: ReadonlySet<number> = new Set([10, 11, 12]);
const OPT_HEADER = 11;
const NONE = Buffer.alloc(0);

/** What of a query, beside its name, decides about the answer. */
export function variantOf(bytes: Buffer, query: Query): string {
  const bits = (query.flags & PASSED) | (query.edns ? 1 : 0) | (query.ednsFlags & DNSSEC_OK ? 2 : 0);
  const variant = `${query.type}/${query.class}/${bits}`;
  const passed = options(bytes, query);
  return passed.length === 0 ? variant : `${variant}/${passed.toString('latin1')}`;
}

/**
 * Its id is filled in for each server. Options that mean the server (client subnet …) are passed, and such an answer is nobody else's. What
 * the client takes by UDP is not: servers are told a size that passes everywhere.
 */
export function outward(bytes: Buffer, query: Query): ForwardQuestion {
  const passed = options(bytes, query);
  // From the pool: one lives for some milliseconds.
  const message = Buffer.allocUnsafe(query.questionEnd + (query.edns ? OPT_HEADER + passed.length : 0));
  bytes.copy(message, 0, 0, query.questionEnd);
  message.writeUInt16BE(query.flags & PASSED, 2);
  message.fill(0, 6, HEADER_SIZE);
  if (query.edns) {
    message.writeUInt16BE(1, 10);
    const at = query.questionEnd;
    message.fill(0, at);
    message.writeUInt16BE(TYPE.opt, at + 1);
    message.writeUInt16BE(SAFE_PAYLOAD, at + 3);
    message.writeUInt16BE(query.ednsFlags & DNSSEC_OK, at + 7);
    message.writeUInt16BE(passed.length, at + 9);
    passed.copy(message, at + OPT_HEADER);
  }
  return {
    bytes: message,
    key: query.key,
    type: query.type,
    class: query.class,
    variant: variantOf(bytes, query),
    keep: passed.length === 0,
  };
}

function options(bytes: Buffer, { optionsAt, optionsLength }: Query): Buffer {
  if (optionsLength === 0) return NONE;
  const passed: Buffer[] = [];
  const end = optionsAt + optionsLength;
  for (let at = optionsAt; at + 4 <= end;) {
    const next = at + 4 + bytes.readUInt16BE(at + 2);
    if (next <= end && !HOP_BY_HOP.has(bytes.readUInt16BE(at))) passed.push(bytes.subarray(at, next));
    at = next;
  }
  return Buffer.concat(passed);
}

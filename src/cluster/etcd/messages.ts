/**
 * etcd's messages, as far as Berth uses them: numbers of the fields from api/etcdserverpb/rpc.proto and api/mvccpb/kv.proto, the same in
 * 3.4, 3.5 and 3.6.
 *
 *     ResponseHeader      1 cluster_id   2 member_id   3 revision   4 raft_term
 *     KeyValue            1 key   2 create_revision   3 mod_revision   5 value   6 lease
 *     RangeRequest        1 key   2 range_end   3 limit   4 revision   8 keys_only
 *     RangeResponse       1 header   2 kvs…   3 more
 *     PutRequest          1 key   2 value   3 lease
 *     DeleteRangeRequest  1 key   2 range_end
 *     RequestOp           one of 1 range, 2 put, 3 delete_range; ResponseOp the same
 *     Compare             1 result (0 =, 1 >, 2 <, 3 !=)   2 target (1 create, 2 mod, 3 value)   3 key
 *                         one of 5 create_revision, 6 mod_revision, 7 value   64 range_end
 *     TxnRequest          1 compare…   2 success…   3 failure…
 *     TxnResponse         1 header   2 succeeded   3 responses…
 *     Lease…Request       1 TTL (grant) or ID   2 ID (grant)
 *     Lease…Response      1 header   2 ID   3 TTL
 *     Member              1 ID   2 name   3 peerURLs…   4 clientURLs…   5 isLearner
 *     Member…Request      1 ID, or peerURLs… (add)   2 isLearner (add)
 *     Member…Response     1 header   2 member (add), members… (list)
 *     StatusResponse      1 header   2 version   3 dbSize   4 leader
 *     Authenticate…       1 name   2 password; response 2 token
 *
 * Responses are decoded whatever they hold: what is no message throws ProtobufError.
 */
import type { Compare, Header, KeyValue, Keys, Member, Operation, Result } from './port.ts';
import { FieldReader, MessageWriter } from './protobuf.ts';

const RESULT = { '=': 0, '>': 1, '<': 2, '!=': 3 } as const;
const TARGET = { create: 1, mod: 2, value: 3 } as const;

const EMPTY: Buffer = Buffer.alloc(0);

/** Header, with what only the client itself looks at. */
export interface FullHeader extends Header {
  member: bigint;
  term: bigint;
}

/** The first key that does not begin with `prefix`: as etcd's clients compute it, '\0' for 'to the end of all'. */
function endOf(prefix: Buffer): Buffer {
  const last = prefix.findLastIndex((byte) => byte < 0xff);
  if (last < 0) return Buffer.from([0]);
  const end = Buffer.from(prefix.subarray(0, last + 1));
  end[last] = (end[last] ?? 0) + 1;
  return end;
}

/** First key, and the one after the last when it is a range. */
export interface KeyRange {
  key: Buffer;
  end?: Buffer;
}

export function rangeOf(keys: Keys): KeyRange {
  if ('key' in keys) return { key: Buffer.from(keys.key) };
  const prefix = Buffer.from(keys.prefix);
  return { key: prefix.length > 0 ? prefix : Buffer.from([0]), end: endOf(prefix) };
}

export interface RangeOptions {
  keysOnly?: boolean;
  limit?: number;
  revision?: bigint;
}

/** Fields 1 and 2 of what begins with a range. */
function withRange({ key, end }: KeyRange): MessageWriter {
  const writer = new MessageWriter().bytes(1, key);
  return end ? writer.bytes(2, end) : writer;
}

export function encodeRange(range: KeyRange, { keysOnly, limit, revision }: RangeOptions = {}): Buffer {
  const writer = withRange(range);
  if (limit) writer.number(3, limit);
  if (revision) writer.number(4, revision);
  if (keysOnly) writer.number(8, true);
  return writer.finish();
}

function encodeCompare(compare: Compare): Buffer {
  const { key, end } = rangeOf(compare);
  const writer = new MessageWriter();
  if ('create' in compare) {
    writer.number(1, RESULT[compare.create]).number(2, TARGET.create).bytes(3, key).number(5, compare.revision);
  } else if ('mod' in compare) {
    writer.number(1, RESULT[compare.mod]).number(2, TARGET.mod).bytes(3, key).number(6, compare.revision);
  } else {
    writer.number(1, RESULT[compare.value]).number(2, TARGET.value).bytes(3, key).bytes(7, compare.bytes);
  }
  return (end ? writer.bytes(64, end) : writer).finish();
}

function encodeOperation(operation: Operation): Buffer {
  const writer = new MessageWriter();
  if ('get' in operation) {
    return writer.bytes(1, encodeRange(rangeOf(operation.get), { keysOnly: operation.keysOnly ?? false })).finish();
  }
  if ('delete' in operation) return writer.bytes(3, withRange(rangeOf(operation.delete)).finish()).finish();
  const put = new MessageWriter().text(1, operation.put).bytes(2, operation.value);
  if (operation.lease) put.number(3, operation.lease);
  return writer.bytes(2, put.finish()).finish();
}

export function encodeTransaction(
  when: readonly Compare[],
  then: readonly Operation[],
  otherwise: readonly Operation[],
): Buffer {
  const writer = new MessageWriter();
  for (const compare of when) writer.bytes(1, encodeCompare(compare));
  for (const operation of then) writer.bytes(2, encodeOperation(operation));
  for (const operation of otherwise) writer.bytes(3, encodeOperation(operation));
  return writer.finish();
}

export function encodeWatch(range: KeyRange, from: bigint): Buffer {
  // 1 create_request: 3 start_revision, 4 progress_notify.
  return new MessageWriter().bytes(1, withRange(range).number(3, from).number(4, true).finish()).finish();
}

export function decodeHeader(bytes: Buffer): FullHeader {
  const header = { clusterId: 0n, member: 0n, revision: 0n, term: 0n };
  const fields = new FieldReader(bytes);
  while (fields.next()) {
    if (fields.number === 1) header.clusterId = fields.unsigned();
    else if (fields.number === 2) header.member = fields.unsigned();
    else if (fields.number === 3) header.revision = fields.signed();
    else if (fields.number === 4) header.term = fields.unsigned();
  }
  return header;
}

/** Of any response: its first field. */
export function headerOf(response: Buffer): FullHeader {
  const fields = new FieldReader(response);
  while (fields.next()) if (fields.number === 1) return decodeHeader(fields.bytes());
  return decodeHeader(EMPTY);
}

export function decodeKeyValue(bytes: Buffer): KeyValue {
  const kv = { key: '', value: EMPTY, createRevision: 0n, modRevision: 0n, lease: 0n };
  const fields = new FieldReader(bytes);
  while (fields.next()) {
    if (fields.number === 1) kv.key = fields.text();
    else if (fields.number === 2) kv.createRevision = fields.signed();
    else if (fields.number === 3) kv.modRevision = fields.signed();
    else if (fields.number === 5) kv.value = fields.bytes();
    else if (fields.number === 6) kv.lease = fields.signed();
  }
  return kv;
}

/** `last`: the last key's bytes, which its text need not tell. */
export function decodeRange(response: Buffer): { kvs: KeyValue[]; more: boolean; last: Buffer } {
  const range = { kvs: [] as KeyValue[], more: false };
  let last = EMPTY;
  const fields = new FieldReader(response);
  while (fields.next()) {
    if (fields.number === 2) range.kvs.push(decodeKeyValue((last = fields.bytes())));
    else if (fields.number === 3) range.more = fields.flag();
  }
  return { ...range, last: keyOf(last) };
}

function keyOf(keyValue: Buffer): Buffer {
  const fields = new FieldReader(keyValue);
  while (fields.next()) if (fields.number === 1) return fields.bytes();
  return EMPTY;
}

export function decodeTransaction(response: Buffer): { succeeded: boolean; results: Result[] } {
  const transaction = { succeeded: false, results: [] as Result[] };
  const fields = new FieldReader(response);
  while (fields.next()) {
    if (fields.number === 2) transaction.succeeded = fields.flag();
    else if (fields.number === 3) transaction.results.push(decodeResult(fields.bytes()));
  }
  return transaction;
}

function decodeResult(bytes: Buffer): Result {
  const fields = new FieldReader(bytes);
  while (fields.next()) if (fields.number === 1) return decodeRange(fields.bytes()).kvs;
  return [];
}

/** Field 3 of a lease's response; 0 when it is none any more. */
export function decodeTtl(response: Buffer): number {
  const fields = new FieldReader(response);
  while (fields.next()) if (fields.number === 3) return Math.max(0, Number(fields.signed()));
  return 0;
}

export function decodeMembers(response: Buffer): Member[] {
  const members: Member[] = [];
  const fields = new FieldReader(response);
  while (fields.next()) if (fields.number === 2) members.push(decodeMember(fields.bytes()));
  return members;
}

function decodeMember(bytes: Buffer): Member {
  const member = { id: 0n, name: '', peerUrls: [] as string[], clientUrls: [] as string[], learner: false };
  const fields = new FieldReader(bytes);
  while (fields.next()) {
    if (fields.number === 1) member.id = fields.unsigned();
    else if (fields.number === 2) member.name = fields.text();
    else if (fields.number === 3) member.peerUrls.push(fields.text());
    else if (fields.number === 4) member.clientUrls.push(fields.text());
    else if (fields.number === 5) member.learner = fields.flag();
  }
  return member;
}

export function decodeStatus(response: Buffer): { version: string; databaseSize: bigint; leader: bigint } {
  const status = { version: '', databaseSize: 0n, leader: 0n };
  const fields = new FieldReader(response);
  while (fields.next()) {
    if (fields.number === 2) status.version = fields.text();
    else if (fields.number === 3) status.databaseSize = fields.signed();
    else if (fields.number === 4) status.leader = fields.unsigned();
  }
  return status;
}

export function decodeToken(response: Buffer): string {
  const fields = new FieldReader(response);
  while (fields.next()) if (fields.number === 2) return fields.text();
  return '';
}

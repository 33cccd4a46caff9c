/**
 * What a watch's stream says (rpc.proto, kv.proto):
 *
 *     WatchResponse  1 header   3 created   4 canceled   5 compact_revision   6 cancel_reason   11 events…
 *     Event          1 type (0 put, 1 delete)   2 kv (of a delete: key and mod_revision)
 */
import type { FullHeader } from './messages.ts';
import { decodeHeader, decodeKeyValue } from './messages.ts';
import type { WatchEvent } from './port.ts';
import { FieldReader, ProtobufError } from './protobuf.ts';

export interface WatchResponse {
  header: FullHeader;
  created: boolean;
  canceled: boolean;
  /** 0n: not because of that. */
  compactRevision: bigint;
  reason: string;
  events: WatchEvent[];
}

/** undefined: it is none. */
export function decodeWatchResponse(bytes: Buffer): WatchResponse | undefined {
  try {
    return decode(bytes);
  } catch (error) {
    if (error instanceof ProtobufError) return undefined;
    throw error;
  }
}

function decode(bytes: Buffer): WatchResponse {
  const response: WatchResponse = {
    header: decodeHeader(Buffer.alloc(0)),
    created: false,
    canceled: false,
    compactRevision: 0n,
    reason: '',
    events: [],
  };
  const fields = new FieldReader(bytes);
  while (fields.next()) {
    if (fields.number === 1) response.header = decodeHeader(fields.bytes());
    else if (fields.number === 3) response.created = fields.flag();
    else if (fields.number === 4) response.canceled = fields.flag();
    else if (fields.number === 5) response.compactRevision = fields.signed();
    else if (fields.number === 6) response.reason = fields.text();
    else if (fields.number === 11) response.events.push(decodeEvent(fields.bytes()));
  }
  return response;
}

function decodeEvent(bytes: Buffer): WatchEvent {
  let deleted = false;
  let kv = decodeKeyValue(Buffer.alloc(0));
  const fields = new FieldReader(bytes);
  while (fields.next()) {
    if (fields.number === 1) deleted = fields.unsigned() === 1n;
    else if (fields.number === 2) kv = decodeKeyValue(fields.bytes());
  }
  return deleted ? { kind: 'delete', key: kv.key, modRevision: kv.modRevision } : { kind: 'put', kv };
}

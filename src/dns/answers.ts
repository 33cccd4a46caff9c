/** What containers are called, as answers to queries. Pure. */
import type { AnswerWriter } from './codec-answer.ts';
import { parentKey } from './codec-name.ts';
import type { Query } from './codec-query.ts';
import { CLASS, RCODE, TYPE } from './codec.ts';
import type { Family, NameEntry, ZoneView } from './zone.ts';

/**
 * Seconds. A container that is started again has another address: whoever keeps names (nscd, a JVM) shall ask again soon. Docker's
 * 600 make such programs speak to nobody for ten minutes.
 */
export const CONTAINER_TTL = 5;

/**
 * Writes the records into `writer` and returns the rcode; undefined when no container is meant: others are to be asked. A name that
 * exists has no records of the types that containers do not have, and then the answer is an empty one (NODATA), as for the other
 * family; nobody outside is asked what its MX is.
 */
export function answerFromZone(view: ZoneView, query: Query, writer: AnswerWriter): number | undefined {
  if (query.class !== CLASS.internet && query.class !== CLASS.any) return undefined;
  switch (query.type) {
    case TYPE.a:
      return addresses(view.find(query.key, 'a'), 'a', writer);
    case TYPE.aaaa:
      return addresses(view.find(query.key, 'aaaa'), 'aaaa', writer);
    case TYPE.ptr: {
      const names = view.reverse(query.key);
      if (!names) break;
      for (const { bytes } of names) writer.answer(TYPE.ptr, CONTAINER_TTL, bytes);
      return RCODE.ok;
    }
    case TYPE.srv: {
      const rcode = service(view, query.key, writer);
      if (rcode !== undefined) return rcode;
      break;
    }
    case TYPE.any: {
      const entry = view.find(query.key, 'a');
      addresses(entry, 'a', writer);
      return addresses(entry, 'aaaa', writer);
    }
  }
  return view.find(query.key, 'a') || view.reverse(query.key) ? RCODE.ok : undefined;
}

function addresses(entry: NameEntry | undefined, family: Family, writer: AnswerWriter): number | undefined {
  if (!entry) return undefined;
  const list = entry[family];
  const type = TYPE[family];
  const first = entry.turn(list.length);
  for (let i = 0; i < list.length; i++) {
    const one = list[(first + i) % list.length];
    if (!one || !writer.answer(type, CONTAINER_TTL, one.bytes)) break;
  }
  return RCODE.ok;
}

/**
 * `_8080._tcp.web`: the containers called web, at that port (RFC 2782). Docker answers for the ports of Swarm's services by their names; a
 * container's ports have none, so only numbers are answered.
 */
function service(view: ZoneView, key: string, writer: AnswerWriter): number | undefined {
  const protocol = parentKey(key);
  const target = protocol === undefined ? undefined : parentKey(protocol);
  const port = Number(/^_(\d{1,5})$/.exec(key.slice(1, 1 + key.charCodeAt(0)))?.[1] ?? 0);
  if (target === undefined || protocol === undefined || port === 0 || port > 65_535) return undefined;
  if (!/^_(tcp|udp|sctp)$/.test(protocol.slice(1, 1 + protocol.charCodeAt(0)))) return undefined;
  const entry = view.find(target, 'a');
  if (!entry) return undefined;
  const name = Buffer.from(target, 'latin1');
  // u16 priority, u16 weight, u16 port, target
  writer.answer(TYPE.srv, CONTAINER_TTL, Buffer.concat([Buffer.from([0, 0, 0, 0, port >> 8, port & 0xff]), name]));
  for (const family of ['a', 'aaaa'] as const) {
    for (const { bytes } of view.find(target, family)?.[family] ?? []) {
      writer.additional(name, TYPE[family], CONTAINER_TTL, bytes);
    }
  }
  return RCODE.ok;
}

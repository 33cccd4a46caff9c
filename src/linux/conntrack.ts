/**
 * Entries of connection tracking, deleted by the port that the client addressed, over ctnetlink
 * (linux/netfilter/nfnetlink_conntrack.h).
 *
 *     struct nfgenmsg (u8 family, u8 version, u16 resource), then attributes:
 *      1 CTA_TUPLE_ORIG    as the first packet had it          2 CTA_TUPLE_REPLY   as an answer must look
 *           1 CTA_TUPLE_IP     1 v4 source  2 v4 destination  3 v6 source  4 v6 destination
 *           2 CTA_TUPLE_PROTO  1 u8 number  2 u16be source port  3 u16be destination port
 *     12 CTA_ID            u32be, against deleting a later flow of the same tuple
 *     18 CTA_ZONE          u16be
 *     25 CTA_FILTER        1 CTA_FILTER_ORIG_FLAGS u32: which parts of the given tuple to compare (Linux 5.8; older ones
 *                          dump everything, so what comes is compared here again)
 */
import { addressBytes, parseAddress } from '../ipam/address.ts';
import { nested } from './nft-expressions.ts';
import { lazySocket, nfHeader, NFPROTO, unless } from './nfnetlink.ts';
import { decodeAttributes, raw } from './netlink/message.ts';
import type { Attribute } from './netlink/message.ts';
import { dump } from './netlink/socket.ts';
import type { NetlinkSocket } from './netlink/socket.ts';

const NFNL_SUBSYS_CTNETLINK = 1;
const CT_GET = (NFNL_SUBSYS_CTNETLINK << 8) | 1;
const CT_DELETE = (NFNL_SUBSYS_CTNETLINK << 8) | 2;
const CTA = { orig: 1, reply: 2, id: 12, zone: 18, filter: 25 } as const;
const CTA_TUPLE = { ip: 1, proto: 2 } as const;
const CTA_PROTO = { number: 1, destinationPort: 3 } as const;
const FILTER_PROTO_NUMBER = 1 << 3;
const FILTER_DESTINATION_PORT = 1 << 5;
const UDP = 17;
/** A dump walks the whole table in the kernel, about a millisecond: for more ports than these one dump of all UDP is less. */
const SINGLY = 4;

export interface Flow {
  family: 4 | 6;
  /** UDP port as the client addressed it. */
  port: number;
  /** Address as the client addressed it; '' for any. */
  address: string;
}

interface Entry {
  port: number;
  /** Original destination and source, then the reply's, as bytes. */
  to: Buffer;
  from: Buffer;
  replyTo: Buffer;
  replyFrom: Buffer;
  attributes: ReadonlyMap<number, Buffer>;
}

export interface Conntrack {
  /** Resolves when the entries are gone; no single step blocks for more than a dump's millisecond. */
  forget(flows: readonly Flow[]): Promise<void>;
}

export function createConntrack(): Conntrack {
  const socket = lazySocket();
  return {
    async forget(flows) {
      for (const family of [4, 6] as const) {
        const here = flows.filter((flow) => flow.family === family);
        const ports = new Set(here.map(({ port }) => port));
        const filters: (number | undefined)[] = ports.size > SINGLY ? [undefined] : [...ports];
        for (const port of filters) {
          await new Promise((resolve) => setImmediate(resolve));
          for (const entry of entries(socket(), family, port)) {
            if (here.some((flow) => concerns(flow, entry))) remove(socket(), family, entry);
          }
        }
      }
    },
  };
}

function entries(socket: NetlinkSocket, family: 4 | 6, port: number | undefined): Entry[] {
  const proto: Attribute[] = [raw(CTA_PROTO.number, Buffer.of(UDP))];
  if (port !== undefined) proto.push(raw(CTA_PROTO.destinationPort, u16be(port)));
  const flags = Buffer.alloc(4);
  flags.writeUInt32LE(FILTER_PROTO_NUMBER | (port === undefined ? 0 : FILTER_DESTINATION_PORT));
  const answers = socket.transact([
    dump('list flows', CT_GET, nfHeader(NFPROTO[family]), [
      nested(CTA.orig, [nested(CTA_TUPLE.proto, proto)]),
      nested(CTA.filter, [raw(1, flags)]),
    ]),
  ]);
  return answers.flatMap(({ payload }) => {
    const entry = decodeFlow(payload, family);
    return entry && (port === undefined || entry.port === port) ? [entry] : [];
  });
}

/** undefined for what is not UDP of this family. */
export function decodeFlow(payload: Buffer, family: 4 | 6): Entry | undefined {
  if (payload[0] !== NFPROTO[family]) return undefined;
  const attributes = decodeAttributes(payload.subarray(4));
  const orig = decodeTuple(attributes.get(CTA.orig), family);
  const reply = decodeTuple(attributes.get(CTA.reply), family);
  if (orig?.protocol !== UDP || !reply) return undefined;
  return { port: orig.port, to: orig.to, from: orig.from, replyTo: reply.to, replyFrom: reply.from, attributes };
}

function decodeTuple(
  value: Buffer | undefined,
  family: 4 | 6,
): { protocol: number; port: number; from: Buffer; to: Buffer } | undefined {
  if (value === undefined) return undefined;
  const parts = decodeAttributes(value);
  const ip = decodeAttributes(parts.get(CTA_TUPLE.ip) ?? Buffer.alloc(0));
  const proto = decodeAttributes(parts.get(CTA_TUPLE.proto) ?? Buffer.alloc(0));
  const from = ip.get(family === 4 ? 1 : 3);
  const to = ip.get(family === 4 ? 2 : 4);
  const port = proto.get(CTA_PROTO.destinationPort);
  if (!from || !to || port?.length !== 2) return undefined;
  return { protocol: proto.get(CTA_PROTO.number)?.[0] ?? 0, port: port.readUInt16BE(0), from, to };
}

/**
 * A flow to the host: it was led on to a container (the answer comes from another address than was asked), or ends here. One
 * that only had its source hidden is a container's own, on its way to somebody's port of that number.
 */
function concerns({ port, address }: Flow, entry: Entry): boolean {
  if (port !== entry.port) return false;
  const parsed = address === '' ? undefined : parseAddress(address);
  if (parsed && !entry.to.equals(addressBytes(parsed))) return false;
  return !entry.replyFrom.equals(entry.to) || entry.replyTo.equals(entry.from);
}

function remove(socket: NetlinkSocket, family: 4 | 6, { attributes }: Entry): void {
  const kept = ([CTA.orig, CTA.id, CTA.zone] as const).flatMap((type) => {
    const value = attributes.get(type);
    return value ? [{ ...raw(type, value), nestedFlag: type === CTA.orig }] : [];
  });
  unless(['ENOENT'], () =>
    socket.transact([{ what: 'delete a flow', type: CT_DELETE, header: nfHeader(NFPROTO[family]), attributes: kept }]),
  );
}

function u16be(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

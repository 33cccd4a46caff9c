/**
 * The rules in a container's own namespace by which what it sends to 127.0.0.11, port 53, arrives at the resolver's sockets on other
 * ports, so that a program in the container can still bind port 53. In nft's words:
 *
 *     table ip berth-resolver {
 *       chain output {
 *         type nat hook output priority dstnat
 *         ip daddr 127.0.0.11 udp dport 53 dnat to 127.0.0.11:PORT
 *         ip daddr 127.0.0.11 tcp dport 53 dnat to 127.0.0.11:PORT
 *       }
 *     }
 *
 * Answers are turned back by connection tracking. Written as messages (0.1 ms): a libnftables context for each namespace takes longer to
 * make than that, and memory.
 */
import { SysError } from './libc.ts';
import { nest, raw, text, u32be } from './netlink/message.ts';
import type { Attribute } from './netlink/message.ts';
import { NETLINK_NETFILTER, openNetlink } from './netlink/socket.ts';
import type { Request } from './netlink/socket.ts';
import { NFPROTO, NFT_MSG, nfHeader, nftMessage, nftTransaction, unless } from './nfnetlink.ts';

const TABLE = 'berth-resolver';
const CHAIN = 'output';
const NLM_F_EXCL = 0x200;
const NLM_F_CREATE = 0x400;
const NLM_F_APPEND = 0x800;
/** enum nf_inet_hooks, and NF_IP_PRI_NAT_DST. */
const NF_INET_LOCAL_OUT = 3;
const DSTNAT = -100;
const DNS_PORT = 53;
const IPPROTO_TCP = 6;
const IPPROTO_UDP = 17;

/** Attributes of linux/netfilter/nf_tables.h. */
const NFTA_TABLE_NAME = 1;
const NFTA_CHAIN = { table: 1, name: 3, hook: 4, type: 7 } as const;
const NFTA_HOOK = { number: 1, priority: 2 } as const;
const NFTA_RULE = { table: 1, chain: 2, expressions: 4 } as const;

/** What the kernel says when it has no nf_tables, no IPv4 family in it, or no chains of type nat. */
const NO_NAT: ReadonlySet<string> = new Set([
  'ENOENT',
  'EOPNOTSUPP',
  'EPROTONOSUPPORT',
  'EAFNOSUPPORT',
  'EINVAL',
  'EPERM',
]);

export interface ResolverPorts {
  udp: number;
  tcp: number;
}

/**
 * Writes the rules in the namespace that the thread is in. undefined when this kernel (or this process) cannot. Older ones are replaced in
 * one transaction, so that no packet passes between the two; the socket is then to be closed some 50 ms later: the kernel destroys
 * what was replaced after a grace period, and close(2) would wait for that (nft_rcv_nl_event, 10 ms).
 */
export function redirectResolver(address: Uint8Array, ports: ResolverPorts): { close: () => void } | undefined {
  const socket = openNetlink(NETLINK_NETFILTER);
  try {
    const wanted = Buffer.from(address);
    // Trying and being refused costs a grace period, too (nf_tables_abort).
    const ask: Request = {
      what: 'look for the table',
      type: nftMessage(NFT_MSG.getTable),
      header: nfHeader(NFPROTO[4]),
    };
    const old = unless(['ENOENT'], () => socket.transact([{ ...ask, attributes: [text(NFTA_TABLE_NAME, TABLE)] }]));
    nftTransaction(socket, requests(wanted, ports, old ? 'again' : 'first'));
    if (old) return { close: () => socket.close() };
    socket.close();
    return { close: () => undefined };
  } catch (error) {
    socket.close();
    if (error instanceof SysError && NO_NAT.has(error.code)) return undefined;
    throw error;
  }
}

function requests(address: Buffer, ports: ResolverPorts, time: 'first' | 'again'): Request[] {
  const header = nfHeader(NFPROTO[4]);
  const table = [text(NFTA_TABLE_NAME, TABLE)];
  const request = (what: string, operation: number, attributes: Attribute[], flags = NLM_F_CREATE): Request => ({
    what,
    type: nftMessage(operation),
    flags,
    header,
    attributes,
  });
  const hook = nested(NFTA_CHAIN.hook, [
    u32be(NFTA_HOOK.number, NF_INET_LOCAL_OUT),
    u32be(NFTA_HOOK.priority, DSTNAT >>> 0),
  ]);
  const rule = (protocol: number, port: number): Request =>
    request(
      'add rule of the resolver',
      NFT_MSG.newRule,
      [
        text(NFTA_RULE.table, TABLE),
        text(NFTA_RULE.chain, CHAIN),
        nested(NFTA_RULE.expressions, redirect(address, protocol, port)),
      ],
      NLM_F_CREATE | NLM_F_APPEND,
    );
  return [
    ...(time === 'first' ? [] : [request('delete table of the resolver', NFT_MSG.delTable, table, 0)]),
    request('add table of the resolver', NFT_MSG.newTable, table, NLM_F_CREATE | NLM_F_EXCL),
    request('add chain of the resolver', NFT_MSG.newChain, [
      text(NFTA_CHAIN.table, TABLE),
      text(NFTA_CHAIN.name, CHAIN),
      hook,
      text(NFTA_CHAIN.type, 'nat'),
    ]),
    rule(IPPROTO_UDP, ports.udp),
    rule(IPPROTO_TCP, ports.tcp),
  ];
}

const nested = (type: number, value: readonly Attribute[]): Attribute => ({ ...nest(type, value), nestedFlag: true });

const expression = (name: string, data: readonly Attribute[]): Attribute => nested(1, [text(1, name), nested(2, data)]);

const bigEndian = (port: number): Buffer => Buffer.from([port >> 8, port & 0xff]);

/** NFT_CMP_EQ on register 1. */
const equals = (value: Buffer): Attribute => expression('cmp', [u32be(1, 1), u32be(2, 0), nested(3, [raw(1, value)])]);

/** Into register 1: base 1 is the network header, 2 the transport header. */
const load = (base: number, offset: number, length: number): Attribute =>
  expression('payload', [u32be(1, 1), u32be(2, base), u32be(3, offset), u32be(4, length)]);

const immediate = (register: number, value: Buffer): Attribute =>
  expression('immediate', [u32be(1, register), nested(2, [raw(1, value)])]);

/** NFT_META_L4PROTO = 16. NFT_NAT_DNAT = 1; address in register 1, port in register 2. */
function redirect(address: Buffer, protocol: number, port: number): Attribute[] {
  return [
    load(1, 16, 4),
    equals(address),
    expression('meta', [u32be(2, 16), u32be(1, 1)]),
    equals(Buffer.from([protocol])),
    load(2, 2, 2),
    equals(bigEndian(DNS_PORT)),
    immediate(1, address),
    immediate(2, bigEndian(port)),
    expression('nat', [u32be(1, 1), u32be(2, NFPROTO[4]), u32be(3, 1), u32be(5, 2)]),
  ];
}

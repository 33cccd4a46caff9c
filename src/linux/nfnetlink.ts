/**
 * Messages of nf_tables over raw nfnetlink (linux/netfilter/nf_tables.h, linux/netfilter/nfnetlink.h), for what
 * libnftables cannot do: rules in the form of iptables-nft (listed-rules.ts), and a cheap look at the names in a table.
 *
 *     struct nfgenmsg:  0  u8 family    1  u8 version 0    2  u16 resource, network byte order
 *
 * What changes anything goes between NFNL_MSG_BATCH_BEGIN and _END: all of it or nothing.
 */
import { SysError } from './libc.ts';
import { decodeAttributes, readText, text } from './netlink/message.ts';
import type { Attribute, Message } from './netlink/message.ts';
import { dump, NETLINK_NETFILTER, openNetlink } from './netlink/socket.ts';
import type { NetlinkSocket, Request } from './netlink/socket.ts';

export const NFNL_SUBSYS_NFTABLES = 10;
const NFNL_MSG_BATCH_BEGIN = 16;
const NFNL_MSG_BATCH_END = 17;
/** enum nf_tables_msg_types. */
export const NFT_MSG = {
  newTable: 0,
  getTable: 1,
  delTable: 2,
  newChain: 3,
  getChain: 4,
  delChain: 5,
  newRule: 6,
  getRule: 7,
  delRule: 8,
  getSet: 10,
} as const;
export const NFPROTO = { inet: 1, 4: 2, 6: 10 } as const;
export const NFTA_TABLE_NAME = 1;
export const NFTA_CHAIN = { table: 1, name: 3, hook: 4, policy: 5, type: 7, userdata: 12 } as const;
export const NFTA_RULE = { table: 1, chain: 2, handle: 3, expressions: 4, position: 6, userdata: 7 } as const;
const NFTA_SET = { table: 1, name: 2, flags: 3 } as const;
const NFT_SET_ANONYMOUS = 1;
const NFT_SET_MAP = 8;

/** Opened at the first call and kept, in the network namespace of that moment. */
export function lazySocket(): () => NetlinkSocket {
  let socket: NetlinkSocket | undefined;
  return () => (socket ??= openNetlink(NETLINK_NETFILTER));
}

export function nfHeader(family: number, resource = 0): Buffer {
  const bytes = Buffer.alloc(4);
  bytes[0] = family;
  bytes.writeUInt16BE(resource, 2);
  return bytes;
}

export const nftMessage = (operation: number): number => (NFNL_SUBSYS_NFTABLES << 8) | operation;

/** Returns what the kernel echoed (NLM_F_ECHO), in the order of the requests. */
export function nftTransaction(socket: NetlinkSocket, requests: readonly Request[]): Message[] {
  const frame = (type: number): Request => ({
    what: 'transaction',
    type,
    header: nfHeader(0, NFNL_SUBSYS_NFTABLES),
    silent: true,
  });
  return socket.transact([frame(NFNL_MSG_BATCH_BEGIN), ...requests, frame(NFNL_MSG_BATCH_END)]);
}

/** undefined when the kernel answers with one of these errors. */
export function unless<T>(codes: readonly string[], body: () => T): T | undefined {
  try {
    return body();
  } catch (error) {
    if (error instanceof SysError && codes.includes(error.code)) return undefined;
    throw error;
  }
}

/** What is in a table, by name only. */
export interface TableContents {
  chains: readonly string[];
  /** Sets and maps that have a name. */
  sets: readonly { name: string; isMap: boolean }[];
  /** How many rules stand in the chain that was asked for. */
  userRules: number;
}

/** undefined when there is no such table in family inet. Costs what the table's chains and sets are, not their elements. */
export function tableContents(socket: NetlinkSocket, table: string, userChain: string): TableContents | undefined {
  const header = nfHeader(NFPROTO.inet);
  const ask = { what: 'look for table', type: nftMessage(NFT_MSG.getTable), header };
  const found = unless(['ENOENT'], () => socket.transact([{ ...ask, attributes: [text(NFTA_TABLE_NAME, table)] }]));
  if (found === undefined) return undefined;
  const list = (what: string, operation: number, attributes: Attribute[]): Map<number, Buffer>[] =>
    // The dump's filter is a hint that some kernels ignore.
    (unless(['ENOENT'], () => socket.transact([dump(what, nftMessage(operation), header, attributes)])) ?? [])
      .map(({ payload }) => decodeAttributes(payload.subarray(4)))
      .filter((decoded) => readText(decoded.get(1)) === table);
  const chains = list('list chains', NFT_MSG.getChain, []).map((chain) => readText(chain.get(NFTA_CHAIN.name)));
  const sets = list('list sets', NFT_MSG.getSet, [text(NFTA_SET.table, table)]).flatMap((set) => {
    const flags = set.get(NFTA_SET.flags)?.readUInt32BE(0) ?? 0;
    return flags & NFT_SET_ANONYMOUS
      ? []
      : [{ name: readText(set.get(NFTA_SET.name)), isMap: (flags & NFT_SET_MAP) !== 0 }];
  });
  const rules = list('list rules', NFT_MSG.getRule, [text(NFTA_RULE.table, table), text(NFTA_RULE.chain, userChain)]);
  const userRules = rules.filter((rule) => readText(rule.get(NFTA_RULE.chain)) === userChain).length;
  return { chains, sets, userRules };
}

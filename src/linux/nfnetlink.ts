/**
 * Rules in the tables of iptables, written as iptables-nft itself writes them, over raw nfnetlink
 * (linux/netfilter/nf_tables.h). A native `masquerade` in `table ip nat` makes iptables-nft 1.8 refuse to list the whole
 * table; the compat expression `target MASQUERADE` is listed as any rule of its own. 0.9 ms a rule.
 *
 *     struct nfgenmsg:  0  u8 family    1  u8 version 0    2  u16 resource, network byte order
 *
 * Every rule carries userdata of a type that iptables and nft skip, with the daemon's name: so a daemon finds exactly its
 * own rules again after a crash. A rule can be deleted only by the handle that the kernel gave it, so handles are
 * read back; nothing is decided by what a rule says.
 */
import type { CompatRule } from '../firewall/firewall.ts';
import { SysError } from './libc.ts';
import { expressions, nested, NF_ACCEPT } from './nft-expressions.ts';
import { decodeAttributes, NLM_F_APPEND, NLM_F_CREATE, raw, readText, text, u32be } from './netlink/message.ts';
import type { Attribute } from './netlink/message.ts';
import { dump, NETLINK_NETFILTER, openNetlink } from './netlink/socket.ts';
import type { NetlinkSocket, Request } from './netlink/socket.ts';

const NFNL_SUBSYS_NFTABLES = 10;
const NFNL_MSG_BATCH_BEGIN = 16;
const NFNL_MSG_BATCH_END = 17;
const NEWTABLE = 0;
const DELTABLE = 2;
const NEWCHAIN = 3;
const GETCHAIN = 4;
const DELCHAIN = 5;
const NEWRULE = 6;
const GETRULE = 7;
const DELRULE = 8;
const NFPROTO = { 4: 2, 6: 10 } as const;
const NFTA_TABLE_NAME = 1;
const NFTA_CHAIN = { table: 1, name: 3, hook: 4, policy: 5, type: 7, userdata: 12 } as const;
const NFTA_RULE = { table: 1, chain: 2, handle: 3, expressions: 4, userdata: 7 } as const;
/** Refuse to delete what is not empty; without it the contents, other programs' rules, would go too. */
const NLM_F_NONREC = 0x100;
/** Userdata is a list of (u8 type, u8 length, bytes); nft and iptables know types 0 to 2. */
const USERDATA_OWNER = 0xbe;

interface BaseChain {
  family: 4 | 6;
  table: string;
  chain: string;
  type: string;
  /** NF_INET_FORWARD = 2, NF_INET_POST_ROUTING = 4. */
  hook: number;
  /** As iptables-nft makes them: filter 0, srcnat 100. */
  priority: number;
}

const CHAINS: readonly BaseChain[] = ([4, 6] as const).flatMap((family): BaseChain[] => [
  { family, table: 'nat', chain: 'POSTROUTING', type: 'nat', hook: 4, priority: 100 },
  { family, table: 'filter', chain: 'FORWARD', type: 'filter', hook: 2, priority: 0 },
]);

function chainOf(rule: CompatRule): BaseChain {
  const family = rule.kind === 'masquerade' ? (rule.subnet.includes(':') ? 6 : 4) : rule.family;
  const table = rule.kind === 'masquerade' ? 'nat' : 'filter';
  const chain = CHAINS.find((one) => one.family === family && one.table === table);
  if (!chain) throw new Error(`no chain for ${rule.kind}`);
  return chain;
}

/** Makes the rules marked with `owner` exactly `rules`, in one transaction; chains that nobody uses any more go. */
export function setCompatRules(socket: NetlinkSocket, owner: string, rules: readonly CompatRule[]): void {
  const requests: Request[] = [];
  for (const base of CHAINS) {
    const wanted = rules.filter((rule) => chainOf(rule) === base);
    const old = ownHandles(socket, base, owner);
    if (wanted.length > 0) requests.push(...makeChain(socket, base));
    for (const handle of old) requests.push(deleteRule(base, handle));
    for (const rule of wanted) requests.push(addRule(base, rule, owner));
  }
  if (requests.length > 0) transaction(socket, requests);
  for (const base of CHAINS) {
    if (!rules.some((rule) => chainOf(rule) === base)) removeOwnChain(socket, base);
  }
}

function transaction(socket: NetlinkSocket, requests: readonly Request[]): void {
  const frame = (type: number): Request => ({
    what: 'transaction',
    type,
    header: header(0, NFNL_SUBSYS_NFTABLES),
    silent: true,
  });
  socket.transact([frame(NFNL_MSG_BATCH_BEGIN), ...requests, frame(NFNL_MSG_BATCH_END)]);
}

function header(family: number, resource: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes[0] = family;
  bytes.writeUInt16BE(resource, 2);
  return bytes;
}

function request(base: BaseChain, what: string, operation: number, attributes: Attribute[], flags = 0): Request {
  return {
    what: `${what} (table ${base.family === 4 ? 'ip' : 'ip6'} ${base.table})`,
    type: (NFNL_SUBSYS_NFTABLES << 8) | operation,
    flags,
    header: header(NFPROTO[base.family], 0),
    attributes,
  };
}

const userdata = (owner: string): Buffer => {
  const bytes = Buffer.from(owner);
  return Buffer.concat([Buffer.of(USERDATA_OWNER, bytes.length), bytes]);
};

function makeChain(socket: NetlinkSocket, base: BaseChain): Request[] {
  // A chain that is there belongs to its maker, who may have given it another policy.
  if (chainUserdata(socket, base) !== undefined) return [];
  return [
    request(base, 'create table', NEWTABLE, [text(NFTA_TABLE_NAME, base.table)], NLM_F_CREATE),
    request(
      base,
      `create chain ${base.chain}`,
      NEWCHAIN,
      [
        text(NFTA_CHAIN.table, base.table),
        text(NFTA_CHAIN.name, base.chain),
        nested(NFTA_CHAIN.hook, [u32be(1, base.hook), u32be(2, base.priority)]),
        u32be(NFTA_CHAIN.policy, NF_ACCEPT),
        text(NFTA_CHAIN.type, base.type),
        raw(NFTA_CHAIN.userdata, userdata('berth')),
      ],
      NLM_F_CREATE,
    ),
  ];
}

/** undefined when there is no such chain; empty when its maker left none. */
function chainUserdata(socket: NetlinkSocket, base: BaseChain): Buffer | undefined {
  const attributes = [text(NFTA_CHAIN.table, base.table), text(NFTA_CHAIN.name, base.chain)];
  const answers = ignoring(['ENOENT'], () => socket.transact([request(base, 'look for chain', GETCHAIN, attributes)]));
  const [answer] = answers ?? [];
  return answer && (decodeAttributes(answer.payload.subarray(4)).get(NFTA_CHAIN.userdata) ?? Buffer.alloc(0));
}

/** Deletes chain and table when Berth made the chain and nobody has put anything in. */
function removeOwnChain(socket: NetlinkSocket, base: BaseChain): void {
  if (!chainUserdata(socket, base)?.equals(userdata('berth'))) return;
  const chain = [text(NFTA_CHAIN.table, base.table), text(NFTA_CHAIN.name, base.chain)];
  ignoring(['EBUSY', 'ENOENT'], () => {
    transaction(socket, [request(base, 'delete chain', DELCHAIN, chain, NLM_F_NONREC)]);
    transaction(socket, [request(base, 'delete table', DELTABLE, [text(NFTA_TABLE_NAME, base.table)], NLM_F_NONREC)]);
  });
}

function ownHandles(socket: NetlinkSocket, base: BaseChain, owner: string): Buffer[] {
  const list = dump('list rules', (NFNL_SUBSYS_NFTABLES << 8) | GETRULE, header(NFPROTO[base.family], 0), [
    text(NFTA_RULE.table, base.table),
    text(NFTA_RULE.chain, base.chain),
  ]);
  const mark = userdata(owner);
  return (ignoring(['ENOENT'], () => socket.transact([list])) ?? []).flatMap(({ payload }) => {
    const attributes = decodeAttributes(payload.subarray(4));
    const handle = attributes.get(NFTA_RULE.handle);
    // A dump's filter is a hint that older kernels ignore.
    const here =
      readText(attributes.get(NFTA_RULE.table)) === base.table &&
      readText(attributes.get(NFTA_RULE.chain)) === base.chain;
    return here && handle && attributes.get(NFTA_RULE.userdata)?.equals(mark) ? [handle] : [];
  });
}

function deleteRule(base: BaseChain, handle: Buffer): Request {
  return request(base, 'delete rule', DELRULE, [
    text(NFTA_RULE.table, base.table),
    text(NFTA_RULE.chain, base.chain),
    raw(NFTA_RULE.handle, handle),
  ]);
}

function addRule(base: BaseChain, rule: CompatRule, owner: string): Request {
  // FORWARD may end in a reject of another firewall: there Berth's come first, as dockerd's do.
  const place = rule.kind === 'masquerade' ? NLM_F_APPEND : 0;
  return request(
    base,
    `add rule to ${base.chain}`,
    NEWRULE,
    [
      text(NFTA_RULE.table, base.table),
      text(NFTA_RULE.chain, base.chain),
      nested(NFTA_RULE.expressions, expressions(rule)),
      raw(NFTA_RULE.userdata, userdata(owner)),
    ],
    NLM_F_CREATE | place,
  );
}

function ignoring<T>(codes: readonly string[], body: () => T): T | undefined {
  try {
    return body();
  } catch (error) {
    if (error instanceof SysError && codes.includes(error.code)) return undefined;
    throw error;
  }
}

/** Opens its socket at the first call and keeps it. */
export function createNfnetlink(): (owner: string, rules: readonly CompatRule[]) => void {
  let socket: NetlinkSocket | undefined;
  return (owner, rules) => {
    socket ??= openNetlink(NETLINK_NETFILTER);
    setCompatRules(socket, owner, rules);
  };
}

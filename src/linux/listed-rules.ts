/**
 * Rules in the tables of iptables, written as iptables-nft itself writes them. A native `masquerade` in `table ip nat`
 * makes iptables-nft 1.8 refuse to list the whole table; the compat expression `target MASQUERADE` is listed as any rule of
 * its own.
 *
 * Every rule carries userdata of a type that iptables and nft skip, with the daemon's name: so a daemon finds exactly its
 * own rules again after a crash. A rule can be deleted only by the handle that the kernel gave it; the kernel tells it in
 * its echo when the rule is made, so that taking one rule away among a thousand needs no list of them.
 */
import { expressions, nested, NF_ACCEPT } from './nft-expressions.ts';
import type { ListedRule } from './nft-expressions.ts';
import { nfHeader, NFPROTO, NFT_MSG, NFTA_CHAIN, NFTA_RULE, NFTA_TABLE_NAME } from './nfnetlink.ts';
import { nftMessage, nftTransaction, unless } from './nfnetlink.ts';
import { decodeAttributes, NLM_F_APPEND, NLM_F_CREATE, raw, readText, text, u32be } from './netlink/message.ts';
import type { Attribute } from './netlink/message.ts';
import { dump } from './netlink/socket.ts';
import type { NetlinkSocket, Request } from './netlink/socket.ts';

const NLM_F_ECHO = 0x8;
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

function chainOf(rule: ListedRule): BaseChain {
  const family = rule.kind === 'source' ? (rule.subnet.includes(':') ? 6 : 4) : rule.family;
  const table = rule.kind === 'source' ? 'nat' : 'filter';
  const chain = CHAINS.find((one) => one.family === family && one.table === table);
  if (!chain) throw new Error(`no chain for ${rule.kind}`);
  return chain;
}

/** A rule that is there, as far as this process knows. */
export interface PlacedRule {
  rule: ListedRule;
  handle: Buffer;
}

/**
 * The kernel answers each request of a transaction, and the answers of some hundred no longer fit into the socket (ENOBUFS).
 */
const AT_ONCE = 64;

/**
 * Makes the rules marked with `owner` exactly `rules`; chains that nobody uses any more go. The new ones come before the old ones
 * go, so that at no time a packet leaves with a container's address.
 */
export function setListedRules(socket: NetlinkSocket, owner: string, rules: readonly ListedRule[]): PlacedRule[] {
  const old = CHAINS.flatMap((base) => ownHandles(socket, base, owner).map((handle) => deleteRule(base, handle)));
  const placed = slices(rules).flatMap((some) => changeListedRules(socket, owner, { add: some }));
  for (const some of slices(old)) nftTransaction(socket, some);
  for (const base of CHAINS) {
    if (!rules.some((rule) => chainOf(rule) === base)) removeOwnChain(socket, base);
  }
  return placed;
}

const slices = <T>(items: readonly T[]): T[][] =>
  Array.from({ length: Math.ceil(items.length / AT_ONCE) }, (_, index) =>
    items.slice(index * AT_ONCE, (index + 1) * AT_ONCE),
  );

export interface ListedChange {
  remove?: readonly PlacedRule[];
  add?: readonly ListedRule[];
  /** Other changes of nf_tables, carried out in the same transaction. */
  with?: readonly Request[];
}

/** One transaction, whose cost is that of the change. ENOENT: somebody has deleted what it builds on. */
export function changeListedRules(
  socket: NetlinkSocket,
  owner: string,
  { remove = [], add = [], with: others = [] }: ListedChange,
): PlacedRule[] {
  const requests = [
    ...[...new Set(add.map(chainOf))].flatMap((base) => makeChain(socket, base)),
    ...remove.map(({ rule, handle }) => deleteRule(chainOf(rule), handle)),
    ...add.map((rule) => addRule(socket, chainOf(rule), rule, owner)),
    ...others,
  ];
  if (requests.length === 0) return [];
  const handles = nftTransaction(socket, requests)
    .filter(({ type }) => type === nftMessage(NFT_MSG.newRule))
    .map(({ payload }) => decodeAttributes(payload.subarray(4)).get(NFTA_RULE.handle));
  return add.map((rule, index) => {
    const handle = handles[index];
    if (handle === undefined) throw new Error(`the kernel told ${handles.length} handles for ${add.length} rules`);
    return { rule, handle };
  });
}

function request(base: BaseChain, what: string, operation: number, attributes: Attribute[], flags = 0): Request {
  return {
    what: `${what} (table ${base.family === 4 ? 'ip' : 'ip6'} ${base.table})`,
    type: nftMessage(operation),
    flags,
    header: nfHeader(NFPROTO[base.family]),
    attributes,
  };
}

/** The userdata of an owner's rules. */
export const ruleOwner = (owner: string): Buffer => {
  const bytes = Buffer.from(owner);
  return Buffer.concat([Buffer.of(USERDATA_OWNER, bytes.length), bytes]);
};

function makeChain(socket: NetlinkSocket, base: BaseChain): Request[] {
  // A chain that is there belongs to its maker, who may have given it another policy.
  if (chainUserdata(socket, base) !== undefined) return [];
  return [
    request(base, 'create table', NFT_MSG.newTable, [text(NFTA_TABLE_NAME, base.table)], NLM_F_CREATE),
    request(
      base,
      `create chain ${base.chain}`,
      NFT_MSG.newChain,
      [
        text(NFTA_CHAIN.table, base.table),
        text(NFTA_CHAIN.name, base.chain),
        nested(NFTA_CHAIN.hook, [u32be(1, base.hook), u32be(2, base.priority)]),
        u32be(NFTA_CHAIN.policy, NF_ACCEPT),
        text(NFTA_CHAIN.type, base.type),
        raw(NFTA_CHAIN.userdata, ruleOwner('berth')),
      ],
      NLM_F_CREATE,
    ),
  ];
}

/** undefined when there is no such chain; empty when its maker left none. */
function chainUserdata(socket: NetlinkSocket, base: BaseChain): Buffer | undefined {
  const attributes = [text(NFTA_CHAIN.table, base.table), text(NFTA_CHAIN.name, base.chain)];
  const ask = request(base, 'look for chain', NFT_MSG.getChain, attributes);
  const [answer] = unless(['ENOENT'], () => socket.transact([ask])) ?? [];
  return answer && (decodeAttributes(answer.payload.subarray(4)).get(NFTA_CHAIN.userdata) ?? Buffer.alloc(0));
}

/** Deletes chain and table when Berth made the chain and nobody has put anything in. */
function removeOwnChain(socket: NetlinkSocket, base: BaseChain): void {
  if (!chainUserdata(socket, base)?.equals(ruleOwner('berth'))) return;
  const chain = [text(NFTA_CHAIN.table, base.table), text(NFTA_CHAIN.name, base.chain)];
  const table = [text(NFTA_TABLE_NAME, base.table)];
  unless(['EBUSY', 'ENOENT'], () => {
    nftTransaction(socket, [request(base, 'delete chain', NFT_MSG.delChain, chain, NLM_F_NONREC)]);
    nftTransaction(socket, [request(base, 'delete table', NFT_MSG.delTable, table, NLM_F_NONREC)]);
  });
}

function ownHandles(socket: NetlinkSocket, base: BaseChain, owner: string): Buffer[] {
  const mark = ruleOwner(owner);
  return rulesOf(socket, base).flatMap((rule) => {
    const handle = rule.get(NFTA_RULE.handle);
    return handle && rule.get(NFTA_RULE.userdata)?.equals(mark) ? [handle] : [];
  });
}

/** The attributes of each rule. */
function rulesOf(socket: NetlinkSocket, base: BaseChain): Map<number, Buffer>[] {
  const list = dump('list rules', nftMessage(NFT_MSG.getRule), nfHeader(NFPROTO[base.family]), [
    text(NFTA_RULE.table, base.table),
    text(NFTA_RULE.chain, base.chain),
  ]);
  return (
    (unless(['ENOENT'], () => socket.transact([list])) ?? [])
      .map(({ payload }) => decodeAttributes(payload.subarray(4)))
      // A dump's filter is a hint that older kernels ignore.
      .filter(
        (rule) =>
          readText(rule.get(NFTA_RULE.table)) === base.table && readText(rule.get(NFTA_RULE.chain)) === base.chain,
      )
  );
}

function deleteRule(base: BaseChain, handle: Buffer): Request {
  return request(base, 'delete rule', NFT_MSG.delRule, [
    text(NFTA_RULE.table, base.table),
    text(NFTA_RULE.chain, base.chain),
    raw(NFTA_RULE.handle, handle),
  ]);
}

function addRule(socket: NetlinkSocket, base: BaseChain, rule: ListedRule, owner: string): Request {
  // FORWARD may end in a reject of another firewall: there Berth's comes first, as dockerd's do; but behind the administrator's.
  const before = rule.kind === 'accept-mark' ? userJump(socket, base) : undefined;
  const place = rule.kind === 'source' || before ? NLM_F_APPEND : 0;
  return request(
    base,
    `add rule to ${base.chain}`,
    NFT_MSG.newRule,
    [
      text(NFTA_RULE.table, base.table),
      text(NFTA_RULE.chain, base.chain),
      nested(NFTA_RULE.expressions, expressions(rule)),
      raw(NFTA_RULE.userdata, ruleOwner(owner)),
      ...(before ? [raw(NFTA_RULE.position, before)] : []),
    ],
    NLM_F_CREATE | NLM_F_ECHO | place,
  );
}

/** Handle of the rule that leads to DOCKER-USER, the chain that dockerd makes for the administrator's rules. */
function userJump(socket: NetlinkSocket, base: BaseChain): Buffer | undefined {
  const jump = rulesOf(socket, base).find((rule) => rule.get(NFTA_RULE.expressions)?.includes('DOCKER-USER\0'));
  return jump?.get(NFTA_RULE.handle);
}

/** Berth's own table, without its elements: the same text for every daemon with the same settings. Pure. */
import type { SetTypes } from '../../linux/nft-elements.ts';
import type { FirewallSettings } from '../firewall.ts';
import { ACCEPTED, hex, parseMark } from '../names.ts';

/** An administrator's own rules. Made when missing, never emptied. */
export const USER_CHAIN = 'berth-user';

interface Definition {
  kind: 'set' | 'map' | 'chain';
  name: string;
  lines: readonly string[];
}

const set = (name: string, type: string): Definition => ({ kind: 'set', name, lines: [`type ${type}`] });
const map = (name: string, type: string): Definition => ({ kind: 'map', name, lines: [`type ${type}`] });
const chain = (name: string, ...lines: string[]): Definition => ({ kind: 'chain', name, lines });

/** An identifier that nft's grammar takes without quotes. */
export const tableName = (instance: string): string =>
  instance.replaceAll(/[^A-Za-z0-9_-]/g, '_').replace(/^[^A-Za-z]/, 'b');

/** In an order in which each names only what stands before it. */
export function definitions({ directRouting, acceptMark }: Omit<FirewallSettings, 'instance'>): Definition[] {
  const mark = parseMark(acceptMark);
  const accepted =
    mark === undefined
      ? []
      : [
          mark.mask === 0xffff_ffff
            ? `meta mark ${hex(mark.value)} accept`
            : `meta mark & ${hex(mark.mask)} == ${hex(mark.value)} accept`,
        ];
  return [
    set('bridges', 'nf_proto . ifname'),
    set('hairpin', 'nf_proto . ifname . ifname'),
    set('trusted', 'nf_proto . ifname . ifname'),
    set('open4', 'ipv4_addr . inet_proto . inet_service'),
    set('open6', 'ipv6_addr . inet_proto . inet_service'),
    set('proxied4', 'ipv4_addr . inet_proto . inet_service'),
    set('proxied6', 'ipv6_addr . inet_proto . inet_service'),
    set('proxied-bridges', 'nf_proto . ifname . inet_proto . inet_service'),
    set('unlisted', 'nf_proto . ifname'),
    set('tunnel-ports', 'inet_service'),
    set('tunnel-hosts4', 'ipv4_addr . inet_service'),
    set('tunnel-hosts6', 'ipv6_addr . inet_service'),
    map('source-address4', 'ifname : ipv4_addr'),
    map('source-address6', 'ifname : ipv6_addr'),
    map('any-address4', 'inet_proto . inet_service : ipv4_addr . inet_service'),
    map('any-address6', 'inet_proto . inet_service : ipv6_addr . inet_service'),
    map('one-address4', 'ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service'),
    map('one-address6', 'ipv6_addr . inet_proto . inet_service : ipv6_addr . inet_service'),
    map('within', 'nf_proto . ifname . ifname : verdict'),
    map('leaving', 'nf_proto . ifname : verdict'),
    map('entering', 'nf_proto . ifname : verdict'),
    chain(
      'raw-prerouting',
      'type filter hook prerouting priority raw; policy accept;',
      // RFC 1122, 3.2.1.3: 127/8 never appears outside a host. The kernel itself sees to that unless route_localnet is on.
      'iifname != "lo" ip daddr 127.0.0.0/8 drop',
      'iifname != "lo" ip saddr 127.0.0.0/8 drop',
    ),
    chain(
      'translate',
      'dnat ip to ip daddr . meta l4proto . th dport map @one-address4',
      'meta nfproto ipv4 dnat ip to meta l4proto . th dport map @any-address4',
      // A link-local client means nothing behind another link; the proxy answers it.
      'ip6 saddr fe80::/10 return',
      'dnat ip6 to ip6 daddr . meta l4proto . th dport map @one-address6',
      'meta nfproto ipv6 dnat ip6 to meta l4proto . th dport map @any-address6',
    ),
    chain(
      'prerouting',
      'type nat hook prerouting priority dstnat; policy accept;',
      // hairpin.ts says why.
      'meta nfproto . iifname . meta l4proto . th dport @proxied-bridges return',
      'ip saddr . meta l4proto . th dport @proxied4 return',
      'ip6 saddr . meta l4proto . th dport @proxied6 return',
      'fib daddr type local jump translate',
    ),
    chain(
      'output',
      // nft 1.0.6 knows the name dstnat (-100) in prerouting only.
      'type nat hook output priority -100; policy accept;',
      'ip6 daddr ::1 return',
      'fib daddr type local jump translate',
    ),
    chain(
      'from-hosts',
      // A container may write any sender's address.
      'meta nfproto . iifname @bridges drop',
      'ip saddr . udp dport @tunnel-hosts4 return',
      'ip6 saddr . udp dport @tunnel-hosts6 return',
      'drop',
    ),
    chain(
      'to-hosts',
      'meta nfproto . iifname @bridges ip daddr . udp dport @tunnel-hosts4 drop',
      'meta nfproto . iifname @bridges ip6 daddr . udp dport @tunnel-hosts6 drop',
    ),
    chain(
      'input',
      'type filter hook input priority filter - 10; policy accept;',
      'udp dport @tunnel-ports jump from-hosts',
    ),
    chain(
      'published',
      'ip daddr . meta l4proto . th dport @open4 accept',
      'ip6 daddr . meta l4proto . th dport @open6 accept',
      'drop',
    ),
    chain('closed', 'ct status dnat goto published', 'drop'),
    chain(
      'to-nat',
      ...accepted,
      ...(directRouting
        ? ['goto published']
        : ['ct status dnat goto published', 'meta nfproto . iifname . oifname @trusted goto published', 'drop']),
    ),
    chain('to-routed', ...accepted, 'meta l4proto { icmp, ipv6-icmp } accept', 'goto published'),
    chain(
      'forward',
      'type filter hook forward priority filter - 10; policy accept;',
      // By this host they would come from an address that the other one trusts.
      'udp dport @tunnel-ports jump to-hosts',
      `jump ${USER_CHAIN}`,
      'ct state established,related accept',
      'meta nfproto . iifname . oifname vmap @within',
      'meta nfproto . iifname vmap @leaving',
      'meta nfproto . oifname vmap @entering',
    ),
    chain(
      'forward-mark',
      'type filter hook forward priority filter - 5; policy accept;',
      `meta nfproto . iifname @bridges meta mark set meta mark | ${hex(ACCEPTED)} return`,
      `meta nfproto . oifname @bridges meta mark set meta mark | ${hex(ACCEPTED)}`,
    ),
    chain(
      'postrouting-mark',
      'type filter hook postrouting priority mangle - 10; policy accept;',
      `meta mark & ${hex(ACCEPTED)} == ${hex(ACCEPTED)} meta mark set meta mark & ${hex(~ACCEPTED)}`,
    ),
    chain(
      'postrouting',
      'type nat hook postrouting priority srcnat - 1; policy accept;',
      'ct status dnat meta nfproto . iifname . oifname @hairpin masquerade',
      // From port to port of a bridge, by br_netfilter: such a packet has no incoming link here, and was not made by the host.
      'ct status dnat iif 0 meta nfproto . oifname @bridges fib saddr type != local masquerade',
      'ip saddr 127.0.0.0/8 meta nfproto . oifname @bridges masquerade',
      'meta nfproto . iifname . oifname @hairpin return',
      'meta nfproto ipv4 snat ip to iifname map @source-address4',
      'meta nfproto ipv6 snat ip6 to iifname map @source-address6',
      'meta nfproto . iifname @unlisted masquerade',
    ),
  ];
}

const TYPES: ReadonlyMap<string, SetTypes> = new Map(
  definitions({ directRouting: false, acceptMark: '' }).flatMap(({ kind, name, lines }) => {
    if (kind === 'chain') return [];
    const [key = '', value = ''] = (lines[0] ?? '').replace(/^type /, '').split(' : ');
    return [[name, { key: key.split(' . '), value: value === '' ? [] : value.split(' . ') }] as const];
  }),
);

export function setTypes(name: string): SetTypes {
  const types = TYPES.get(name);
  if (!types) throw new Error(`no set ${name}`);
  return types;
}

/** Names that earlier releases used in this table and this one does not: taken away with the rest. */
const RETIRED: readonly string[] = [];

export const ownNames = (): ReadonlySet<string> =>
  new Set([...RETIRED, ...definitions({ directRouting: false, acceptMark: '' }).map(({ name }) => name)]);

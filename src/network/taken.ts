/** Which subnets are somebody's already: networks', and the host's own. Pure. */
import { formatPrefix, overlaps, parsePrefix } from '../ipam/address.ts';
import type { Prefix } from '../ipam/address.ts';
import type { Survey } from './kernel.ts';
import type { NetworkRecord } from './records.ts';

export interface Taken {
  prefix: Prefix;
  /** For messages: 'network bridge', 'eth0 of this host'. */
  holder: string;
}

/** A record never changes: parsing its subnets once is enough, however many networks are made beside it. */
const parsed = new WeakMap<NetworkRecord, readonly Taken[]>();

function subnetsOf(network: NetworkRecord): readonly Taken[] {
  let subnets = parsed.get(network);
  if (!subnets) {
    subnets = network.subnets.flatMap(({ subnet }) => {
      const prefix = parsePrefix(subnet);
      return prefix ? [{ prefix, holder: `network ${network.name}` }] : [];
    });
    parsed.set(network, subnets);
  }
  return subnets;
}

/** Configuration-only networks have no subnets of their own: they lend them. */
export const takenByNetworks = (networks: readonly NetworkRecord[]): Taken[] =>
  networks.flatMap((network) => (network.configOnly ? [] : subnetsOf(network)));

/**
 * Addresses and routes of the host, except those on `ours`: bridges of networks that are counted by their records, or that
 * are just being removed.
 */
export function takenByHost(
  { links, addresses, routes }: Survey,
  ours: { marks: string; bridges: ReadonlySet<string> },
): Taken[] {
  const found: Taken[] = [];
  const note = (link: string, text: string): void => {
    // Most links with addresses are bridges of networks: the rest may be searched for one by one.
    if (ours.bridges.has(link)) return;
    if (links.find(({ name }) => name === link)?.alias.startsWith(ours.marks)) return;
    const prefix = parsePrefix(text);
    // A host's route to nowhere in particular (0.0.0.0/1 of a VPN) would take everything.
    if (prefix && prefix.length > 1) found.push({ prefix, holder: link === '' ? 'this host' : `${link} of this host` });
  };
  for (const { link, address } of addresses) note(link, address);
  for (const { link, destination } of routes) note(link, destination);
  return found;
}

export const firstOverlap = (taken: readonly Taken[], wanted: Prefix): Taken | undefined =>
  taken.find(({ prefix }) => overlaps(prefix, wanted));

/** For messages: who holds what, not longer than a line or two. */
export function describeTaken(taken: readonly Taken[]): string {
  const most = 20;
  const shown = taken.slice(0, most).map(({ prefix, holder }) => `${formatPrefix(prefix)} by ${holder}`);
  const rest = taken.length - most;
  return [...shown, ...(rest > 0 ? [`${rest} more`] : [])].join(', ');
}

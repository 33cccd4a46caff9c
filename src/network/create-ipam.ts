/** The subnets of a network that is made: asked for, or chosen; with gateway and reserved addresses. Pure. */
import type { SubnetConfig } from '../drivers/driver.ts';
import { forbidden, invalidParameter, notFound, system } from '../errors.ts';
import { formatAddress, formatPrefix, overlaps, parseAddress, parsePrefix } from '../ipam/address.ts';
import type { Prefix } from '../ipam/address.ts';
import { AddressPool } from '../ipam/pool.ts';
import { canCut, chooseSubnet, holdersOf, poolSources } from '../ipam/pools.ts';
import { familyOfConfig } from './check-ipam.ts';
import type { CreateContext } from './create.ts';
import type { IpamConfig } from './port.ts';
import { describeTaken, firstOverlap, takenByHost, takenByNetworks } from './taken.ts';
import type { Taken } from './taken.ts';

export interface Allocation extends Pick<CreateContext, 'settings' | 'networks' | 'survey' | 'marks' | 'globalId'> {
  networkName: string;
  driver: 'default' | 'null';
  /** Of the families that the network has. */
  config: readonly IpamConfig[];
  families: readonly (4 | 6)[];
  /** Families for which no address is kept for a gateway unless the user names one. */
  withoutGateway: { 4: boolean; 6: boolean };
}

/** Names among `--aux-address` by which Docker lets users say where containers send what leaves the subnet. */
export const DEFAULT_GATEWAY = { 4: 'DefaultGatewayIPv4', 6: 'DefaultGatewayIPv6' } as const;

const NOTHING: IpamConfig = { Subnet: '', IPRange: '', Gateway: '', AuxiliaryAddresses: {} };

export function knownIpamDriver(name: string): 'default' | 'null' {
  if (name === 'default' || name === 'null') return name;
  if (name === 'dhcp') {
    throw invalidParameter('the dhcp ipam driver is for networks of driver macvlan, and of ipvlan in mode l2');
  }
  throw notFound(`plugin "${name}" not found`);
}

export function allocateSubnets(wish: Allocation): SubnetConfig[] {
  if (wish.driver === 'null') {
    if (wish.config.length > 0) {
      throw invalidParameter('null ipam driver does not handle specific address pool requests');
    }
    return [];
  }
  const taken = takenByNetworks(wish.networks);
  return wish.families.flatMap((family) => {
    const asked = wish.config.filter((one) => familyOfConfig(one) === family);
    return (asked.length > 0 ? asked : [NOTHING]).map((config) => {
      const { prefix, configured } = chooseOrCheck(wish, family, config, taken);
      taken.push({ prefix, holder: `network ${wish.networkName}` });
      return subnetOf(wish, prefix, config, configured);
    });
  });
}

function chooseOrCheck(
  wish: Allocation,
  family: 4 | 6,
  { Subnet }: IpamConfig,
  taken: readonly Taken[],
): { prefix: Prefix; configured: boolean } {
  const wanted = parsePrefix(Subnet);
  // '0.0.0.0/24' and '::/64' ask for any subnet of that length.
  if (!wanted || wanted.base === 0n)
    return { prefix: choose(wish, family, wanted?.length ?? 0, taken), configured: false };
  const clash = firstOverlap(taken, wanted);
  if (clash) throw forbidden(overlapText(wish, wanted, clash, taken));
  return { prefix: wanted, configured: true };
}

const sourcesOf = ({ settings, globalId }: Allocation): ReturnType<typeof poolSources> =>
  poolSources(settings.defaultAddressPools, globalId);

function everythingTaken({ survey, networks, marks }: Allocation, taken: readonly Taken[]): Taken[] {
  const bridges = new Set(networks.map(({ bridge }) => bridge));
  return [...taken, ...takenByHost(survey, { marks, bridges })];
}

function choose(wish: Allocation, family: 4 | 6, size: number, taken: readonly Taken[]): Prefix {
  const sources = sourcesOf(wish);
  if (!canCut(sources, family, size)) throw invalidParameter('invalid address pool');
  const all = everythingTaken(wish, taken);
  const prefixes = all.map(({ prefix }) => prefix);
  const chosen = chooseSubnet(sources, family, prefixes, size);
  if (chosen) return chosen;
  const holders = describeTaken(holdersOf(sources, family, all));
  throw invalidParameter(`all predefined address pools have been fully subnetted: ${holders}`);
}

function overlapText(wish: Allocation, wanted: Prefix, clash: Taken, taken: readonly Taken[]): string {
  const prefixes = everythingTaken(wish, taken).map(({ prefix }) => prefix);
  const free = chooseSubnet(sourcesOf(wish), wanted.family, prefixes);
  return (
    'invalid pool request: Pool overlaps with other one on this address space: ' +
    `${formatPrefix(wanted)} overlaps ${formatPrefix(clash.prefix)} of ${clash.holder}` +
    (free ? `; ${formatPrefix(free)} is free` : '')
  );
}

/**
 * The gateway is what the user says, else the first address of the range, as Docker has it. The pool is thrown away: that of
 * the network is made from the record.
 */
function subnetOf(wish: Allocation, prefix: Prefix, config: IpamConfig, configured: boolean): SubnetConfig {
  const { family } = prefix;
  const range = parsePrefix(config.IPRange);
  const pool = new AddressPool(prefix, range ?? prefix);
  let gateway = '';
  const asked = parseAddress(config.Gateway);
  if (asked) {
    if (!pool.take(asked)) throw system(`failed to allocate gateway (${config.Gateway}): Address already in use`);
    gateway = formatAddress(asked);
  } else if (!wish.withoutGateway[family]) {
    const given = pool.allocate();
    if (!given) throw system('failed to allocate gateway (): no available addresses on this pool');
    gateway = formatAddress(given);
  }
  const auxiliary: Record<string, string> = {};
  for (const [name, text] of Object.entries(config.AuxiliaryAddresses)) {
    const address = parseAddress(text);
    if (!address || !pool.take(address)) {
      throw system(`failed to allocate secondary ip address (${name}:${text}): Address already in use`);
    }
    auxiliary[name] = formatAddress(address);
  }
  return {
    subnet: formatPrefix(prefix),
    range: range ? formatPrefix(range) : '',
    gateway,
    routeVia: auxiliary[DEFAULT_GATEWAY[family]] ?? gateway,
    auxiliary,
    configured,
  };
}

const LINK_LOCAL: Prefix = { family: 6, base: 0xfe80n << 112n, length: 64 };

/** What a driver with one bridge on the host makes of them. */
export function checkSubnets(
  driver: 'bridge' | 'overlay',
  { ipv4, ipv6, subnets }: { ipv4: boolean; ipv6: boolean; subnets: readonly SubnetConfig[] },
): void {
  if (!ipv4 && !ipv6) throw invalidParameter('IPv4 or IPv6 must be enabled');
  const prefixes = subnets.flatMap(({ subnet }) => parsePrefix(subnet) ?? []);
  const of = (family: 4 | 6): Prefix[] => prefixes.filter((prefix) => prefix.family === family);
  if (ipv4 && of(4).length === 0) throw invalidParameter('ipv4 pool is empty');
  if (ipv6 && of(6).length === 0) throw invalidParameter('ipv6 pool is empty');
  if (of(4).length > 1 || of(6).length > 1) {
    throw forbidden(`${driver} driver doesn't support multiple subnets`);
  }
  for (const prefix of of(6)) {
    const fault = ipv6SubnetFault(prefix);
    if (fault !== '') throw invalidParameter(fault);
  }
}

/** Why containers cannot have addresses of this IPv6 subnet, in libnetwork's words; '' when they can. */
export function ipv6SubnetFault(prefix: Prefix): string {
  const text = formatPrefix(prefix);
  if (prefix.base >> 32n === 0xffffn) return `'${text}' is not a valid IPv6 subnet`;
  // ff00::/8 (RFC 4291 section 2.7).
  if (prefix.base >> 120n === 0xffn) return `multicast subnet '${text}' is not allowed`;
  // The kernel gives every interface an address of fe80::/64; another length beside it would only confuse.
  if (overlaps(prefix, LINK_LOCAL) && (prefix.base !== LINK_LOCAL.base || prefix.length !== 64)) {
    return `'${text}' clashes with the Link-Local prefix 'fe80::/64'`;
  }
  return '';
}

/** The record of a new network of driver `macvlan` or `ipvlan`, and what its driver refuses. Pure. */
import { checkOptions as checkIpvlan, modeOf as ipvlanMode } from '../drivers/ipvlan/options.ts';
import { checkOptions as checkMacvlan, hasShim, HOST_SHIM, HOST_SHIM_ADDRESS } from '../drivers/macvlan/options.ts';
import { modeOf as macvlanMode, shimAddresses } from '../drivers/macvlan/options.ts';
import type { SubnetConfig } from '../drivers/driver.ts';
import { askedParent, parseVlan } from '../drivers/parent-link.ts';
import { forbidden, invalidParameter, notFound } from '../errors.ts';
import { contains, formatAddress, parseAddress, parseInterface, parsePrefix } from '../ipam/address.ts';
import { poolOf } from './addresses.ts';
import { familyOfConfig } from './check-ipam.ts';
import { checkLeased } from './create-dhcp.ts';
import { allocateSubnets, ipv6SubnetFault, knownIpamDriver } from './create-ipam.ts';
import type { CreateContext, Creation, Wish } from './create.ts';
import type { HostLink } from './kernel.ts';
import type { NetworkRecord } from './records.ts';

type Kind = 'macvlan' | 'ipvlan';

/** The order is dockerd's: addresses, options, who else is on the parent, the parent itself. */
export function sublinkNetwork(kind: Kind, { base, ipamDriver, config }: Wish, context: CreateContext): Creation {
  const { ipv4, ipv6, options } = base;
  if (ipamDriver === 'dhcp') return leasedNetwork(kind, { base, ipamDriver, config }, context);
  const driver = knownIpamDriver(ipamDriver);
  const used = config.filter((one) => (familyOfConfig(one) === 6 ? ipv6 : ipv4));
  const allocated = allocateSubnets({
    ...context,
    networkName: base.name,
    driver,
    config: used,
    families: [...(ipv4 ? [4 as const] : []), ...(ipv6 ? [6 as const] : [])],
    // The router is a machine of the LAN: there is none unless the user names it.
    withoutGateway: { 4: true, 6: true },
  });
  checkSubnets({ ipv4, ipv6, subnets: allocated });
  checkOptions(kind, options);
  const parent = parentFor(kind, base, context);
  const subnets = allocated
    .map((subnet) => ({ ...subnet, routeVia: routeVia(kind, options, subnet) }))
    .map((subnet) => withoutHost(subnet, parent.link, context));
  const shim = kind === 'macvlan' && hasShim(options) ? shimFor(options, subnets) : undefined;
  return {
    network: {
      ...base,
      driver: kind,
      ipam: { ...base.ipam, driver },
      subnets: shim?.subnets ?? subnets,
      options: shim ? { ...options, [HOST_SHIM_ADDRESS]: shim.addresses.join(',') } : options,
      mac: shim ? context.mac : '',
      ...(parent.made && { madeParent: true }),
    },
    warning: [...parent.warnings, ...ownGateways(subnets, shim !== undefined)].join('; '),
  };
}

/** Its containers' addresses are the LAN's to give. */
function leasedNetwork(kind: Kind, wish: Wish, context: CreateContext): Creation {
  const { base, ipamDriver } = wish;
  checkOptions(kind, base.options);
  checkLeased(kind, wish);
  if (kind === 'macvlan' && hasShim(base.options)) throw invalidParameter(`${HOST_SHIM} is for networks with a subnet`);
  const parent = parentFor(kind, base, context);
  return {
    network: {
      ...base,
      driver: kind,
      ipam: { ...base.ipam, driver: ipamDriver },
      ...(parent.made && { madeParent: true }),
    },
    warning: parent.warnings.join('; '),
  };
}

function checkOptions(kind: Kind, options: NetworkRecord['options']): void {
  if (kind === 'macvlan') checkMacvlan(options);
  else checkIpvlan(options);
}

function checkSubnets({ ipv4, ipv6, subnets }: Pick<NetworkRecord, 'ipv4' | 'ipv6' | 'subnets'>): void {
  const prefixes = subnets.flatMap(({ subnet }) => parsePrefix(subnet) ?? []);
  if (ipv4 && !prefixes.some(({ family }) => family === 4)) throw invalidParameter('ipv4 pool is empty');
  if (ipv6 && !prefixes.some(({ family }) => family === 6)) throw invalidParameter('ipv6 pool is empty');
  for (const prefix of prefixes) {
    const fault = prefix.family === 6 ? ipv6SubnetFault(prefix) : '';
    if (fault !== '') throw invalidParameter(fault);
  }
}

/** In the routed modes the link itself leads out, and nothing does where there is no parent. */
function routeVia(kind: Kind, options: NetworkRecord['options'], { subnet, gateway }: SubnetConfig): string {
  if (askedParent(options) === '') return '';
  if (kind === 'ipvlan' && ipvlanMode(options) !== 'l2') return subnet.includes(':') ? '::' : '0.0.0.0';
  return gateway;
}

interface Parent {
  /** undefined where it is made with the network. */
  link: HostLink | undefined;
  /** A VLAN's link of this daemon's. */
  made: boolean;
  warnings: string[];
}

function parentFor(kind: Kind, base: NetworkRecord, { networks, survey, marks }: CreateContext): Parent {
  const name = askedParent(base.options);
  if (name === '') return { link: undefined, made: false, warnings: [] };
  const others = networks.filter(
    ({ driver, options, configOnly }) =>
      (driver === 'macvlan' || driver === 'ipvlan') && !configOnly && askedParent(options) === name,
  );
  for (const other of others) if (other.driver === kind) checkShared(kind, name, base, other);
  const rival = others.find(({ driver }) => driver !== kind);
  const warnings = rival
    ? [
        `network ${rival.name} of driver ${rival.driver} stands on ${name}, too: only one of both can have running containers`,
      ]
    : [];
  const link = survey.links.find((one) => one.name === name);
  const wire = link ?? wireOf(name, survey.links);
  if (!wire.up) warnings.push(`${wire.name} is down: nothing reaches the containers until it is up`);
  if (!link) return { link, made: true, warnings };
  if (link.master !== '') {
    warnings.push(
      `${name} is a port of ${link.master}: containers will not start until it is none, or with parent=${link.master}`,
    );
  }
  return { link, made: link.kind === 'vlan' && link.alias.startsWith(marks), warnings };
}

/** Several macvlan networks may stand on one link; not so of ipvlan, nor where one takes all of it. dockerd's words. */
function checkShared(kind: Kind, parent: string, base: NetworkRecord, other: NetworkRecord): void {
  if (kind === 'ipvlan') {
    throw forbidden(`network di-${other.id.slice(0, 12)} is already using parent interface ${parent}`);
  }
  if (macvlanMode(base.options) === 'passthru') {
    throw forbidden(
      `cannot use mode passthru, macvlan network ${other.id} is already using parent interface ${parent}`,
    );
  }
  if (macvlanMode(other.options) === 'passthru') {
    throw forbidden(`macvlan network ${other.id} is already using parent interface ${parent} in mode passthru`);
  }
}

/** The link that carries the VLAN of this name. */
function wireOf(name: string, links: readonly HostLink[]): HostLink {
  const vlan = parseVlan(name);
  if (typeof vlan === 'string') throw invalidParameter(vlan);
  const wire = links.find((one) => one.name === vlan.parent);
  if (!wire) throw notFound(`-o parent interface was not found on the host: ${vlan.parent}`);
  if (vlan.id < 1 || vlan.id > 4094) throw invalidParameter(`vlan id must be between 1-4094, received: ${vlan.id}`);
  return wire;
}

/** Docker hands the host's own address to a container; then both are cut off. */
function withoutHost(subnet: SubnetConfig, parent: HostLink | undefined, { survey }: CreateContext): SubnetConfig {
  const prefix = parsePrefix(subnet.subnet);
  const own = survey.addresses.flatMap(({ link, address }) => {
    const parsed = link === parent?.name ? parseInterface(address)?.address : undefined;
    return parsed && prefix && contains(prefix, parsed) ? [formatAddress(parsed)] : [];
  });
  return own.length > 0 ? { ...subnet, reserved: own } : subnet;
}

function ownGateways(subnets: readonly SubnetConfig[], shim: boolean): string[] {
  if (shim) return [];
  return subnets.flatMap(({ gateway, reserved = [] }) =>
    gateway !== '' && reserved.includes(gateway)
      ? [`gateway ${gateway} is this host's own address, which containers on its link do not reach`]
      : [],
  );
}

/** The address that was asked for, else the first that is free: one of each family that the network has. */
function shimFor(
  options: NetworkRecord['options'],
  subnets: readonly SubnetConfig[],
): { addresses: string[]; subnets: SubnetConfig[] } {
  const asked = shimAddresses(options).flatMap((text) => parseAddress(text) ?? []);
  const addresses: string[] = [];
  const result = [...subnets];
  for (const family of [4, 6] as const) {
    const wish = asked.find((address) => address.family === family);
    const at = result.findIndex(({ subnet }) => {
      const prefix = parsePrefix(subnet);
      return prefix?.family === family && (!wish || contains(prefix, wish));
    });
    const subnet = result[at];
    if (!subnet) {
      if (wish) throw invalidParameter(`${HOST_SHIM_ADDRESS}: ${formatAddress(wish)} is in no subnet of the network`);
      continue;
    }
    const pool = poolOf(subnet);
    const address = wish ?? pool.allocate();
    if (!address || (wish && !pool.take(wish))) {
      throw forbidden(
        `${HOST_SHIM_ADDRESS}: ${wish ? `${formatAddress(wish)} is taken` : `no address is free in ${subnet.subnet}`}`,
      );
    }
    addresses.push(formatAddress(address));
    result[at] = { ...subnet, reserved: [...(subnet.reserved ?? []), formatAddress(address)] };
  }
  if (addresses.length === 0) throw invalidParameter(`${HOST_SHIM} is for networks with a subnet`);
  return { addresses, subnets: result };
}

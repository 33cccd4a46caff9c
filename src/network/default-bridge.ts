/**
 * The network `bridge`: which link and which subnets it gets, from the daemon's flags and a survey of the host. Pure. What
 * each flag decides: daemon/daemon_unix.go of moby, getDefaultBridgeIPAMConf().
 */
import * as option from '../drivers/bridge/options.ts';
import type { SubnetConfig } from '../drivers/driver.ts';
import { conflict, invalidParameter, unavailable } from '../errors.ts';
import {
  contains,
  formatAddress,
  formatPrefix,
  overlaps,
  parseAddress,
  parseInterface,
  parsePrefix,
} from '../ipam/address.ts';
import type { Address, Prefix } from '../ipam/address.ts';
import { chooseSubnet, DEFAULT_POOLS, encloses, holdersOf, poolSources } from '../ipam/pools.ts';
import { DEFAULT_GATEWAY } from './create-ipam.ts';
import type { PredefinedContext } from './predefined.ts';
import type { NetworkRecord } from './records.ts';
import type { NetworkSettings } from './settings.ts';
import { describeTaken, firstOverlap, takenByHost, takenByNetworks } from './taken.ts';
import type { Taken } from './taken.ts';

export function defaultBridge(context: PredefinedContext, globalId: string): NetworkRecord {
  const { settings, stored, randomHex, now, log } = context;
  const before = stored.find((record) => record.name === 'bridge');
  const foreignBridge = settings.bridge !== '';
  const bridge = foreignBridge ? existingBridge(context) : ownBridge(context, before?.bridge);
  if (!foreignBridge && bridge !== 'docker0' && before?.bridge !== bridge) {
    log.warn(`docker0 belongs to someone else: the default bridge is ${bridge}`);
  }
  const chooser: Chooser = { context, globalId, bridge, foreignBridge, taken: takenBy(context, bridge), before };
  const families = settings.ipv6 ? ([4, 6] as const) : ([4] as const);
  return {
    id: before?.id ?? randomHex(32),
    name: 'bridge',
    driver: 'bridge',
    created: before?.created ?? now,
    ipv4: true,
    ipv6: settings.ipv6,
    internal: false,
    attachable: false,
    configOnly: false,
    configFrom: '',
    ipam: { driver: 'default', options: null },
    subnets: families.map((family) => subnetOf(chooser, family)),
    options: {
      [option.DEFAULT_BRIDGE]: 'true',
      [option.ENABLE_ICC]: String(settings.icc),
      [option.ENABLE_MASQUERADE]: String(settings.ipMasq),
      [option.HOST_BINDING]: settings.ip,
      [option.BRIDGE_NAME]: bridge,
      [option.DRIVER_MTU]: String(settings.mtu || option.DEFAULT_MTU),
    },
    labels: {},
    // 02: locally administered, unicast. Fixed, so that neighbours need not learn it anew with every port.
    mac: before?.mac || `02:42:${randomHex(4).replace(/(..)(?!$)/g, '$1:')}`,
    bridge,
    foreignBridge,
  };
}

/** The bridge of the last run when it is there and ours; else the first of docker0, docker1… that nobody has. */
function ownBridge({ survey, owner }: PredefinedContext, before: string | undefined): string {
  const mine = survey.links.find(({ kind, alias }) => kind === 'bridge' && alias === owner);
  if (mine) return mine.name;
  const taken = new Set(survey.links.map(({ name }) => name));
  if (before !== undefined && !taken.has(before)) return before;
  let number = 0;
  while (taken.has(`docker${number}`)) number++;
  return `docker${number}`;
}

function existingBridge({ settings, survey }: PredefinedContext): string {
  const link = survey.links.find(({ name }) => name === settings.bridge);
  if (!link) throw invalidParameter(`bridge device with non default name ${settings.bridge} must be created manually`);
  if (link.kind !== 'bridge') throw invalidParameter(`existing interface ${settings.bridge} is not a bridge`);
  return link.name;
}

/** User-defined networks keep their subnets over a restart, whether their bridges are there yet or not. */
function takenBy({ survey, stored, owner }: PredefinedContext, bridge: string): Taken[] {
  const others = stored.filter(({ name }) => name !== 'bridge');
  const bridges = new Set([bridge, ...others.map((network) => network.bridge)]);
  const marks = owner.slice(0, owner.indexOf(':') + 1);
  return [...takenByNetworks(others), ...takenByHost(survey, { marks, bridges })];
}

interface Chooser {
  context: PredefinedContext;
  globalId: string;
  bridge: string;
  foreignBridge: boolean;
  taken: readonly Taken[];
  /** The network of the last run. */
  before: NetworkRecord | undefined;
}

interface FamilySettings {
  bip: string;
  fixedCidr: string;
  defaultGateway: string;
  /** Names of the flags, for messages. */
  flags: { bip: string; fixedCidr: string };
}

const familySettings = (settings: NetworkSettings, family: 4 | 6): FamilySettings =>
  family === 4
    ? {
        bip: settings.bip,
        fixedCidr: settings.fixedCidr,
        defaultGateway: settings.defaultGateway,
        flags: { bip: '--bip', fixedCidr: '--fixed-cidr' },
      }
    : {
        bip: settings.bip6,
        fixedCidr: settings.fixedCidr6,
        defaultGateway: settings.defaultGateway6,
        flags: { bip: '--bip6', fixedCidr: '--fixed-cidr-v6' },
      };

/** A subnet, and the bridge's own address in it. */
interface Place {
  prefix: Prefix;
  gateway: Address;
}

function subnetOf(chooser: Chooser, family: 4 | 6): SubnetConfig {
  const wanted = familySettings(chooser.context.settings, family);
  const fixed = wanted.fixedCidr === '' ? undefined : parsePrefix(wanted.fixedCidr);
  const { prefix, gateway } =
    givenPlace(chooser, wanted) ??
    foreignPlace(chooser, family, fixed) ??
    keptPlace(chooser, family, fixed) ??
    chosenPlace(chooser, family, fixed);
  const range = rangeOf(chooser, prefix, fixed, wanted);
  const via = wanted.defaultGateway;
  const address = parseAddress(via);
  if (address && !contains(prefix, address)) {
    throw invalidParameter(`default gateway ${via} is not in the network ${formatPrefix(prefix)}`);
  }
  return {
    subnet: formatPrefix(prefix),
    range,
    gateway: formatAddress(gateway),
    routeVia: address ? formatAddress(address) : formatAddress(gateway),
    auxiliary: address ? { [DEFAULT_GATEWAY[family]]: formatAddress(address) } : {},
    configured: false,
  };
}

/** --bip: the user decides, but not against what is there. */
function givenPlace({ taken }: Chooser, { bip, flags }: FamilySettings): Place | undefined {
  if (bip === '') return undefined;
  const parsed = parseInterface(bip);
  if (!parsed) throw invalidParameter(`invalid ${flags.bip}: ${bip}`);
  const clash = firstOverlap(taken, parsed.prefix);
  if (clash) throw conflict(`${flags.bip} ${bip} overlaps ${formatPrefix(clash.prefix)} of ${clash.holder}`);
  return { prefix: parsed.prefix, gateway: parsed.address };
}

/** --bridge: the first of its addresses, one that fits --fixed-cidr before others. */
function foreignPlace(chooser: Chooser, family: 4 | 6, fixed: Prefix | undefined): Place | undefined {
  if (!chooser.foreignBridge) return undefined;
  const places = chooser.context.survey.addresses.flatMap(({ link, address }): Place[] => {
    const parsed = link === chooser.bridge ? parseInterface(address) : undefined;
    if (parsed?.prefix.family !== family) return [];
    // fe80::/10 is no subnet to hand addresses out of.
    if (family === 6 && parsed.prefix.base >> 118n === 0x3fan) return [];
    return [{ prefix: parsed.prefix, gateway: parsed.address }];
  });
  return (
    (fixed && places.find(({ prefix }) => encloses(prefix, fixed))) ??
    (fixed && places.find(({ gateway }) => contains(fixed, gateway))) ??
    places[0]
  );
}

/** The subnet of the last run, so that running containers keep theirs; --fixed-cidr may name its own. */
function keptPlace(
  { before, foreignBridge, taken }: Chooser,
  family: 4 | 6,
  fixed: Prefix | undefined,
): Place | undefined {
  const last = before?.subnets.find(({ subnet }) => subnet.includes(':') === (family === 6));
  const prefix = last && parsePrefix(last.subnet);
  const gateway = last && parseAddress(last.gateway);
  if (!prefix || !gateway || foreignBridge || firstOverlap(taken, prefix)) return undefined;
  return fixed && !encloses(prefix, fixed) ? undefined : { prefix, gateway };
}

function chosenPlace(chooser: Chooser, family: 4 | 6, fixed: Prefix | undefined): Place {
  const { context, bridge, taken, globalId } = chooser;
  const place = (prefix: Prefix): Place => ({ prefix, gateway: { family, value: prefix.base + 1n } });
  if (fixed) {
    const subnet = fixedSubnet(fixed, taken);
    if (subnet) return place(subnet);
  }
  const sources = poolSources(context.settings.defaultAddressPools, globalId);
  const chosen = chooseSubnet(
    sources,
    family,
    taken.map(({ prefix }) => prefix),
  );
  if (!chosen) {
    throw unavailable(
      `could not find an available, non-overlapping IPv${family} address pool among the defaults to assign to the network: ` +
        describeTaken(holdersOf(sources, family, taken)),
    );
  }
  const first = chooseSubnet(sources, family, []);
  if (!fixed && first && formatPrefix(first) !== formatPrefix(chosen)) {
    const clash = firstOverlap(taken, first);
    context.log.warn(
      `${formatPrefix(first)} is in use by ${clash?.holder ?? 'this host'}: ${bridge} takes ${formatPrefix(chosen)}`,
    );
  }
  return place(chosen);
}

/** The default pool that contains --fixed-cidr, or the range as a subnet of its own. */
function fixedSubnet(fixed: Prefix, taken: readonly Taken[]): Prefix | undefined {
  const free = (prefix: Prefix): Prefix | undefined => (firstOverlap(taken, prefix) ? undefined : prefix);
  for (const { base } of DEFAULT_POOLS) {
    const pool = parsePrefix(base);
    if (pool?.length === 16 && fixed.length > 16 && encloses(pool, fixed)) return free(pool);
  }
  return free(fixed);
}

function rangeOf(
  { context, foreignBridge, bridge }: Chooser,
  subnet: Prefix,
  fixed: Prefix | undefined,
  { fixedCidr, flags }: FamilySettings,
): string {
  if (!fixed) return '';
  if (encloses(subnet, fixed)) return formatPrefix(fixed);
  if (!foreignBridge) return overlaps(subnet, fixed) ? formatPrefix(subnet) : '';
  const text = `${flags.fixedCidr}=${fixedCidr} is outside any subnet implied by addresses on the user-managed default bridge`;
  if (fixed.family === 6) throw invalidParameter(text);
  // dockerd lets it pass for IPv4, as its earlier versions did.
  context.log.warn(text, { bridge });
  return '';
}

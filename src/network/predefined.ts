/**
 * The networks that every host has: bridge, host, none. Which bridge and which subnet the first one gets is decided here,
 * from a survey of the host; pure.
 */
import * as option from '../drivers/bridge/options.ts';
import type { SubnetConfig } from '../drivers/driver.ts';
import { conflict, invalidParameter, unavailable } from '../errors.ts';
import type { Logger } from '../log.ts';
import {
  contains,
  formatAddress,
  formatPrefix,
  overlaps,
  parseAddress,
  parseInterface,
  parsePrefix,
} from '../ipam/address.ts';
import type { Prefix } from '../ipam/address.ts';
import { chooseSubnet, DEFAULT_POOLS, uniqueLocalSubnet } from '../ipam/pools.ts';
import type { Survey } from './kernel.ts';
import type { NetworkRecord } from './records.ts';
import type { NetworkSettings } from './settings.ts';

export interface PredefinedContext {
  settings: NetworkSettings;
  /** The mark on the default bridge. */
  owner: string;
  survey: Survey;
  /** Records of an earlier run. */
  stored: readonly NetworkRecord[];
  /** Hex digits of so many random bytes. */
  randomHex: (this: void, bytes: number) => string;
  /** RFC 3339. */
  now: string;
  log: Logger;
}

export const isPredefined = (name: string): boolean => ['bridge', 'host', 'none', 'default'].includes(name);

export function predefinedNetworks(context: PredefinedContext): NetworkRecord[] {
  const records = [plain(context, 'host', 'host'), plain(context, 'none', 'null')];
  return context.settings.bridge === 'none' ? records : [bridgeNetwork(context), ...records];
}

function plain({ stored, randomHex, now }: PredefinedContext, name: string, driver: 'host' | 'null'): NetworkRecord {
  return {
    id: stored.find((record) => record.name === name)?.id ?? randomHex(32),
    name,
    driver,
    created: stored.find((record) => record.name === name)?.created ?? now,
    ipv4: true,
    ipv6: false,
    subnets: [],
    options: {},
    labels: {},
    mac: '',
    foreignBridge: false,
  };
}

function bridgeNetwork(context: PredefinedContext): NetworkRecord {
  const { settings, stored, randomHex, now, log } = context;
  const before = stored.find((record) => record.name === 'bridge');
  const id = before?.id ?? randomHex(32);
  const foreignBridge = settings.bridge !== '';
  const name = foreignBridge ? existingBridge(context) : bridgeName(context, before?.options[option.BRIDGE_NAME]);
  if (!foreignBridge && name !== 'docker0' && before?.options[option.BRIDGE_NAME] !== name) {
    log.warn(`docker0 belongs to someone else: the default bridge is ${name}`);
  }
  const subnets = foreignBridge ? subnetsOfBridge(context, name) : chooseSubnets(context, name, before);
  return {
    id,
    name: 'bridge',
    driver: 'bridge',
    created: before?.created ?? now,
    ipv4: true,
    ipv6: subnets.some(({ subnet }) => subnet.includes(':')),
    subnets,
    options: {
      [option.DEFAULT_BRIDGE]: 'true',
      [option.ENABLE_ICC]: String(settings.icc),
      [option.ENABLE_MASQUERADE]: String(settings.ipMasq),
      [option.HOST_BINDING]: settings.ip,
      [option.BRIDGE_NAME]: name,
      [option.DRIVER_MTU]: String(settings.mtu || option.DEFAULT_MTU),
    },
    labels: {},
    // 02: locally administered, unicast. Fixed, so that neighbours need not learn it anew with every port.
    mac: before?.mac || `02:42:${randomHex(4).replace(/(..)(?!$)/g, '$1:')}`,
    foreignBridge,
  };
}

/** The bridge of the last run when it is there and ours; else the first of docker0, docker1… that nobody has. */
function bridgeName({ survey, owner }: PredefinedContext, before: string | undefined): string {
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
  if (link.kind !== 'bridge') throw invalidParameter(`${settings.bridge} is no bridge`);
  return link.name;
}

function subnetsOfBridge({ settings, survey }: PredefinedContext, name: string): SubnetConfig[] {
  const subnets = survey.addresses.flatMap(({ link, address }): SubnetConfig[] => {
    const parsed = parseInterface(address);
    if (link !== name || !parsed) return [];
    const { family, base } = parsed.prefix;
    // fe80::/10 is no subnet to hand addresses out of.
    if (family === 6 && (!settings.ipv6 || base >> 118n === 0x3fan)) return [];
    return [subnetConfig(settings, parsed.prefix, formatAddress(parsed.address))];
  });
  const first = [4, 6].flatMap((family) => subnets.find(({ subnet }) => subnet.includes(':') === (family === 6)) ?? []);
  if (first.length === 0) throw invalidParameter(`bridge ${name} has no IPv4 address`);
  return first;
}

function chooseSubnets(context: PredefinedContext, name: string, before: NetworkRecord | undefined): SubnetConfig[] {
  const { settings, survey, randomHex, log } = context;
  const others = othersPrefixes(survey, name);
  const result: SubnetConfig[] = [];
  if (settings.bip !== '') {
    const wanted = parseInterface(settings.bip);
    if (!wanted) throw invalidParameter(`invalid --bip: ${settings.bip}`);
    const clash = others.find(({ prefix }) => overlaps(prefix, wanted.prefix));
    if (clash) {
      throw conflict(
        `--bip ${settings.bip} overlaps ${formatPrefix(clash.prefix)} on ${clash.link || 'a route'} of this host`,
      );
    }
    result.push(subnetConfig(settings, wanted.prefix, formatAddress(wanted.address)));
  } else {
    const last = before?.subnets.find(({ subnet }) => !subnet.includes(':'));
    const lastPrefix = last && parsePrefix(last.subnet);
    const sources = settings.defaultAddressPools.length > 0 ? settings.defaultAddressPools : DEFAULT_POOLS;
    const fixed = settings.fixedCidr === '' ? undefined : parsePrefix(settings.fixedCidr);
    const free = (prefix: Prefix): boolean => !others.some((other) => overlaps(other.prefix, prefix));
    // The subnet of the last run, so that running containers keep theirs; --fixed-cidr may name its own.
    const kept = lastPrefix && free(lastPrefix) && (!fixed || overlaps(lastPrefix, fixed)) ? lastPrefix : undefined;
    const taken = others.map(({ prefix }) => prefix);
    const chosen = kept ?? (fixed && fixedSubnet(fixed, free)) ?? chooseSubnet(sources, 4, taken);
    if (!chosen) {
      throw unavailable(
        'could not find an available, non-overlapping IPv4 address pool among the defaults to assign to the network',
      );
    }
    const first = chooseSubnet(sources, 4, []);
    if (!kept && !fixed && first && formatPrefix(first) !== formatPrefix(chosen)) {
      const clash = others.find(({ prefix }) => overlaps(prefix, first));
      log.warn(
        `${formatPrefix(first)} is in use on ${clash?.link || 'this host'}: ${name} takes ${formatPrefix(chosen)}`,
      );
    }
    const gateway = kept && last ? last.gateway : formatAddress({ family: 4, value: chosen.base + 1n });
    result.push(subnetConfig(settings, chosen, gateway));
  }
  if (settings.ipv6) result.push(chooseIpv6(settings, before, randomHex));
  return result;
}

/** The default pool that contains --fixed-cidr, or the range as a subnet of its own. */
function fixedSubnet(fixed: Prefix, free: (prefix: Prefix) => boolean): Prefix | undefined {
  for (const { base } of DEFAULT_POOLS) {
    const pool = parsePrefix(base);
    const address = { family: fixed.family, value: fixed.base };
    if (pool && pool.length === 16 && contains(pool, address) && fixed.length > 16)
      return free(pool) ? pool : undefined;
  }
  return free(fixed) ? fixed : undefined;
}

function chooseIpv6(
  settings: NetworkSettings,
  before: NetworkRecord | undefined,
  randomHex: (bytes: number) => string,
): SubnetConfig {
  const last = before?.subnets.find(({ subnet }) => subnet.includes(':'))?.subnet;
  const text = settings.bip6 || settings.fixedCidr6 || last || uniqueLocalSubnet(randomHex(5));
  const parsed = parseInterface(text);
  if (!parsed) throw invalidParameter(`invalid IPv6 subnet of the default bridge: ${text}`);
  const gateway = settings.bip6 === '' ? { family: 6 as const, value: parsed.prefix.base + 1n } : parsed.address;
  return subnetConfig(settings, parsed.prefix, formatAddress(gateway));
}

function subnetConfig(settings: NetworkSettings, prefix: Prefix, gateway: string): SubnetConfig {
  const [range, via] =
    prefix.family === 4
      ? [settings.fixedCidr, settings.defaultGateway]
      : [settings.fixedCidr6, settings.defaultGateway6];
  const inside = parsePrefix(range);
  const address = parseAddress(via);
  if (address && !contains(prefix, address)) {
    throw invalidParameter(`default gateway ${via} is not in the network ${formatPrefix(prefix)}`);
  }
  return {
    subnet: formatPrefix(prefix),
    range: inside && contains(prefix, { family: inside.family, value: inside.base }) ? range : '',
    gateway,
    routeVia: via || gateway,
  };
}

/** Every address and route of the host that is not on the bridge itself. */
function othersPrefixes({ addresses, routes }: Survey, bridge: string): { link: string; prefix: Prefix }[] {
  return [
    ...addresses.map(({ link, address }) => ({ link, text: address })),
    ...routes.map(({ link, destination }) => ({ link, text: destination })),
  ].flatMap(({ link, text }) => {
    const prefix = parsePrefix(text);
    return prefix && link !== bridge ? [{ link, prefix }] : [];
  });
}

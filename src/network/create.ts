/**
 * From `POST /networks/create` to the record of a network. Pure: what the host has, randomness and clock come in. The
 * refusals are Docker's, in the order in which dockerd 29 comes to them (daemon/network.go, libnetwork's NewNetwork, its bridge
 * driver), so that input with two faults gets the same answer.
 */
import { checkOptions } from '../drivers/bridge/check.ts';
import * as option from '../drivers/bridge/options.ts';
import { conflict, forbidden, invalidParameter, notFound } from '../errors.ts';
import { checkIpam } from './check-ipam.ts';
import { bridgeNetwork } from './create-bridge.ts';
import { overlayNetwork } from './create-overlay.ts';
import { sublinkNetwork } from './create-macvlan.ts';
import { knownIpamDriver } from './create-ipam.ts';
import type { Survey } from './kernel.ts';
import type { NetworkCreateRequest } from './port.ts';
import { isPredefined } from './predefined.ts';
import type { NetworkRecord } from './records.ts';
import type { NetworkSettings } from './settings.ts';

export interface CreateContext {
  settings: Pick<NetworkSettings, 'defaultAddressPools' | 'defaultNetworkOptions'>;
  networks: readonly NetworkRecord[];
  survey: Survey;
  /** The beginning of the marks on this daemon's bridges. */
  marks: string;
  /** Of the host: 10 hex digits, for unique local prefixes. */
  globalId: string;
  /** Of the network that is made: 64 hex digits. */
  id: string;
  mac: string;
  /** RFC 3339. */
  now: string;
}

/** The request, understood; not checked yet where a driver has something to say. */
export interface Wish {
  base: NetworkRecord;
  /** Not checked yet. */
  ipamDriver: string;
  config: NonNullable<NetworkCreateRequest['IPAM']>['Config'];
}

export interface Creation {
  network: NetworkRecord;
  /** '' for none. */
  warning: string;
}

const ENABLE_IPV4 = 'com.docker.network.enable_ipv4';
const ENABLE_IPV6 = 'com.docker.network.enable_ipv6';

export function planCreation(request: NetworkCreateRequest, context: CreateContext): Creation {
  if (isPredefined(request.Name)) {
    throw forbidden(`operation is not permitted on predefined ${request.Name} network`);
  }
  const driver = request.Driver || 'bridge';
  const options = withDefaults(request, context.settings.defaultNetworkOptions[driver] ?? {});
  const ipv4 = family(request.EnableIPv4, options, ENABLE_IPV4, true);
  const ipv6 = family(request.EnableIPv6, options, ENABLE_IPV6, false);
  checkIpam(request.IPAM?.Config ?? [], ipv6);
  checkName(request.Name, context.networks);
  checkConfiguration(request, { ipv4, ipv6, options });
  const base: NetworkRecord = {
    id: context.id,
    name: request.Name,
    driver: 'null',
    created: context.now,
    ipv4,
    ipv6,
    internal: request.Internal,
    attachable: request.Attachable,
    configOnly: request.ConfigOnly,
    configFrom: request.ConfigFrom?.Network ?? '',
    ipam: { driver: 'default', options: request.IPAM?.Options ?? null },
    subnets: [],
    options,
    labels: request.Labels,
    mac: '',
    bridge: '',
    foreignBridge: false,
  };
  const wish: Wish = { base, ipamDriver: request.IPAM?.Driver || 'default', config: request.IPAM?.Config ?? [] };
  if (request.ConfigOnly) return { network: settingsOnly(wish), warning: '' };

  checkDriver(driver);
  if (request.Ingress) throw forbidden('Ingress network can only be global scope network');
  const applied = base.configFrom === '' ? wish : withSettingsOf(wish, context.networks);
  checkScope(request.Scope, driver);
  if (driver === 'host' || driver === 'null') throw forbidden(`only one instance of "${driver}" network is allowed`);
  if (driver === 'macvlan' || driver === 'ipvlan') return sublinkNetwork(driver, applied, context);
  return driver === 'overlay' ? overlayNetwork(applied, context) : bridgeNetwork(applied, context);
}

/** --default-network-opt; a network that takes its settings from another takes all of them there. */
function withDefaults(
  { Options, ConfigFrom }: NetworkCreateRequest,
  defaults: Readonly<Record<string, string>>,
): Record<string, string> {
  return ConfigFrom ? { ...Options } : { ...defaults, ...Options };
}

/** `--ipv4` and `--ipv6` also have a name among the options, so that the daemon's defaults can set them. */
function family(
  asked: boolean | undefined,
  options: Record<string, string>,
  name: string,
  otherwise: boolean,
): boolean {
  const text = options[name];
  if (asked !== undefined) {
    // `inspect` would show what does not hold.
    delete options[name];
    return asked;
  }
  if (text === undefined) return otherwise;
  const value = option.parseBool(text);
  if (value === undefined) throw invalidParameter(`driver-opt "${name}" is not a valid bool`);
  return value;
}

function checkName(name: string, networks: readonly NetworkRecord[]): void {
  if (name.trim() === '') throw invalidParameter('invalid name: name is empty');
  // Docker takes any other; but names are read in logs and tables, and 'container:…' in --network means something else.
  if (/\p{Cc}/u.test(name) || name.startsWith('container:')) {
    throw invalidParameter(`invalid name: ${JSON.stringify(name)} cannot be the name of a network`);
  }
  if (networks.some((network) => network.name === name)) throw conflict(`network with name ${name} already exists`);
}

/** libnetwork's validateConfiguration. */
function checkConfiguration(
  { ConfigOnly, ConfigFrom, Ingress, Internal, Attachable, Scope, Labels, IPAM, Options }: NetworkCreateRequest,
  { ipv4, ipv6, options }: { ipv4: boolean; ipv6: boolean; options: Readonly<Record<string, string>> },
): void {
  if (ConfigOnly && (Ingress || Internal || Attachable || Scope !== '')) {
    throw forbidden(
      'configuration network can only contain network specific fields. Network operator fields like ' +
        '[ ingress | internal | attachable | scope ] are not supported.',
    );
  }
  if (!ConfigFrom?.Network) {
    const names = [option.ADVERTISE_COUNT, option.ADVERTISE_INTERVAL];
    checkOptions(Object.fromEntries(Object.entries(options).filter(([name]) => names.includes(name))));
    return;
  }
  if (ConfigOnly) throw forbidden('a configuration network cannot depend on another configuration network');
  const some = (list: object | undefined): boolean => Object.keys(list ?? {}).length > 0;
  const ipamDriver = IPAM?.Driver ?? '';
  const given = (ipamDriver !== '' && ipamDriver !== 'default') || some(IPAM?.Options) || some(IPAM?.Config);
  if (given || !ipv4 || ipv6 || some(Labels)) {
    throw forbidden(
      'user-specified configurations are not supported if the network depends on a configuration network',
    );
  }
  if (some(Options)) {
    throw forbidden('network driver options are not supported if the network depends on a configuration network');
  }
}

function checkDriver(driver: string): void {
  if (['bridge', 'macvlan', 'ipvlan', 'overlay', 'host', 'null'].includes(driver)) return;
  throw notFound(`plugin "${driver}" not found`);
}

function checkScope(scope: string, driver: string): void {
  const own = driver === 'overlay' ? 'global' : 'local';
  if (scope === '' || scope === own) return;
  if (scope === 'swarm') throw forbidden('cannot create a swarm scoped network when swarm is not active');
  throw invalidParameter(`invalid scope "${scope}": a network of this driver has scope ${own}`);
}

/** Nothing is made for it and nothing checked: whoever takes its settings finds out. */
function settingsOnly({ base, ipamDriver, config }: Wish): NetworkRecord {
  return {
    ...base,
    // Docker's own 'null' is the driver of every such network.
    driver: 'null',
    ipam: { ...base.ipam, driver: ipamDriver === 'dhcp' ? ipamDriver : knownIpamDriver(ipamDriver) },
    subnets: config.map(({ Subnet, IPRange, Gateway, AuxiliaryAddresses }) => ({
      subnet: Subnet,
      range: IPRange,
      gateway: Gateway,
      routeVia: '',
      auxiliary: AuxiliaryAddresses,
      configured: true,
    })),
  };
}

function withSettingsOf({ base }: Wish, networks: readonly NetworkRecord[]): Wish {
  const source = networks.find(({ name, configOnly }) => configOnly && name === base.configFrom);
  if (!source) throw notFound(`configuration network "${base.configFrom}" does not exist`);
  return {
    base: {
      ...base,
      ipv4: source.ipv4,
      ipv6: source.ipv6,
      labels: source.labels,
      options: source.options,
      ipam: { ...base.ipam, options: source.ipam.options ?? base.ipam.options },
    },
    ipamDriver: source.ipam.driver,
    config: source.subnets.map(({ subnet, range, gateway, auxiliary }) => ({
      Subnet: subnet,
      IPRange: range,
      Gateway: gateway,
      AuxiliaryAddresses: { ...auxiliary },
    })),
  };
}

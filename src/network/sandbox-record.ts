/** Endpoints and sandboxes as they are made and looked at: records out of wishes, plans out of records. */
import { hostLinkName, macOf } from '../drivers/bridge/endpoint.ts';
import { bridgeOptions } from '../drivers/bridge/options.ts';
import { disablesIpv6, wantedInterfaceName } from '../drivers/endpoint-options.ts';
import type { DefaultRoute, InterfacePlan } from '../drivers/plan.ts';
import { invalidParameter, notFound } from '../errors.ts';
import { addressBytes, parseAddress, parseInterface } from '../ipam/address.ts';
import type { EndpointSettings } from '../model/container.ts';
import { askedAddresses } from './addresses.ts';
import type { Claim } from './claims.ts';
import type { NetworkContext } from './context.ts';
import { isLeased } from './dhcp-options.ts';
import { defaultRoutes } from './gateway.ts';
import type { Placed } from './gateway.ts';
import type { EndpointRecord, NetworkRecord, SandboxRecord } from './records.ts';
import type { EndpointWish } from './request.ts';
import { parseMac } from './request.ts';

/** Takes addresses, unless there is a claim; whoever calls gives them back when what follows fails. */
export function newEndpoint(
  context: NetworkContext,
  sandbox: Pick<SandboxRecord, 'id' | 'containerId'>,
  { network, settings }: EndpointWish,
  others: readonly EndpointRecord[],
  claim?: Claim,
): EndpointRecord {
  // Its maker does not know yet whether it will be one.
  if (context.raising.has(network.id)) throw notFound(`network ${network.name} not found`);
  const { randomHex } = context.deps;
  const hasPair = network.driver === 'bridge' || network.driver === 'overlay';
  const hasInterface = hasPair || network.driver === 'macvlan' || network.driver === 'ipvlan';
  const interfaceName = hasInterface ? nameInterface(network, settings, others) : '';
  const addresses = claim?.addresses ?? takeAddresses(context, network, sandbox.containerId, settings);
  return {
    id: claim?.id ?? randomHex(32),
    sandboxId: sandbox.id,
    networkId: network.id,
    addresses,
    mac:
      claim?.mac ??
      (leasedMac(network, sandbox.containerId, settings) || macOn(network, settings, addresses, randomHex)),
    hostName: hasPair ? hostLinkName(randomHex(4)) : '',
    interfaceName,
    settings,
  };
}

/** None where the LAN's server gives them, later. */
const takeAddresses = (
  { state }: NetworkContext,
  network: NetworkRecord,
  containerId: string,
  settings: EndpointSettings,
): string[] =>
  isLeased(network)
    ? []
    : state.addresses.allocate(network, containerId, askedAddresses(settings), familiesOf(settings));

/** The one that was asked for, or the network's prefix ('eth') and the first number that is free. */
function nameInterface(network: NetworkRecord, settings: EndpointSettings, others: readonly EndpointRecord[]): string {
  const taken = new Set(others.map(({ interfaceName }) => interfaceName));
  const asked = wantedInterfaceName(settings.DriverOpts);
  if (asked !== '') {
    if (taken.has(asked)) throw invalidParameter(`interface name ${asked} is in use in this container`);
    return asked;
  }
  const prefix = bridgeOptions(network.options).containerPrefix;
  for (let number = 0; ; number++) if (!taken.has(`${prefix}${number}`)) return `${prefix}${number}`;
}

/** Families of which an endpoint has an address, where its network has them. */
export const familiesOf = ({ DriverOpts }: EndpointSettings): readonly (4 | 6)[] =>
  disablesIpv6(DriverOpts) ? [4] : [4, 6];

/**
 * Where a DHCP server gives the address: the same each time that the container starts, as servers choose by it, and administrators may bind
 * an address to it. '' elsewhere, and where one is asked for.
 */
function leasedMac(network: NetworkRecord, containerId: string, { MacAddress }: EndpointSettings): string {
  if (!isLeased(network) || network.driver !== 'macvlan' || MacAddress !== '') return '';
  const part = (id: string): number => Number.parseInt(id.slice(0, 8), 16);
  const own = (part(containerId) ^ part(network.id)) >>> 0;
  return parseMac(`0242${own.toString(16).padStart(8, '0')}`.replace(/(..)(?!$)/g, '$1:'));
}

/** On a LAN, where others may have the same subnet, a MAC is made up; an ipvlan link has its parent's. */
function macOn(
  { driver }: NetworkRecord,
  settings: EndpointSettings,
  addresses: readonly string[],
  randomHex: (bytes: number) => string,
): string {
  if (driver === 'bridge' || driver === 'overlay') return macFor(settings, addresses, randomHex);
  return driver === 'macvlan' ? macFor(settings, [], randomHex) : '';
}

export function macFor(
  settings: EndpointSettings,
  addresses: readonly string[],
  randomHex: (bytes: number) => string,
): string {
  if (settings.MacAddress !== '') return parseMac(settings.MacAddress);
  const ipv4 = addresses.flatMap((text) => parseInterface(text)?.address ?? []).find(({ family }) => family === 4);
  return ipv4 ? macOf(addressBytes(ipv4)) : parseMac(`0242.${randomHex(4).replace(/^(.{4})/, '$1.')}`);
}

/** The endpoints with their networks; those whose network is no more are left out. */
export function placed(context: NetworkContext, endpoints: readonly EndpointRecord[]): Placed[] {
  return endpoints.flatMap((endpoint) => {
    const network = context.state.network(endpoint.networkId);
    return network ? [{ endpoint, network }] : [];
  });
}

export function planInterface(context: NetworkContext, { endpoint, network }: Placed): InterfacePlan | undefined {
  const { settings, lease } = endpoint;
  const plan = context.driverOf(network).planEndpoint(context.configOf(network), {
    addresses: endpoint.addresses,
    linkLocal: (settings.IPAMConfig?.LinkLocalIPs ?? []).flatMap(linkLocal),
    mac: endpoint.mac,
    hostName: endpoint.hostName,
    interfaceName: endpoint.interfaceName,
    options: settings.DriverOpts ?? {},
  });
  // 0 is the parent's, of which a server that knows its LAN says no more.
  if (plan && lease && lease.mtu > 0 && (plan.mtu === 0 || lease.mtu < plan.mtu)) return { ...plan, mtu: lease.mtu };
  return plan;
}

/** RFC 3927 and RFC 4291 2.5.6: /16 and /64. */
function linkLocal(text: string): string[] {
  const address = parseAddress(text);
  return address ? [`${text}/${address.family === 4 ? 16 : 64}`] : [];
}

export interface NamespacePlan {
  interfaces: InterfacePlan[];
  defaults: DefaultRoute[];
}

/** All of a namespace, as it shall be. */
export function planNamespace(context: NetworkContext, endpoints: readonly Placed[]): NamespacePlan {
  return {
    interfaces: endpoints.flatMap((one) => planInterface(context, one) ?? []),
    defaults: defaultRoutes(endpoints),
  };
}

/** What a container asks of networks: which ones, under which settings; and Docker's refusals. Pure. */
import { forbidden, invalidParameter, messageOf } from '../errors.ts';
import { contains, parseAddress, parsePrefix } from '../ipam/address.ts';
import { NO_SETTINGS } from '../model/container.ts';
import type { EndpointSettings } from '../model/container.ts';
import { isLeased } from './dhcp-options.ts';
import { parseExtraHost } from './hosts-file.ts';
import { findNetwork } from './lookup.ts';
import type { ContainerWish } from './port.ts';
import type { NetworkRecord } from './records.ts';

export interface EndpointWish {
  network: NetworkRecord;
  settings: EndpointSettings;
}

/** Endpoints in the order in which they are connected; that of the network mode comes first. */
export type Wish = { kind: 'joined'; owner: string } | { kind: 'networks'; endpoints: readonly EndpointWish[] };

export const SHARED =
  'container sharing network namespace with another container or host cannot be connected to any other network';
const PRIVATE = 'container cannot be connected to multiple networks with one of the networks in private (none) mode';

export function understand(wish: ContainerWish, networks: readonly NetworkRecord[], gateways: readonly string[]): Wish {
  const { networkMode, endpoints } = wish;
  for (const text of wish.extraHosts) parseExtraHost(text, gateways);
  if (networkMode.startsWith('container:')) {
    // The stock client repeats the mode as the name of an endpoint.
    if (Object.keys(endpoints).some((name) => !name.startsWith('container:'))) throw invalidParameter(SHARED);
    return { kind: 'joined', owner: networkMode.slice('container:'.length) };
  }
  const first = findNetwork(networks, actualMode(networkMode, networks));
  const wanted = new Map<string, EndpointWish>([[first.id, { network: first, settings: NO_SETTINGS }]]);
  for (const [name, settings] of Object.entries(endpoints)) {
    const network = findNetwork(networks, actualMode(name, networks));
    wanted.set(network.id, { network, settings: { ...NO_SETTINGS, ...settings } });
  }
  const list = [...wanted.values()];
  refuseTogether(list.map(({ network }) => network));
  for (const { network, settings } of list) {
    try {
      checkSettings(network, settings);
    } catch (error) {
      throw invalidParameter(`invalid config for network ${network.name}: ${messageOf(error)}`, error);
    }
  }
  return { kind: 'networks', endpoints: list };
}

/** 'default' and no word at all are the default bridge, or nothing on a daemon with `--bridge=none`. */
export function actualMode(mode: string, networks: readonly NetworkRecord[]): string {
  if (mode !== 'default' && mode !== '') return mode;
  return networks.some(({ name }) => name === 'bridge') ? 'bridge' : 'none';
}

export function refuseTogether(networks: readonly NetworkRecord[]): void {
  for (const { configOnly, name } of networks) {
    if (configOnly) throw forbidden(`cannot attach to the configuration-only network ${name}`);
  }
  if (networks.length < 2) return;
  if (networks.some(({ driver }) => driver === 'host')) throw invalidParameter(SHARED);
  if (networks.some(({ driver }) => driver === 'null')) throw invalidParameter(PRIVATE);
}

/** What only the network can tell of an endpoint's settings, in the words of dockerd's validateEndpointSettings. */
export function checkSettings(network: NetworkRecord, { IPAMConfig, MacAddress }: EndpointSettings): void {
  const asked = [IPAMConfig?.IPv4Address, IPAMConfig?.IPv6Address].flatMap((text) => (text ? [text] : []));
  const faults = asked.flatMap((text) => addressFault(network, text) ?? []);
  if (faults.length > 0) throw invalidParameter(`invalid endpoint settings:\n${faults.join('\n')}`);
  if (MacAddress === '') return;
  if (network.driver === 'host') throw invalidParameter('conflicting options: mac-address and the network mode');
  if (network.driver === 'ipvlan') {
    throw invalidParameter('ipvlan interfaces do not support custom mac address assignment');
  }
  parseMac(MacAddress);
}

function addressFault(network: NetworkRecord, text: string): string | undefined {
  const { subnets } = network;
  const address = parseAddress(text);
  if (!address) return `invalid IP address: ${text}`;
  if (isLeased(network)) return address.family === 4 ? undefined : 'the dhcp ipam driver gives IPv4 addresses only';
  const configured = subnets.flatMap((one) => (one.configured ? (parsePrefix(one.subnet) ?? []) : []));
  const ofFamily = configured.filter(({ family }) => family === address.family);
  if (ofFamily.length === 0) {
    return 'user specified IP address is supported only when connecting to networks with user configured subnets';
  }
  return ofFamily.some((prefix) => contains(prefix, address))
    ? undefined
    : `no configured subnet or ip-range contain the IP address ${text}`;
}

/** An Ethernet address in one of the forms of Go's net.ParseMAC; as 'aa:bb:cc:dd:ee:ff'. */
export function parseMac(text: string): string {
  const hex = /^[0-9a-f]{2}([:-][0-9a-f]{2}){5}$/i.test(text) || /^[0-9a-f]{4}(\.[0-9a-f]{4}){2}$/i.test(text);
  if (!hex) throw invalidParameter(`invalid MAC address: ${text}`);
  const digits = text.replaceAll(/[:.-]/g, '').toLowerCase();
  // The lowest bit of the first byte marks a group (IEEE 802); the kernel refuses it for an interface.
  if (Number.parseInt(digits.slice(0, 2), 16) & 1 || digits === '000000000000') {
    throw invalidParameter(`invalid MAC address: ${text} is not the address of a single interface`);
  }
  return digits.replace(/(..)(?!$)/g, '$1:');
}

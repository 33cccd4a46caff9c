/** What a sandbox request means: which network, under which settings; and Docker's refusals. Pure. */
import { forbidden, invalidParameter } from '../errors.ts';
import type { EndpointSettings } from '../model/container.ts';
import { parseExtraHost } from './hosts-file.ts';
import { findNetwork } from './lookup.ts';
import type { SandboxRequest } from './port.ts';
import { isPredefined } from './predefined.ts';
import type { NetworkRecord } from './records.ts';

export type Wish =
  { kind: 'joined'; owner: string } | { kind: 'network'; network: NetworkRecord; settings: EndpointSettings };

const NOTHING: EndpointSettings = {
  IPAMConfig: null,
  Links: null,
  Aliases: null,
  MacAddress: '',
  DriverOpts: null,
  GwPriority: 0,
};

export function understand(
  request: Omit<SandboxRequest, 'filesDir'>,
  networks: readonly NetworkRecord[],
  gateways: readonly string[],
): Wish {
  const { networkMode, endpoints } = request;
  for (const text of request.extraHosts) parseExtraHost(text, gateways);
  if (networkMode.startsWith('container:')) {
    // The stock client repeats the mode as the name of an endpoint.
    if (Object.keys(endpoints).some((name) => !name.startsWith('container:'))) {
      throw invalidParameter(
        'container sharing network namespace with another container or host cannot be connected to any other network',
      );
    }
    return { kind: 'joined', owner: networkMode.slice('container:'.length) };
  }
  const network = findNetwork(networks, actualMode(networkMode, networks));
  const names = Object.keys(endpoints);
  const isThis = (name: string): boolean =>
    name === network.name ||
    name === network.id ||
    (name === 'default' && network.name === 'bridge') ||
    name === networkMode;
  const other = names.find((name) => !isThis(name));
  if (other !== undefined) {
    findNetwork(networks, other);
    throw refuseSecond(network);
  }
  const settings = { ...NOTHING, ...endpoints[names.find(isThis) ?? ''] };
  refuseSettings(network, settings);
  return { kind: 'network', network, settings };
}

/** 'default' and no word at all are the default bridge, or nothing on a daemon with `--bridge=none`. */
function actualMode(mode: string, networks: readonly NetworkRecord[]): string {
  if (mode !== 'default' && mode !== '') return mode;
  return networks.some(({ name }) => name === 'bridge') ? 'bridge' : 'none';
}

function refuseSecond({ name }: NetworkRecord): Error {
  if (name === 'host') {
    return invalidParameter(
      'container sharing network namespace with another container or host cannot be connected to any other network',
    );
  }
  return name === 'none'
    ? invalidParameter(
        'container cannot be connected to multiple networks with one of the networks in private (none) mode',
      )
    : forbidden(
        'this version of Berth connects a container to one network; user-defined networks come with a later one',
      );
}

function refuseSettings({ name, driver }: NetworkRecord, { IPAMConfig, Aliases, MacAddress }: EndpointSettings): void {
  if (!isPredefined(name)) return;
  if (IPAMConfig && (IPAMConfig.IPv4Address || IPAMConfig.IPv6Address)) {
    throw invalidParameter('user specified IP address is supported on user defined networks only');
  }
  if (Aliases && Aliases.length > 0) {
    throw invalidParameter('network-scoped alias is supported only for containers in user defined networks');
  }
  if (MacAddress === '') return;
  if (driver === 'host') throw invalidParameter('conflicting options: mac-address and the network mode');
  parseMac(MacAddress);
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

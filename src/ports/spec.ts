/** The texts by which the API speaks of ports: '80/tcp', '8000-8010', '127.0.0.1'. Refusals have Docker's words. */
import { invalidParameter } from '../errors.ts';
import { formatAddress, parseAddress } from '../ipam/address.ts';

export type Protocol = 'tcp' | 'udp' | 'sctp';

export interface PortRange {
  first: number;
  last: number;
}

/** What tells one held port from another. */
export interface HostPlace {
  protocol: Protocol;
  hostAddress: string;
  hostPort: number;
}

export const placeKey = ({ protocol, hostAddress, hostPort }: HostPlace): string =>
  `${protocol}/${hostAddress}/${hostPort}`;

const PORTS = /^(\d{1,5})(?:-(\d{1,5}))?$/;
const LARGEST = 65_535;

/** An IPv4 address in IPv6's clothes (RFC 4291 2.5.5.2): ::ffff:0:0/96. */
const MAPPED = 0xffffn;

/** '8000' or '8000-8010'. InvalidParameter shows `whole`. */
function parseRange(text: string, whole: string): PortRange {
  const match = PORTS.exec(text);
  const first = Number(match?.[1]);
  const last = Number(match?.[2] ?? match?.[1]);
  if (!match || first > last || last > LARGEST) {
    throw invalidParameter(`invalid port specification: ${JSON.stringify(whole)}`);
  }
  return { first, last };
}

/** A key of a PortMap or of ExposedPorts: '80', '80/tcp', '8000-8010/udp'. Port 0 is none. */
export function parseContainerPorts(key: string): PortRange & { protocol: Protocol } {
  const slash = key.indexOf('/');
  const ports = slash < 0 ? key : key.slice(0, slash);
  const protocol = slash < 0 ? 'tcp' : key.slice(slash + 1).toLowerCase();
  if (protocol !== 'tcp' && protocol !== 'udp' && protocol !== 'sctp') {
    throw invalidParameter(`invalid proto: ${key.slice(slash + 1)}`);
  }
  const range = parseRange(ports, key);
  if (range.first === 0) throw invalidParameter(`invalid port specification: ${JSON.stringify(key)}`);
  return { ...range, protocol };
}

/** A HostPort: '' and '0' are { 0, 0 }, any port. */
export function parseHostPorts(text: string): PortRange {
  if (text === '') return { first: 0, last: 0 };
  const range = parseRange(text, text);
  if (range.first === 0 && range.last !== 0) {
    throw invalidParameter(`invalid port specification: ${JSON.stringify(text)}`);
  }
  return range;
}

/** A HostIp in its usual form; '' for ''. An IPv4-mapped address is the IPv4 address. */
export function parseHostAddress(text: string): string {
  if (text === '') return '';
  const address = parseAddress(text);
  if (!address) throw invalidParameter(`invalid IP address: ${text}`);
  if (address.family === 6 && address.value >> 32n === MAPPED) {
    return formatAddress({ family: 4, value: address.value & 0xffff_ffffn });
  }
  return formatAddress(address);
}

export const familyOf = (address: string): 4 | 6 => (address.includes(':') ? 6 : 4);

/** '0.0.0.0:80', '[::]:80'. */
export const joinHostPort = (address: string, port: number): string =>
  familyOf(address) === 6 ? `[${address}]:${port}` : `${address}:${port}`;

export const everyAddress = (family: 4 | 6): string => (family === 4 ? '0.0.0.0' : '::');

/** Whether one port cannot be bound at both. */
export function overlap(a: string, b: string): boolean {
  if (familyOf(a) !== familyOf(b)) return false;
  const every = everyAddress(familyOf(a));
  return a === b || a === every || b === every;
}

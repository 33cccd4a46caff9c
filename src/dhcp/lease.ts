/** What a server offers, understood: nothing that would harm the container is taken from it. Pure. */
import { contains, lastOf, parseAddress, prefixOf } from '../ipam/address.ts';
import type { Address, Prefix } from '../ipam/address.ts';
import { FOREVER } from '../network/leases.ts';
import type { Lease } from '../network/leases.ts';
import { ipv4Text } from './codec.ts';
import type { Message } from './codec.ts';
import { OPTION } from './options.ts';
import type { Options } from './options.ts';

/** Seconds; a server that lends for less would be asked all the time. */
const SHORTEST = 10;
const LEAST_T1 = 2;
/** RFC 791: every link carries it. */
const LEAST_MTU = 576;
const MOST_SERVERS = 3;

/** undefined when it cannot be used: no address of a single host, no server, no time. `now`: when it was asked for. */
export function leaseOf({ yiaddr, options }: Message, serverMac: string, now: number): Lease | undefined {
  const address = hostAddress(yiaddr);
  const server = serverIn({ options });
  const time = seconds(options, OPTION.leaseTime);
  const length = address && prefixLength(options, address);
  if (!address || server === undefined || time === undefined || time === 0 || length === undefined) return undefined;
  const subnet = prefixOf(address, length);
  if (length <= 30 && (address.value === subnet.base || address.value === lastOf(subnet))) return undefined;
  const duration = Math.max(time, SHORTEST);
  return {
    address: `${yiaddr}/${length}`,
    gateway: gatewayIn(options, subnet, yiaddr),
    mtu: mtuIn(options),
    nameservers: [...new Set(addressesIn(options, OPTION.nameServers))].slice(0, MOST_SERVERS),
    domain: domainIn(options),
    server,
    serverMac,
    since: now,
    duration,
    ...timesIn(options, duration),
  };
}

/** RFC 2131 section 4.4.5: half and seven eighths of the time, unless the server says something sensible. */
function timesIn(options: Options, duration: number): Pick<Lease, 'renewAfter' | 'rebindAfter'> {
  if (duration === FOREVER) return { renewAfter: FOREVER, rebindAfter: FOREVER };
  const [t1, t2] = [seconds(options, OPTION.renewalTime), seconds(options, OPTION.rebindingTime)];
  const rebindAfter = t2 !== undefined && t2 > LEAST_T1 && t2 < duration ? t2 : Math.floor(duration * 0.875);
  const renewAfter = t1 !== undefined && t1 >= LEAST_T1 && t1 < rebindAfter ? t1 : Math.floor(duration * 0.5);
  return { renewAfter: Math.min(renewAfter, rebindAfter), rebindAfter };
}

/** Of a single host: not of "this" network, the loopback, a group or the reserved rest (RFC 6890). */
function hostAddress(text: string): Address | undefined {
  const address = parseAddress(text);
  const first = Number((address?.value ?? 0n) >> 24n);
  return address?.family === 4 && first > 0 && first < 224 && first !== 127 ? address : undefined;
}

/** Option 54. */
export const serverIn = ({ options }: Pick<Message, 'options'>): string | undefined =>
  addressesIn(options, OPTION.server)[0];

function addressesIn(options: Options, code: number): string[] {
  const bytes = options.get(code) ?? Buffer.alloc(0);
  const list: string[] = [];
  for (let at = 0; at + 4 <= bytes.length; at += 4) {
    const text = ipv4Text(bytes, at);
    if (hostAddress(text)) list.push(text);
  }
  return list;
}

/** No subnet is larger than a class A: a route for half of all addresses would draw what is meant for others to the LAN. */
const SHORTEST_PREFIX = 8;

/** Without option 1, that of the address's class (RFC 950). A mask with holes, or of everything, is none. */
function prefixLength(options: Options, { value }: Address): number | undefined {
  const bytes = options.get(OPTION.subnetMask);
  if (!bytes) return value < 0x8000_0000n ? 8 : value < 0xc000_0000n ? 16 : 24;
  if (bytes.length !== 4) return undefined;
  const inverse = ~bytes.readUInt32BE(0) >>> 0;
  const length = Math.clz32(inverse);
  return (inverse & (inverse + 1)) === 0 && length >= SHORTEST_PREFIX ? length : undefined;
}

/** One outside the subnet could not be reached. */
function gatewayIn(options: Options, subnet: Prefix, own: string): string {
  const usable = (text: string): boolean => {
    const address = hostAddress(text);
    return address !== undefined && contains(subnet, address) && text !== own;
  };
  return addressesIn(options, OPTION.router).find(usable) ?? '';
}

function mtuIn(options: Options): number {
  const bytes = options.get(OPTION.mtu);
  const mtu = bytes?.length === 2 ? bytes.readUInt16BE(0) : 0;
  return mtu >= LEAST_MTU ? mtu : 0;
}

/** It becomes a line of a file in the container. Some servers write C's NUL at its end. */
function domainIn(options: Options): string {
  const text = (options.get(OPTION.domainName) ?? Buffer.alloc(0))
    .toString('latin1')
    .replace(/\0+$/, '')
    .replace(/\.$/, '');
  const label = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/i;
  return text.length <= 253 && text.split('.').every((part) => label.test(part)) ? text : '';
}

function seconds(options: Options, code: number): number | undefined {
  const bytes = options.get(code);
  return bytes?.length === 4 ? bytes.readUInt32BE(0) : undefined;
}

export const bare = (address: string): string => address.replace(/\/.*$/, '');

/** Seconds since boot. */
export const endOf = ({ since, duration }: Lease): number => (duration === FOREVER ? Infinity : since + duration);

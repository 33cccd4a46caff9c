/** Which of a host's addresses the others of its cluster use. Pure. */
import type { NetworkInterfaceInfo } from 'node:os';
import { invalidParameter } from '../../errors.ts';
import { formatAddress, parseAddress } from '../../ipam/address.ts';

/** os.networkInterfaces() */
export type Interfaces = Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>;

/** Links of containers' networks: their addresses are this host's own affair. */
const OWN = /^(docker\d+|docker_gwbridge|br-[0-9a-f]{12}|veth.*)$/;

const isLinkLocal = (address: string): boolean => /^(169\.254\.|fe[89ab])/i.test(address);

/** IPv4 first, as most underlays have it. */
const usable = (list: readonly NetworkInterfaceInfo[] = []): string[] =>
  list
    .filter(({ internal, address }) => !internal && !isLinkLocal(address))
    .toSorted((a, b) => a.family.localeCompare(b.family))
    .map(({ address }) => normal(address));

/** One way to write it: addresses are compared as texts. */
function normal(address: string): string {
  const parsed = parseAddress(address);
  return parsed ? formatAddress(parsed) : address;
}

/**
 * `text`: an address of this host, or the name of an interface. InvalidParameter when the host has no such thing, with `flag`
 * before it.
 */
export function advertisedAddress(flag: string, text: string, interfaces: Interfaces): string {
  if (parseAddress(text)) {
    const address = normal(text);
    const all = Object.values(interfaces).flatMap((list) => list ?? []);
    if (all.some((own) => normal(own.address) === address && !own.internal)) return address;
    throw invalidParameter(`${flag} ${text} is not an address of this host: ${choices(interfaces)}`);
  }
  if (!Object.hasOwn(interfaces, text)) {
    throw invalidParameter(`${flag} ${text}: this host has no interface of that name: ${choices(interfaces)}`);
  }
  const [address] = usable(interfaces[text]);
  if (address === undefined)
    throw invalidParameter(`${flag} ${text}: this interface has no address that others can use`);
  return address;
}

/** The only one that there is. InvalidParameter, naming all, when there are several or none. */
export function onlyAddress(flag: string, interfaces: Interfaces): string {
  const candidates = Object.entries(interfaces)
    .filter(([name]) => !OWN.test(name))
    .flatMap(([, list]) => usable(list).slice(0, 1));
  if (candidates.length === 1 && candidates[0] !== undefined) return candidates[0];
  throw invalidParameter(
    candidates.length === 0
      ? `this host has no address that others can use: give it one, and name it with ${flag}`
      : `this host has several addresses, say by ${flag} which one the others of the cluster shall use: ${choices(interfaces)}`,
  );
}

const choices = (interfaces: Interfaces): string =>
  Object.entries(interfaces)
    .filter(([name]) => !OWN.test(name))
    .flatMap(([name, list]) => usable(list).map((address) => `${address} (${name})`))
    .join(', ') || 'it has none';

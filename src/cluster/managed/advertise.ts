/** Which of a host's addresses the others of its cluster use. Pure. */
import { invalidParameter } from '../../errors.ts';
import { formatAddress, parseAddress, parseInterface } from '../../ipam/address.ts';
import type { HostAddress } from '../../network/kernel.ts';

/** Links of containers' networks: their addresses are this host's own affair. */
const OWN = /^(docker\d+|docker_gwbridge|br-[0-9a-f]{12}|veth.*)$/;

const isLocal = (address: string): boolean => /^(127\.|169\.254\.|::1$|fe[89ab].:)/i.test(address);

interface Candidate {
  link: string;
  /** Without prefix, in the one way to write it: addresses are compared as texts. */
  address: string;
}

/** IPv4 first, as most underlays have it. */
const usable = (addresses: readonly HostAddress[]): Candidate[] =>
  addresses
    .flatMap(({ link, address: text }) => {
      const parsed = parseInterface(text)?.address;
      return parsed ? [{ link, address: formatAddress(parsed), family: parsed.family }] : [];
    })
    .filter(({ address }) => !isLocal(address))
    .toSorted((a, b) => a.family - b.family);

/**
 * `text`: an address of this host, or the name of an interface. InvalidParameter when the host has no such thing, with `flag`
 * before it.
 */
export function advertisedAddress(flag: string, text: string, addresses: readonly HostAddress[]): string {
  const candidates = usable(addresses);
  const parsed = parseAddress(text);
  if (parsed) {
    const address = formatAddress(parsed);
    if (candidates.some((one) => one.address === address)) return address;
    throw invalidParameter(
      `${flag} ${text} is not an address of this host that others can use: ${choices(candidates)}`,
    );
  }
  const found = candidates.find(({ link }) => link === text);
  if (found) return found.address;
  throw invalidParameter(
    `${flag} ${text}: this host has no such interface, or it has no address: ${choices(candidates)}`,
  );
}

/** The only one that there is. InvalidParameter, naming all, when there are several or none. */
export function onlyAddress(flag: string, addresses: readonly HostAddress[]): string {
  const candidates = usable(addresses).filter(({ link }) => !OWN.test(link));
  const [first] = candidates;
  if (!first)
    throw invalidParameter(`this host has no address that others can use: give it one, and name it with ${flag}`);
  if (candidates.every(({ link }) => link === first.link)) return first.address;
  throw invalidParameter(
    `this host has several addresses, say by ${flag} which one the others of the cluster shall use: ${choices(candidates)}`,
  );
}

const choices = (candidates: readonly Candidate[]): string =>
  candidates
    .filter(({ link }) => !OWN.test(link))
    .map(({ link, address }) => `${address} (${link})`)
    .join(', ') || 'it has none';

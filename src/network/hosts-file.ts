/** hosts(5) of a container, and the addresses that `--add-host` names. Pure. */
import { invalidParameter } from '../errors.ts';
import { parseAddress } from '../ipam/address.ts';

export interface HostsEntry {
  address: string;
  names: string;
}

/** As dockerd writes them. */
const LOCAL: readonly HostsEntry[] = [
  { address: '127.0.0.1', names: 'localhost' },
  { address: '::1', names: 'localhost ip6-localhost ip6-loopback' },
  { address: 'fe00::', names: 'ip6-localnet' },
  { address: 'ff00::', names: 'ip6-mcastprefix' },
  { address: 'ff02::1', names: 'ip6-allnodes' },
  { address: 'ff02::2', names: 'ip6-allrouters' },
];

export const render = (entries: readonly HostsEntry[]): string =>
  entries.map(({ address, names }) => `${address}\t${names}\n`).join('');

/** A container with a namespace of its own. */
export function hostsFile(extra: readonly HostsEntry[], own: readonly HostsEntry[]): string {
  return render([...LOCAL, ...extra, ...own]);
}

/** A container on the host's network: the host's file, and what it asked for beside. */
export function hostsFileOfHost(hostText: string, extra: readonly HostsEntry[]): string {
  return (hostText === '' || hostText.endsWith('\n') ? hostText : `${hostText}\n`) + render(extra);
}

/** The container's own line: '172.17.0.2	web.example web'. */
export function ownEntries(addresses: readonly string[], hostname: string, domainname: string): HostsEntry[] {
  // A container in the host's UTS namespace has no name of its own.
  if (hostname === '') return [];
  const names = domainname === '' ? hostname : `${hostname}.${domainname} ${hostname}`;
  return addresses.map((address) => ({ address: address.replace(/\/.*$/, ''), names }));
}

/** A link of the default bridge: '172.17.0.3	db 8c2f… database', as dockerd writes it. */
export function linkEntry(address: string, alias: string, hostname: string, name: string): HostsEntry {
  return { address: address.replace(/\/.*$/, ''), names: [...new Set([alias, hostname, name])].join(' ') };
}

/** 'name:address' or 'name=address'; the address may be 'host-gateway' and stand in brackets. */
export function parseExtraHost(text: string, gateways: readonly string[]): HostsEntry[] {
  const separator = text.search(/[:=]/);
  const name = text.slice(0, Math.max(separator, 0));
  const value = text.slice(separator + 1).replace(/^\[(.*)\]$/, '$1');
  // A line break would let the text write lines of its own.
  if (separator < 1 || /[\s#]/.test(name)) throw invalidParameter(`bad format for add-host: "${text}"`);
  if (value === 'host-gateway') {
    if (gateways.length === 0) {
      throw invalidParameter('unable to derive the IP value for host-gateway');
    }
    return gateways.map((address) => ({ address, names: name }));
  }
  if (!parseAddress(value)) throw invalidParameter(`invalid IP address in add-host: "${value}"`);
  return [{ address: value, names: name }];
}

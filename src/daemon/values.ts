/** Checks of single settings: each takes a text and returns what it means, or throws InvalidParameter. Pure but for isIP. */
import { BlockList, isIP, isIPv4 } from 'node:net';
import { invalidParameter } from '../errors.ts';
import type { DefaultPool } from '../network/settings.ts';

export function ip(text: string): string {
  if (isIP(text) === 0) throw invalidParameter(`IP address is not correctly formatted: ${text}`);
  return text;
}

interface Cidr {
  address: string;
  family: 'ipv4' | 'ipv6';
  bits: number;
}

export function parseCidr(text: string): Cidr | undefined {
  const [address = '', bits = '', extra] = text.split('/');
  const family = isIP(address);
  const max = family === 4 ? 32 : 128;
  if (family === 0 || extra !== undefined || !/^\d{1,3}$/.test(bits) || Number(bits) > max) return undefined;
  return { address, family: family === 4 ? 'ipv4' : 'ipv6', bits: Number(bits) };
}

/** A network in CIDR notation of the family that `flag` takes; '' stays ''. */
export function cidr(flag: string, text: string, family: 'ipv4' | 'ipv6'): string {
  if (text === '') return '';
  const parsed = parseCidr(text);
  if (!parsed) throw invalidParameter(`invalid CIDR address: ${text} (--${flag})`);
  if (parsed.family !== family) {
    throw invalidParameter(`--${flag} takes an ${family === 'ipv4' ? 'IPv4' : 'IPv6'} network: ${text}`);
  }
  return text;
}

/** An interface address with its prefix: neither the network's own address nor, in IPv4, its broadcast address. */
export function interfaceAddress(flag: string, text: string, family: 'ipv4' | 'ipv6'): string {
  if (cidr(flag, text, family) === '') return '';
  const parsed = parseCidr(text);
  if (!parsed || family === 'ipv6') return text;
  const { address, bits } = parsed;
  if (bits > 30) throw invalidParameter(`--${flag} ${text} leaves no address for containers`);
  const value = toNumber(address);
  const size = 2 ** (32 - bits);
  const offset = value % size;
  if (offset === 0) throw invalidParameter(`--${flag} ${text} is the address of the network, not of the bridge in it`);
  if (offset === size - 1) throw invalidParameter(`--${flag} ${text} is the broadcast address of its network`);
  return text;
}

const toNumber = (address: string): number => address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);

/** Whether the network `inner` lies in the network `outer`; both valid CIDRs of the same family. */
export function contains(outer: string, inner: string): boolean {
  const [big, small] = [parseCidr(outer), parseCidr(inner)];
  if (!big || !small || big.family !== small.family || small.bits < big.bits) return false;
  const list = new BlockList();
  list.addSubnet(big.address, big.bits, big.family);
  return list.check(small.address, small.family);
}

/** 'base=10.10.0.0/16,size=24' */
export function addressPool(text: string): DefaultPool {
  const fields = new Map<string, string>();
  for (const field of text.split(',')) {
    const [key = '', value] = field.trim().split('=');
    if (value === undefined) throw invalidParameter(`invalid field '${field}' must be a key=value pair`);
    if (key !== 'base' && key !== 'size') throw invalidParameter(`unexpected key '${key}' in '${field}'`);
    fields.set(key, value);
  }
  const base = fields.get('base') ?? '';
  const size = fields.get('size') ?? '';
  const parsed = parseCidr(base);
  if (!parsed) throw invalidParameter(`invalid base pool "${base}": invalid CIDR address: ${base}`);
  if (!/^\d{1,3}$/.test(size)) throw invalidParameter(`invalid size value: ${size}`);
  const bits = Number(size);
  if (bits < parsed.bits || bits > (parsed.family === 'ipv4' ? 30 : 126)) {
    throw invalidParameter(`invalid default address pool "${text}": no network of size ${bits} fits into ${base}`);
  }
  return { base, size: bits };
}

/** 'bridge=com.docker.network.driver.mtu=1400', several times. */
export function mapOfMaps(list: readonly string[]): Record<string, Record<string, string>> {
  const result = new Map<string, Map<string, string>>();
  for (const text of list) {
    const [, root, key, value] = /^([^=]+)=([^=]+)=(.*)$/s.exec(text) ?? [];
    if (root === undefined || key === undefined || value === undefined) {
      throw invalidParameter(`invalid value "${text}" for map option, should be root-key=key=value`);
    }
    result.set(root, (result.get(root) ?? new Map<string, string>()).set(key.trim(), value));
  }
  return Object.fromEntries([...result].map(([root, inner]) => [root, Object.fromEntries(inner)]));
}

const units: Readonly<Record<string, number>> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40, p: 2 ** 50 };

/** '64MiB', '64m', '1g', '65536' → bytes. */
export function bytes(text: string): number {
  const match = /^(\d+(?:\.\d+)?) ?([kmgtp]?)(?:i?b)?$/i.exec(text.trim());
  const factor = match && units[(match[2] ?? '').toLowerCase()];
  if (!match || factor === undefined || factor === null) throw invalidParameter(`invalid size: '${text}'`);
  return Math.floor(Number(match[1]) * factor);
}

/** Names of getrlimit(2), as in `docker run --ulimit`. */
const ulimitNames = new Set(
  'core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack'.split(' '),
);

/** 'nofile=1024', 'nofile=1024:2048' */
export function ulimit(text: string): { Name: string; Soft: number; Hard: number } {
  const [name = '', limits, extra] = text.split('=');
  if (limits === undefined || extra !== undefined) throw invalidParameter(`invalid ulimit argument: ${text}`);
  if (!ulimitNames.has(name)) throw invalidParameter(`invalid ulimit type: ${name}`);
  const [soft = '', hard = soft, more] = limits.split(':');
  if (more !== undefined || !/^-?\d+$/.test(soft) || !/^-?\d+$/.test(hard)) {
    throw invalidParameter(`invalid ulimit argument: ${text}`);
  }
  const [Soft, Hard] = [Number(soft), Number(hard)];
  if (Hard !== -1 && (Soft > Hard || Soft === -1)) {
    throw invalidParameter(`ulimit soft limit must be less than or equal to hard limit: ${Soft} > ${Hard}`);
  }
  return { Name: name, Soft, Hard };
}

/** key=value, no two values for a key. */
export function labels(list: readonly string[]): string[] {
  const seen = new Map<string, string>();
  for (const label of list) {
    const [key = '', value] = label.split(/=(.*)/s);
    if (value === undefined || key === '') throw invalidParameter(`bad attribute format: ${label}`);
    const before = seen.get(key);
    if (before !== undefined && before !== value) {
      throw invalidParameter(`conflict labels for ${key}=${value} and ${key}=${before}`);
    }
    seen.set(key, value);
  }
  return [...seen].map(([key, value]) => `${key}=${value}`);
}

export function dnsSearch(domain: string): string {
  const name = domain.trim();
  const label = '[a-zA-Z0-9_]([a-zA-Z0-9_-]{0,61}[a-zA-Z0-9_])?';
  if (name !== '.' && !new RegExp(`^${label}(\\.${label})*\\.?$`).test(name)) {
    throw invalidParameter(`${domain} is not a valid domain`);
  }
  return name;
}

/**
 * A listen address: 'unix:///path', 'tcp://host:port', 'fd://', or a part of one as dockerd takes it. `socket` is the
 * default of 'unix://'.
 */
export function host(text: string, socket: string): string {
  const address = text.trim();
  const [scheme, rest] = address.includes('://') ? (address.split(/:\/\/(.*)/s) as [string, string]) : ['tcp', address];
  if (scheme === 'unix') {
    if (rest === '') return `unix://${socket}`;
    if (!rest.startsWith('/')) throw invalidParameter(`invalid unix address (${text}): the path must be absolute`);
    return `unix://${rest}`;
  }
  if (scheme === 'fd') return `fd://${rest}`;
  if (scheme !== 'tcp') throw invalidParameter(`invalid bind address (${text}): unsupported proto '${scheme}'`);
  const match = /^(\[[0-9a-fA-F:.]+\]|[^:/[\]]*)(?::(\d{1,5}))?$/.exec(rest);
  if (!match || (rest === '' && !address.startsWith('tcp://')) || Number(match[2] ?? 0) > 65535) {
    throw invalidParameter(`invalid bind address (${text}): expected unix://PATH, tcp://HOST:PORT or fd://`);
  }
  return `tcp://${match[1] || '127.0.0.1'}:${match[2] ?? '2375'}`;
}

/** Registry mirrors are URLs, as in dockerd: scheme and host, nothing else. */
export function registryMirror(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url) throw invalidParameter(`invalid mirror: "${text}" is not a valid URI`);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw invalidParameter(`invalid mirror: unsupported scheme "${url.protocol.slice(0, -1)}" in "${text}"`);
  }
  if (url.search || url.hash || url.username) {
    throw invalidParameter(`invalid mirror: unexpected query, fragment or user in "${text}"`);
  }
  return text.endsWith('/') ? text : `${text}/`;
}

export function insecureRegistry(text: string): string {
  if (parseCidr(text)) return text;
  if (/^https?:\/\//.test(text)) throw invalidParameter(`insecure registry ${text} should not contain '://'`);
  const match = /^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+)(?::(\d+))?$/.exec(text);
  if (!match || Number(match[2] ?? 1) > 65535) throw invalidParameter(`insecure registry ${text} is not valid`);
  return text;
}

export const isLoopback = (address: string): boolean =>
  address === 'localhost' || address === '[::1]' || (isIPv4(address) && address.startsWith('127.'));

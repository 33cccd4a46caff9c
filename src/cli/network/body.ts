/** Flags of the network commands → bodies of the API. Pure; errors in docker's words. */
import type { Values } from '../command.ts';

/** `--subnet a,b --subnet c` is three. */
export const commaList = (values: Values, flag: string): string[] =>
  values.list(flag).flatMap((text) =>
    text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== ''),
  );

/** ['a=b', 'c'] → {a: 'b', c: ''}. */
export const pairs = (list: readonly string[]): Record<string, string> =>
  Object.fromEntries(
    list.map((text) => {
      const equals = text.indexOf('=');
      return equals < 0 ? [text, ''] : [text.slice(0, equals), text.slice(equals + 1)];
    }),
  );

interface Subnet {
  Subnet: string;
  IPRange?: string;
  Gateway?: string;
  AuxiliaryAddresses?: Record<string, string>;
}

interface Network {
  bits: bigint;
  prefix: number;
  size: 32 | 128;
}

function parseIp(text: string): { bits: bigint; size: 32 | 128 } | undefined {
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) {
    const parts = text.split('.').map(Number);
    if (parts.some((part) => part > 255)) return undefined;
    return { bits: parts.reduce((all, part) => (all << 8n) | BigInt(part), 0n), size: 32 };
  }
  const [head = '', tail, ...more] = text.split('::');
  if (more.length > 0 || !text.includes(':')) return undefined;
  const words = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const [front, back] = [words(head), words(tail ?? '')];
  const missing = 8 - front.length - back.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  const all = [...front, ...Array.from({ length: missing }, () => '0'), ...back];
  if (!all.every((word) => /^[\da-f]{1,4}$/i.test(word))) return undefined;
  return { bits: all.reduce((sum, word) => (sum << 16n) | BigInt(`0x${word}`), 0n), size: 128 };
}

function parseCidr(text: string): Network | undefined {
  const [address = '', length = '', ...more] = text.split('/');
  const ip = parseIp(address);
  if (ip === undefined || more.length > 0 || !/^\d{1,3}$/.test(length) || Number(length) > ip.size) return undefined;
  return { ...ip, prefix: Number(length) };
}

function checkCidr(text: string): void {
  if (parseCidr(text) === undefined) throw new Error(`invalid CIDR address: ${text}`);
}

/** Whether the address, or the first one of a range, is in the subnet. What is no address is in none. */
function contains(subnet: string, address: string): boolean {
  const net = parseCidr(subnet);
  if (net === undefined) throw new Error(`invalid subnet: invalid CIDR address: ${subnet}`);
  if (address.includes('/')) checkCidr(address);
  const ip = parseIp(address.split('/')[0] ?? '');
  if (ip === undefined || net.size !== ip.size) return false;
  const host = BigInt(net.size - net.prefix);
  return net.bits >> host === ip.bits >> host;
}

/** Which subnet each range, gateway and auxiliary address belongs to. */
export function ipamConfig(values: Values): Subnet[] {
  const subnets = commaList(values, 'subnet');
  const ranges = commaList(values, 'ip-range');
  const gateways = commaList(values, 'gateway');
  if (subnets.length < ranges.length || subnets.length < gateways.length) {
    throw new Error('every ip-range or gateway must have a corresponding subnet');
  }
  const configs: Subnet[] = [];
  // A single subnet that is none is refused by the daemon.
  for (const subnet of subnets) {
    if (configs.some(({ Subnet }) => contains(Subnet, subnet) || contains(subnet, Subnet))) {
      throw new Error('multiple overlapping subnet configuration is not supported');
    }
    configs.push({ Subnet: subnet });
  }
  const owner = (address: string, what: string): Subnet => {
    const config = configs.find(({ Subnet }) => contains(Subnet, address));
    if (config === undefined) throw new Error(`no matching subnet for ${what} ${address}`);
    return config;
  };
  for (const range of ranges) {
    checkCidr(range);
    const config = owner(range, 'range');
    if (config.IPRange !== undefined) {
      throw new Error(
        `cannot configure multiple ranges (${range}, ${config.IPRange}) on the same subnet (${config.Subnet})`,
      );
    }
    config.IPRange = range;
  }
  for (const gateway of gateways) {
    const config = owner(gateway, 'gateway');
    if (config.Gateway !== undefined) {
      throw new Error(
        `cannot configure multiple gateways (${gateway}, ${config.Gateway}) for the same subnet (${config.Subnet})`,
      );
    }
    config.Gateway = gateway;
  }
  for (const [name, address] of Object.entries(pairs(values.list('aux-address')))) {
    const config = owner(address, 'aux-address');
    (config.AuxiliaryAddresses ??= {})[name] = address;
  }
  return configs;
}

export function createBody(values: Values, name: string): object {
  const from = values.string('config-from');
  return {
    Name: name,
    Driver: values.string('driver'),
    Options: pairs(values.list('opt')),
    IPAM: {
      Driver: values.string('ipam-driver'),
      Config: ipamConfig(values),
      Options: pairs(values.list('ipam-opt')),
    },
    Internal: values.bool('internal'),
    ...(values.given('ipv4') ? { EnableIPv4: values.bool('ipv4') } : {}),
    ...(values.given('ipv6') ? { EnableIPv6: values.bool('ipv6') } : {}),
    Attachable: values.bool('attachable'),
    Ingress: values.bool('ingress'),
    Scope: values.string('scope'),
    ConfigOnly: values.bool('config-only'),
    ...(from === '' ? {} : { ConfigFrom: { Network: from } }),
    Labels: pairs(values.list('label')),
  };
}

function driverOptions(list: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    list.map((text) => {
      const equals = text.indexOf('=');
      const key = text.slice(0, Math.max(equals, 0)).trim();
      if (key === '') throw new Error('invalid key/value pair format in driver options');
      return [key, text.slice(equals + 1).trim()];
    }),
  );
}

export function connectBody(values: Values, container: string): object {
  if (container.trim() === '') throw new Error('invalid container name or ID: value is empty');
  return {
    Container: container,
    EndpointConfig: {
      IPAMConfig: {
        IPv4Address: values.string('ip'),
        IPv6Address: values.string('ip6'),
        LinkLocalIPs: commaList(values, 'link-local-ip'),
      },
      Links: values.list('link'),
      Aliases: commaList(values, 'alias'),
      DriverOpts: driverOptions(commaList(values, 'driver-opt')),
      GwPriority: values.int('gw-priority'),
    },
  };
}

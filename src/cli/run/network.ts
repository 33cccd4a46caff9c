/** --network in both its forms, and the flags that belong to the first one. Pure; errors in docker's words. */
import type { Values } from '../command.ts';
import { parseCsv } from './csv.ts';
import { isIpv4, isMac, parseFlag } from './values.ts';

export interface EndpointBody {
  IPAMConfig?: { IPv4Address?: string; IPv6Address?: string; LinkLocalIPs?: string[] } | null;
  Links?: string[] | null;
  Aliases?: string[] | null;
  MacAddress?: string;
  DriverOpts?: Record<string, string> | null;
  GwPriority?: number;
}

interface Attachment {
  target: string;
  aliases: string[];
  ip: string;
  ip6: string;
  mac: string;
  linkLocal: string[];
  driverOpts: Record<string, string>;
  gatewayPriority: number;
  links: string[];
}

const none = (target: string): Attachment => ({
  target,
  aliases: [],
  ip: '',
  ip6: '',
  mac: '',
  linkLocal: [],
  driverOpts: {},
  gatewayPriority: 0,
  links: [],
});

/** 'bridge', or 'name=front,alias=web,ip=…,ip6=…,mac-address=…,link-local-ip=…,driver-opt=K=V,gw-priority=1'. */
export function parseNetwork(text: string): Attachment {
  if (!/^[^,]*=/.test(text)) return none(text);
  const attachment = none('');
  for (const field of parseCsv(text)) {
    const equals = field.indexOf('=');
    if (equals < 1) throw new Error(`invalid field ${field}`);
    const key = field.slice(0, equals).trim().toLowerCase();
    const value = field.slice(equals + 1).trim();
    if (key === 'name') attachment.target = value;
    else if (key === 'alias') attachment.aliases.push(value);
    else if (key === 'ip') attachment.ip = value;
    else if (key === 'ip6') attachment.ip6 = value;
    else if (key === 'mac-address') attachment.mac = value;
    else if (key === 'link-local-ip') attachment.linkLocal.push(value);
    else if (key === 'driver-opt') driverOption(attachment.driverOpts, value);
    else if (key === 'gw-priority') attachment.gatewayPriority = integer(value);
    else throw new Error(`invalid field key ${key}`);
  }
  if (attachment.target === '') throw new Error('network name/id is not specified');
  return attachment;
}

function driverOption(options: Record<string, string>, value: string): void {
  const equals = value.indexOf('=');
  if (equals < 1) throw new Error('invalid key value pair format in driver options');
  options[value.slice(0, equals).trim().toLowerCase()] = value.slice(equals + 1).trim();
}

function integer(value: string): number {
  if (!/^-?\d{1,9}$/.test(value)) throw new Error(`invalid gw-priority (${value}): invalid syntax`);
  return Number(value);
}

function checkMac(value: string): void {
  if (value !== '' && !isMac(value)) throw new Error(`${value} is not a valid mac address`);
}

const isUserDefined = (name: string): boolean =>
  !['', 'default', 'bridge', 'host', 'none'].includes(name) && !name.startsWith('container:');

export interface Networks {
  mode: string;
  endpoints: Record<string, EndpointBody>;
}

/** The single flags (--ip, --network-alias, --link …) are the first network's; a long form of it may not repeat them. */
export function parseNetworks(values: Values): Networks {
  const given = [...values.list('network'), ...values.list('net')];
  const attachments = given.map((text) => parseFlag('network', text, parseNetwork));
  if (attachments.length === 0) attachments.push(none('default'));
  const endpoints: Record<string, EndpointBody> = {};
  const multiple = attachments.length > 1;
  for (const [index, attachment] of attachments.entries()) {
    const { target } = attachment;
    if (target === '') throw new Error('no name set for network');
    if (multiple && !isUserDefined(target)) {
      throw new Error('conflicting options: cannot attach both user-defined and non-user-defined network-modes');
    }
    if (index === 0) addFlags(attachment, values);
    if (Object.hasOwn(endpoints, target))
      throw new Error(`network ${JSON.stringify(target)} is specified multiple times`);
    if (attachment.aliases.length > 0 && !isUserDefined(target)) {
      throw new Error('network-scoped aliases are only supported for user-defined networks');
    }
    checkMac(attachment.mac);
    const body = endpoint(attachment);
    // What has no endpoint of its own gets one only when something is asked of it, for the daemon to refuse.
    if (given.length === 0 || isUserDefined(target) || Object.keys(body).length > 0) endpoints[target] = body;
  }
  return { mode: attachments[0]?.target ?? 'default', endpoints };
}

function addFlags(attachment: Attachment, values: Values): void {
  const aliases = [...values.list('network-alias'), ...values.list('net-alias')];
  const links = values.list('link').map((text) => parseFlag('link', text, checkLink));
  const linkLocal = values.list('link-local-ip');
  const mac = values.string('mac-address');
  const clash = (flag: string, what: string): never => {
    throw new Error(`conflicting options: cannot specify both ${flag} and per-network ${what}`);
  };
  if (aliases.length > 0 && attachment.aliases.length > 0) clash('--network-alias', 'alias');
  if (values.given('ip') && attachment.ip !== '') clash('--ip', 'IPv4 address');
  if (values.given('ip6') && attachment.ip6 !== '') clash('--ip6', 'IPv6 address');
  if (linkLocal.length > 0 && attachment.linkLocal.length > 0) clash('--link-local-ip', 'link-local IP addresses');
  if (mac !== '' && attachment.mac !== '') clash('--mac-address', 'MAC address');
  if (mac !== '') attachment.mac = mac.trim();
  attachment.aliases.push(...aliases);
  attachment.links.push(...links);
  attachment.linkLocal.push(...linkLocal);
  if (values.given('ip')) attachment.ip = values.string('ip');
  if (values.given('ip6')) attachment.ip6 = values.string('ip6');
}

export function checkLink(text: string): string {
  if (text === '' || text.split(':').length > 2)
    throw new Error(text === '' ? 'empty string specified for links' : `bad format for links: ${text}`);
  return text;
}

function endpoint(attachment: Attachment): EndpointBody {
  const { target, ip, ip6, linkLocal, aliases, links, mac, driverOpts, gatewayPriority } = attachment;
  const body: EndpointBody = {};
  if (ip !== '' || ip6 !== '' || linkLocal.length > 0) {
    body.IPAMConfig = {
      ...(ip === '' ? {} : { IPv4Address: ip }),
      ...(ip6 === '' ? {} : { IPv6Address: ip6 }),
      ...(linkLocal.length === 0 ? {} : { LinkLocalIPs: linkLocal }),
    };
  }
  if (aliases.length > 0) body.Aliases = aliases;
  // Those of the default bridge are the container's (HostConfig.Links).
  if (links.length > 0 && isUserDefined(target)) body.Links = links;
  if (mac !== '') body.MacAddress = mac;
  if (Object.keys(driverOpts).length > 0) body.DriverOpts = driverOpts;
  if (gatewayPriority !== 0) body.GwPriority = gatewayPriority;
  return body;
}

/** 'name:ip' and 'name=ip' (also with the address in brackets) → 'name:ip', which every daemon understands. */
export function parseExtraHost(text: string): string {
  const match = /^([^:=]+)([:=])(.+)$/s.exec(text);
  if (match === null) throw new Error(`bad format for add-host: ${JSON.stringify(text)}`);
  const [, name = '', , rest = ''] = match;
  const address = rest.startsWith('[') && rest.endsWith(']') ? rest.slice(1, -1) : rest;
  if (address !== 'host-gateway' && !isIpv4(address) && !/^[0-9a-f:.]*:[0-9a-f:.]*$/i.test(address)) {
    throw new Error(`invalid IP address in add-host: ${JSON.stringify(address)}`);
  }
  return `${name}:${address}`;
}

/** --publish and --expose. Pure; errors in docker's words. */
import type { PortMapEntry } from '../../model/container.ts';
import { isIp } from './values.ts';

export interface Ports {
  exposed: Record<string, object>;
  bindings: Record<string, PortMapEntry[]>;
}

interface Range {
  first: number;
  last: number;
}

const PROTOCOLS = ['tcp', 'udp', 'sctp'];

/** '80' or '8000-8010'. The error is Go's, as docker passes it on. */
function parseRange(text: string): Range {
  if (text === '') throw new Error('empty string specified for ports');
  const [start = '', end = start, ...more] = text.split('-');
  for (const part of [start, ...(more.length > 0 ? [`${end}-${more.join('-')}`] : [end])]) {
    if (!/^\d+$/.test(part)) throw new Error(`strconv.ParseUint: parsing ${JSON.stringify(part)}: invalid syntax`);
    if (Number(part) > 65535) {
      throw new Error(`strconv.ParseUint: parsing ${JSON.stringify(part)}: value out of range`);
    }
  }
  const range = { first: Number(start), last: Number(end) };
  if (range.last < range.first) throw new Error(`invalid range specified for port: ${text}`);
  return range;
}

function attempt(text: string, error: string): Range {
  try {
    return parseRange(text);
  } catch {
    throw new Error(error);
  }
}

/** '127.0.0.1:8080' → ['127.0.0.1', '8080']; '[::1]:80' too. */
function splitHost(front: string): [ip: string, port: string] {
  if (front.startsWith('[')) {
    const end = front.indexOf(']');
    const rest = front.slice(end + 1);
    if (end < 0) {
      const ip = front.slice(0, Math.max(front.lastIndexOf(':'), 0));
      throw new Error(`invalid IP address ${ip}: address ${ip}:: missing ']' in address`);
    }
    if (rest !== '' && !rest.startsWith(':')) throw new Error(`invalid IP address: ${front}`);
    return [front.slice(1, end), rest.slice(1)];
  }
  const colon = front.lastIndexOf(':');
  return colon < 0 ? ['', front] : [front.slice(0, colon), front.slice(colon + 1)];
}

/** [[IP:][HOST]:]CONTAINER[/PROTOCOL], where HOST and CONTAINER are ports or ranges of them. */
export function parsePublish(spec: string): { port: string; binding: PortMapEntry }[] {
  const colon = spec.lastIndexOf(':');
  const [container = '', ...protocols] = spec.slice(colon + 1).split('/');
  const [ip, host] = colon < 0 ? ['', ''] : splitHost(spec.slice(0, colon));
  if (container === '') throw new Error(`no port specified: ${spec}<empty>`);
  if (ip !== '' && !isIp(ip)) throw new Error(`invalid IP address: ${ip}`);
  const inside = attempt(container, `invalid containerPort: ${container}`);
  const outside = host === '' ? undefined : attempt(host, `invalid hostPort: ${host}`);
  const protocol = protocols.length === 0 ? 'tcp' : protocols.join('/').toLowerCase();
  if (!PROTOCOLS.includes(protocol)) throw new Error(`invalid proto: ${protocols.join('/')}`);
  const count = inside.last - inside.first;
  if (outside !== undefined && outside.last - outside.first !== count) {
    // A single port may take its host port out of a range; everything else must be of equal length.
    if (count !== 0) throw new Error(`invalid ranges specified for container and host Ports: ${container} and ${host}`);
    return [{ port: `${inside.first}/${protocol}`, binding: { HostIp: ip, HostPort: host } }];
  }
  return Array.from({ length: count + 1 }, (_, index) => ({
    port: `${inside.first + index}/${protocol}`,
    binding: { HostIp: ip, HostPort: outside === undefined ? '' : String(outside.first + index) },
  }));
}

/** The long form 'target=80,published=8080,protocol=tcp,mode=host', as the short one. */
function fromLong(spec: string): string {
  const fields = new Map<string, string>();
  for (const field of spec.split(',')) {
    const [key = '', value, ...more] = field.split('=');
    if (value === undefined || more.length > 0 || value === '') throw new Error(`invalid field: ${field}`);
    if (!['target', 'published', 'protocol', 'mode'].includes(key)) throw new Error(`invalid field key: ${key}`);
    if (key === 'mode' && !['host', 'ingress'].includes(value)) throw new Error(`invalid publish mode (${value})`);
    fields.set(key, value);
  }
  const target = fields.get('target');
  if (target === undefined) throw new Error(`missing mandatory field '"target"'`);
  const published = fields.get('published');
  return `${published === undefined ? '' : `${published}:`}${target}/${fields.get('protocol') ?? 'tcp'}`;
}

/** One '80', '80/udp' or '8000-8010' of --expose. */
function parseExpose(spec: string): string[] {
  if (spec.includes(':')) throw new Error(`invalid port format for --expose: ${spec}`);
  const [ports = '', ...protocols] = spec.split('/');
  const protocol = protocols.length === 0 ? 'tcp' : protocols.join('/').toLowerCase();
  try {
    const { first, last } = parseRange(ports);
    return Array.from({ length: last - first + 1 }, (_, index) => `${first + index}/${protocol}`);
  } catch (error) {
    throw new Error(`invalid range format for --expose: ${spec}, error: ${(error as Error).message}`, { cause: error });
  }
}

/** What `port --rm` means: a port alone stands for all its mappings. */
export function parseUnpublish(specs: readonly string[]): Record<string, PortMapEntry[] | null> {
  const ports: Record<string, PortMapEntry[] | null> = {};
  for (const spec of specs) {
    for (const { port, binding } of parsePublish(spec.includes('=') ? fromLong(spec) : spec)) {
      const all = binding.HostIp === '' && binding.HostPort === '';
      const others = ports[port];
      ports[port] = all || others === null ? null : [...(others ?? []), binding];
    }
  }
  return ports;
}

export function parsePorts(publish: readonly string[], expose: readonly string[]): Ports {
  const ports: Ports = { exposed: {}, bindings: {} };
  for (const spec of publish) {
    for (const { port, binding } of parsePublish(spec.includes('=') ? fromLong(spec) : spec)) {
      ports.exposed[port] = {};
      (ports.bindings[port] ??= []).push(binding);
    }
  }
  for (const port of expose.flatMap(parseExpose)) ports.exposed[port] = {};
  return ports;
}

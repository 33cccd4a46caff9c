/** A network in the store: the NetworkRecord as JSON. */
import type { SubnetConfig } from '../drivers/driver.ts';
import { contains, formatPrefix, overlaps, parseAddress, parsePrefix } from '../ipam/address.ts';
import type { Prefix } from '../ipam/address.ts';
import type { NetworkRecord } from '../network/records.ts';
import { BadRecord, HEX_ID, MAC, NAME, fields, fieldsOf, flag, integer, objects, text, textMap } from './decode.ts';
import type { Fields } from './decode.ts';

const LIMIT = 128 * 1024;
const MAX_SUBNETS = 64;
/** RFC 7348 section 5: 24 bits. */
const MAX_VNI = 0xff_ffff;

export const encodeNetwork = (network: NetworkRecord): Buffer => Buffer.from(JSON.stringify(network));

/** `id`: of the key. */
export function decodeNetwork(id: string, bytes: Buffer): NetworkRecord {
  const of = fieldsOf(bytes, LIMIT);
  if (text(of, 'id', HEX_ID) !== id) throw new BadRecord('id: not the key');
  if (of['driver'] !== 'overlay') throw new BadRecord('driver: not overlay');
  if (flag(of, 'configOnly') || flag(of, 'foreignBridge')) throw new BadRecord('a network of one host');
  const ipam = fields(of, 'ipam');
  return {
    id,
    name: text(of, 'name', NAME),
    driver: 'overlay',
    created: text(of, 'created', /^\d{4}-\d\d-\d\dT[0-9:.]{5,20}(Z|[+-]\d\d:\d\d)$/),
    ipv4: flag(of, 'ipv4'),
    ipv6: flag(of, 'ipv6'),
    internal: flag(of, 'internal'),
    attachable: flag(of, 'attachable'),
    configOnly: false,
    configFrom: text(of, 'configFrom'),
    ipam: { driver: text(ipam, 'driver'), options: ipam['options'] === null ? null : textMap(ipam, 'options') },
    subnets: objects(of, 'subnets', 0, MAX_SUBNETS).map(subnetOf),
    options: textMap(of, 'options'),
    labels: textMap(of, 'labels'),
    mac: text(of, 'mac', MAC),
    // Each host makes a bridge of this name: it shall not be another's.
    bridge: text(of, 'bridge', new RegExp(`^br-${id.slice(0, 12)}$`)),
    foreignBridge: false,
    vni: integer(of, 'vni', 1, MAX_VNI),
  };
}

/** Every address of it lies in the subnet: this host will reserve them, and give one of them to its bridge. */
function subnetOf(of: Fields): SubnetConfig {
  const prefix = (name: string): Prefix => {
    const value = text(of, name);
    const parsed = parsePrefix(value);
    if (!parsed || formatPrefix(parsed) !== value) throw new BadRecord(`${name}: no subnet`);
    return parsed;
  };
  const subnet = prefix('subnet');
  const inside = (name: string, value: string): string => {
    const parsed = parseAddress(value);
    if (!parsed || !contains(subnet, parsed)) throw new BadRecord(`${name}: no address of its subnet`);
    return value;
  };
  const address = (name: string): string => {
    const value = text(of, name);
    return value === '' ? '' : inside(name, value);
  };
  const range = of['range'] === '' ? undefined : prefix('range');
  if (range && (range.family !== subnet.family || range.length < subnet.length || !overlaps(range, subnet))) {
    throw new BadRecord('range: no part of its subnet');
  }
  const auxiliary = textMap(of, 'auxiliary');
  for (const value of Object.values(auxiliary)) inside('auxiliary', value);
  return {
    subnet: formatPrefix(subnet),
    range: range ? formatPrefix(range) : '',
    gateway: address('gateway'),
    routeVia: address('routeVia'),
    auxiliary,
    configured: flag(of, 'configured'),
  };
}

/** Why the two cannot be in one cluster; undefined when they can. */
export function clashOf(a: NetworkRecord, b: NetworkRecord): string | undefined {
  if (a.name === b.name) return `network ${b.name} has its name`;
  if (a.vni === b.vni) return `network ${b.name} has its VXLAN identifier`;
  const prefixes = (network: NetworkRecord) => network.subnets.flatMap(({ subnet }) => parsePrefix(subnet) ?? []);
  const others = prefixes(b);
  return prefixes(a).some((one) => others.some((other) => overlaps(one, other)))
    ? `network ${b.name} has some of its addresses`
    : undefined;
}

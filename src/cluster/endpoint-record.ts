/**
 * An endpoint in the store: all of it at the key of its first address; at the second one's who has it. That key is written and
 * deleted with the first one's, and says no more than that the address is taken.
 */
import { bitsOf } from '../ipam/address.ts';
import type { ClusterEndpoint, ClusterHost, PlacedEndpoint } from '../network/cluster.ts';
import { BadRecord, DNS_NAME, HEX_ID, MAC, NAME, familyOf, fields, fieldsOf, text, texts } from './decode.ts';
import { HOST_ID, hostIn } from './host-record.ts';
import { bare } from './keys.ts';

const LIMIT = 32 * 1024;
const MAX_NAMES = 256;
const CONTAINER_ID = /^[0-9a-zA-Z][0-9a-zA-Z_.-]{0,127}$/;

export interface HostIdentity extends ClusterHost {
  id: string;
}

/** Who has an address. */
export interface Holder {
  endpointId: string;
  hostId: string;
}

export function encodeEndpoint(endpoint: ClusterEndpoint, host: HostIdentity): Buffer[] {
  const { addresses, mac, containerId, containerName, names } = endpoint;
  const { id, name, address, secure } = host;
  const where = { id, name, address, secure };
  const whole = { id: endpoint.id, addresses, mac, containerId, containerName, names, host: where };
  const [, ...others] = addresses;
  const reference = { id: endpoint.id, of: bare(addresses[0] ?? ''), host: { id } };
  return [whole, ...others.map(() => reference)].map((value) => Buffer.from(JSON.stringify(value)));
}

/** Of any key below endpoints/. */
export function decodeHolder(bytes: Buffer): Holder {
  const of = fieldsOf(bytes, LIMIT);
  return { endpointId: text(of, 'id', HEX_ID), hostId: text(fields(of, 'host'), 'id', HOST_ID) };
}

/** `address`: of the key. undefined where it is not the endpoint's first one. */
export function decodeEndpoint(
  networkId: string,
  address: string,
  bytes: Buffer,
  hostOf: (identity: HostIdentity) => ClusterHost,
): { endpoint: PlacedEndpoint; hostId: string } | undefined {
  const of = fieldsOf(bytes, LIMIT);
  if ('of' in of) return undefined;
  const addresses = texts(of, 'addresses', 1, 2, /^[0-9a-f.:]{2,39}\/\d{1,3}$/);
  const parsed = addresses.map(interfaceOf);
  if (parsed.length === 2 && parsed[0] === parsed[1]) throw new BadRecord('addresses: two of one family');
  if (bare(addresses[0] ?? '') !== address) throw new BadRecord('addresses: the first one is not the key');
  const containerName = text(of, 'containerName', NAME);
  const host = hostIn(fields(of, 'host'));
  return {
    hostId: host.id,
    endpoint: {
      id: text(of, 'id', HEX_ID),
      networkId,
      addresses,
      mac: text(of, 'mac', MAC),
      containerId: text(of, 'containerId', CONTAINER_ID),
      containerName,
      // Mostly the same text, and there are many of them.
      names: texts(of, 'names', 0, MAX_NAMES, DNS_NAME).map((name) => (name === containerName ? containerName : name)),
      host: hostOf(host),
    },
  };
}

/** Its family. */
function interfaceOf(text: string): 4 | 6 {
  const family = familyOf(bare(text));
  const [, length = ''] = text.split('/');
  if (!family || Number(length) > bitsOf(family)) throw new BadRecord('addresses: one is none');
  return family;
}

export function sameEndpoint(a: PlacedEndpoint, b: PlacedEndpoint): boolean {
  const same = (one: readonly string[], other: readonly string[]): boolean =>
    one.length === other.length && one.every((text, i) => text === other[i]);
  return (
    a.id === b.id &&
    a.mac === b.mac &&
    a.containerId === b.containerId &&
    a.containerName === b.containerName &&
    a.host.name === b.host.name &&
    a.host.address === b.host.address &&
    a.host.secure?.publicKey === b.host.secure?.publicKey &&
    a.host.secure?.port === b.host.secure?.port &&
    same(a.addresses, b.addresses) &&
    same(a.names, b.names)
  );
}

/** A host in the store. */
import { formatAddress, parseAddress } from '../ipam/address.ts';
import { BadRecord, fieldsOf, integer, text } from './decode.ts';
import type { Fields } from './decode.ts';
import type { HostRecord } from './deps.ts';

const LIMIT = 4096;
/** It is a part of a key. */
export const HOST_NAME = /^[^\p{Cc}\s/]{1,253}$/u;
export const HOST_ID = /^[0-9a-f]{16,64}$/;

export const encodeHost = ({ id, name, address, vxlanPort, version }: HostRecord): Buffer =>
  Buffer.from(JSON.stringify({ id, name, address, vxlanPort, version }));

export function decodeHost(bytes: Buffer): HostRecord {
  const of = fieldsOf(bytes, LIMIT);
  return { ...hostIn(of), vxlanPort: integer(of, 'vxlanPort', 1, 65_535), version: text(of, 'version') };
}

/** Who and where it is: the part that stands in each endpoint, too. */
export function hostIn(of: Fields): { id: string; name: string; address: string } {
  const address = text(of, 'address');
  const parsed = parseAddress(address);
  // One way to write it: it is compared as text.
  if (!parsed || formatAddress(parsed) !== address) throw new BadRecord('address: none');
  return { id: text(of, 'id', HOST_ID), name: text(of, 'name', HOST_NAME), address };
}

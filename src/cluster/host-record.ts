/** A host in the store. */
import { BadRecord, isHostAddress, fields, fieldsOf, integer, text } from './decode.ts';
import type { Fields } from './decode.ts';
import type { ClusterHost, SecureHost } from '../network/cluster.ts';
import type { HostRecord } from './deps.ts';

const LIMIT = 4096;
/** It is a part of a key. */
export const HOST_NAME = /^[^\p{Cc}\s/]{1,253}$/u;
export const HOST_ID = /^[0-9a-f]{16,64}$/;
/** Base64 of 32 bytes. */
const PUBLIC_KEY = /^[A-Za-z0-9+/]{43}=$/;

export const encodeHost = ({ id, name, address, secure, vxlanPort, version }: HostRecord): Buffer =>
  Buffer.from(JSON.stringify({ id, name, address, secure, vxlanPort, version }));

export function decodeHost(bytes: Buffer): HostRecord {
  const of = fieldsOf(bytes, LIMIT);
  return { ...hostIn(of), vxlanPort: integer(of, 'vxlanPort', 1, 65_535), version: text(of, 'version') };
}

/** Who and where it is: the part that stands in each endpoint, too. */
export function hostIn(of: Fields): ClusterHost & { id: string } {
  const address = text(of, 'address');
  if (!isHostAddress(address)) throw new BadRecord('address: no other host can have it');
  const host = { id: text(of, 'id', HOST_ID), name: text(of, 'name', HOST_NAME), address };
  return of['secure'] === undefined ? host : { ...host, secure: secureIn(fields(of, 'secure')) };
}

const secureIn = (of: Fields): SecureHost => ({
  publicKey: text(of, 'publicKey', PUBLIC_KEY),
  port: integer(of, 'port', 1, 65_535),
});

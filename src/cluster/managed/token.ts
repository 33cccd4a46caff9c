/**
 * Join tokens: what a host needs to be let into a cluster, as one word to paste. Wire format of what follows 'BERTH1-', in base64url:
 *
 *   offset  bytes  what
 *        0     32  SHA-256 of the CA's certificate (DER): whom the joining host believes
 *       32     20  secret
 *       52      2  TCP port of the join endpoint, network byte order
 *       54      4  its address, IPv4; 16 bytes for IPv6
 *   58, 70      4  first bytes of the SHA-256 of all before: a token that was cut while it was copied is no wrong token
 *
 * The issuing host keeps the SHA-256 of the secret and when it ends. 160 bits of secret leave nothing to guess.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { invalidParameter } from '../../errors.ts';
import { addressBytes, addressFromBytes, formatAddress, parseAddress } from '../../ipam/address.ts';

export interface JoinToken {
  /** Of the issuing host. */
  address: string;
  port: number;
  /** SHA-256 of the CA's certificate, 32 bytes. */
  fingerprint: Buffer;
  /** 20 bytes. */
  secret: Buffer;
}

/** What of a token is kept: nobody gets in who reads it. */
export interface IssuedToken {
  /** SHA-256 of the secret, hex. */
  hash: string;
  /** Milliseconds since 1970. */
  ends: number;
}

const PREFIX = 'BERTH1-';
const FINGERPRINT = 32;
const SECRET = 20;
const CHECK = 4;
const ADDRESS_AT = FINGERPRINT + SECRET + 2;
const LENGTHS: readonly number[] = [ADDRESS_AT + 4 + CHECK, ADDRESS_AT + 16 + CHECK];

const sha256 = (data: Buffer): Buffer => createHash('sha256').update(data).digest();
const checkOf = (body: Buffer): Buffer => sha256(body).subarray(0, CHECK);

export const newSecret = (): Buffer => randomBytes(SECRET);

export const hashOf = (secret: Buffer): string => sha256(secret).toString('hex');

/** In constant time: how long a refusal takes says nothing of the secret. */
export function admits(tokens: readonly IssuedToken[], secret: Buffer, now: number): boolean {
  const hash = sha256(secret);
  const fitting = tokens.filter((token) => timingSafeEqual(hash, Buffer.from(token.hash, 'hex')));
  return fitting.some(({ ends }) => now < ends);
}

export function encodeToken({ address, port, fingerprint, secret }: JoinToken): string {
  const parsed = parseAddress(address);
  if (!parsed) throw new Error(`no address: ${address}`);
  const portBytes = Buffer.alloc(2);
  portBytes.writeUInt16BE(port);
  const body = Buffer.concat([fingerprint, secret, portBytes, addressBytes(parsed)]);
  return PREFIX + Buffer.concat([body, checkOf(body)]).toString('base64url');
}

/** Throws InvalidParameter; never repeats what it was given. */
export function parseToken(text: string): JoinToken {
  const word = text.trim();
  const bytes = Buffer.from(word.startsWith(PREFIX) ? word.slice(PREFIX.length) : '', 'base64url');
  const body = bytes.subarray(0, -CHECK);
  const address = addressFromBytes(body.subarray(ADDRESS_AT));
  const whole =
    LENGTHS.includes(bytes.length) &&
    bytes.subarray(-CHECK).equals(checkOf(body)) &&
    // The decoder passes over what is no base64url.
    word === PREFIX + bytes.toString('base64url');
  if (!whole || !address) {
    throw invalidParameter(
      'this is no join token, or not all of one: run "berth cluster token" on a host of the cluster and copy the whole command',
    );
  }
  return {
    fingerprint: Buffer.from(body.subarray(0, FINGERPRINT)),
    secret: Buffer.from(body.subarray(FINGERPRINT, FINGERPRINT + SECRET)),
    port: body.readUInt16BE(FINGERPRINT + SECRET),
    address: formatAddress(address),
  };
}

/**
 * This host's WireGuard key pair: X25519 (RFC 7748), made when it is first needed and kept in the host's own store, which is root's alone. The
 * private key goes to the kernel and nowhere else; the public one is told to the cluster.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { WireguardKey } from '../linux/wireguard.ts';
import type { SecureHost } from '../network/cluster.ts';
import type { Store } from '../store/store.ts';

/** Under kind 'meta': the private key, base64 of 32 bytes. */
const RECORD = 'wireguard-key';
const KEY_LENGTH = 32;
/** What stands before the 32 bytes of a private X25519 key in PKCS #8 (RFC 8410 section 7). */
const PKCS8 = Buffer.from('302e020100300506032b656e04220420', 'hex');

export interface SecureHostOptions {
  store: Store;
  /** Asked once, and not before the first call of host(): the kernel may load a module for it. */
  hasWireguard: (this: void) => boolean;
  /** UDP. */
  port: number;
}

export interface SecureHostIdentity {
  key(): WireguardKey;
  /** As the other hosts shall know it; undefined where the kernel has no WireGuard. */
  host(): SecureHost | undefined;
}

export function createSecureHost({ store, hasWireguard, port }: SecureHostOptions): SecureHostIdentity {
  let known: WireguardKey | undefined;
  let told: { host: SecureHost | undefined } | undefined;
  const key = (): WireguardKey => (known ??= loadKey(store));
  return {
    key,
    host() {
      told ??= { host: hasWireguard() ? { publicKey: key().publicKey.toString('base64'), port } : undefined };
      return told.host;
    },
  };
}

/** What is there and is no key is replaced: the other hosts learn the new one, as they did the first. */
function loadKey(store: Store): WireguardKey {
  const stored = store.get<unknown>('meta', RECORD);
  const bytes = typeof stored === 'string' ? Buffer.from(stored, 'base64') : Buffer.alloc(0);
  if (bytes.length === KEY_LENGTH) return { privateKey: bytes, publicKey: publicOf(bytes) };
  const privateKey = raw(generateKeyPairSync('x25519').privateKey, 'd');
  store.put('meta', RECORD, privateKey.toString('base64'));
  return { privateKey, publicKey: publicOf(privateKey) };
}

const publicOf = (privateKey: Buffer): Buffer =>
  raw(
    createPublicKey(createPrivateKey({ key: Buffer.concat([PKCS8, privateKey]), format: 'der', type: 'pkcs8' })),
    'x',
  );

/** Members of a JWK (RFC 8037 section 2). */
const raw = (key: KeyObject, member: 'd' | 'x'): Buffer =>
  Buffer.from(key.export({ format: 'jwk' })[member] ?? '', 'base64url');

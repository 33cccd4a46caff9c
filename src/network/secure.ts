/**
 * Encrypted networks: between hosts their frames go by WireGuard, and nowhere else. A daemon has one device for all of them, there while
 * one of them is on this host. Its address, and so where frames for a host go, follows from the host's public key: nothing that is told
 * can say otherwise, and being link-local it leads by no other link.
 */
import type { NetworkConfig } from '../drivers/driver.ts';
import { isEncrypted as asksForEncryption } from '../drivers/overlay/options.ts';
import type { WireguardPeerPlan, WireguardPlan } from '../drivers/plan.ts';
import { unavailable } from '../errors.ts';
import { formatAddress } from '../ipam/address.ts';
import type { ClusterHost, SecureHost, Underlay } from './cluster.ts';
import { instanceName, ownerOf } from './instance.ts';
import type { NetworkRecord } from './records.ts';

/** Canonical base64 of 32 bytes. */
const PUBLIC_KEY = /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/;
/** fe80::/64 (RFC 4291 section 2.5.6). */
const LINK_LOCAL = 0xfe80n << 112n;
/** What WireGuard adds: header 16 and authentication 16 bytes (its paper, section 5.4.6), UDP 8, and IPv4 20 or IPv6 40. */
const OVERHEAD = { 4: 60, 6: 80 } as const;
/** RFC 8200 section 5: the kernel takes IPv6 from a link that carries less. */
const LEAST_MTU = 1280;

export const isEncrypted = ({ driver, options }: Pick<NetworkRecord, 'driver' | 'options'>): boolean =>
  driver === 'overlay' && asksForEncryption(options);

/**
 * The inner address of the host with this key: its first 8 bytes behind fe80::. Who wanted another's would have to find a key that
 * begins like it, among 2^64. undefined for what is no key.
 */
export function innerAddress(publicKey: string): string | undefined {
  if (!PUBLIC_KEY.test(publicKey)) return undefined;
  const bytes = Uint8Array.from(atob(publicKey), (char) => char.charCodeAt(0));
  const identifier = bytes.subarray(0, 8).reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  return identifier === 0n ? undefined : formatAddress({ family: 6, value: LINK_LOCAL | identifier });
}

/** Where frames of an encrypted network go that are for this host; undefined: nowhere, it has no WireGuard. */
export const securely = (secure: SecureHost | undefined): string | undefined =>
  secure && innerAddress(secure.publicKey);

/** The device, there or not: 'berth-0123abcd' → 'wg-0123abcd'. */
export const secureDevice = (execRoot: string): { name: string; owner: string } => ({
  name: `wg-${instanceName(execRoot).replace(/^berth-/, '')}`,
  owner: ownerOf(execRoot, 'wireguard'),
});

const mtuOf = ({ address, mtu }: Underlay): number => mtu - OVERHEAD[address.includes(':') ? 6 : 4];

/** How this host sends to the others, as drivers know it. */
export function underlayConfig(underlay: Underlay, execRoot: string): NonNullable<NetworkConfig['underlay']> {
  const { address, port, mtu } = underlay;
  const inner = securely(underlay.secure);
  if (inner === undefined) return { address, port, mtu };
  return { address, port, mtu, secure: { link: secureDevice(execRoot).name, address: inner, mtu: mtuOf(underlay) } };
}

/** `hosts`: that have containers on encrypted networks of this one, possibly several times. undefined where the kernel has no WireGuard. */
export function planSecure(
  { underlay, execRoot }: { underlay: Underlay; execRoot: string },
  hosts: Iterable<ClusterHost>,
): WireguardPlan | undefined {
  const address = securely(underlay.secure);
  if (!underlay.secure || address === undefined) return undefined;
  return {
    ...secureDevice(execRoot),
    address,
    port: underlay.secure.port,
    mtu: Math.max(LEAST_MTU, mtuOf(underlay)),
    peers: peersOf(hosts, address),
  };
}

/** In an order of their own: two hosts that say they have the same address are one of them, and always the same one. */
function peersOf(hosts: Iterable<ClusterHost>, own: string): WireguardPeerPlan[] {
  const byName = new Map([...hosts].map((host) => [host.name, host]));
  const names = [...byName.keys()].toSorted();
  const byAddress = new Map<string, WireguardPeerPlan>();
  for (const name of names) {
    const { secure, address: host } = byName.get(name) ?? { address: '' };
    const address = securely(secure);
    if (!secure || address === undefined || address === own || byAddress.has(address)) continue;
    byAddress.set(address, { publicKey: secure.publicKey, address, host, port: secure.port });
  }
  return [...byAddress.values()];
}

/** Unavailable unless this host can take part in encrypted networks. Docker has no text for it: its encryption needs no module that may be missing. */
export function needWireguard(underlay: Underlay | undefined, what: string): void {
  if (!underlay || securely(underlay.secure) === undefined) {
    throw unavailable(`cannot ${what}: the kernel has no WireGuard (CONFIG_WIREGUARD)`);
  }
}

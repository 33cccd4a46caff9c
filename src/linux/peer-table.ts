/**
 * Who is behind a tunnel, as it shall be. Pure. Addresses and MACs are hex digits of their bytes in network order: what the kernel
 * says is compared with them without being made into text.
 */
import type { PeerPlan } from '../drivers/plan.ts';
import { addressBytes, parseAddress } from '../ipam/address.ts';
import type { Address } from '../ipam/address.ts';

export interface Peer {
  mac: string;
  /** Underlay address of its host. */
  host: string;
  addresses: readonly string[];
}

/** What may be another after a change. */
export interface Touched {
  macs: Set<string>;
  addresses: Set<string>;
  hosts: Set<string>;
}

const hex = (address: Address): string => Buffer.from(addressBytes(address)).toString('hex');

/**
 * undefined for one that frames cannot be sent to: its host is this one (`here`), of another family, or no host's address,
 * or its MAC is none that one container can have. Plans come from other hosts, and one that is wrong harms nobody else.
 */
export function peerOf({ mac, addresses, host }: PeerPlan, here: Address): Peer | undefined {
  const there = parseAddress(host);
  if (there?.family !== here.family || there.value === here.value || !isUnicast(there)) return undefined;
  // Of a link-local address only the tunnel's own link knows whose it is.
  if (isLinkLocal(there) !== isLinkLocal(here)) return undefined;
  const digits = mac.replaceAll(':', '').toLowerCase();
  if (!/^[0-9a-f][02468ace][0-9a-f]{10}$/.test(digits) || /^0+$/.test(digits)) return undefined;
  const own = addresses.flatMap((text) => parseAddress(text) ?? []).map(hex);
  const hasIpv6 = own.some((address) => address.length === 32);
  return { mac: digits, host: hex(there), addresses: hasIpv6 ? [...own, linkLocal(digits)] : own };
}

/** Neither unspecified, nor multicast (224/4, ff00::/8) or reserved (240/4). */
function isUnicast({ family, value }: Address): boolean {
  return value !== 0n && (family === 4 ? value >> 28n < 0xen : value >> 120n !== 0xffn);
}

/** fe80::/10 (RFC 4291 section 2.4). */
const isLinkLocal = ({ family, value }: Address): boolean => family === 6 && value >> 118n === 0x3fan;

/** fe80:: and the MAC as an EUI-64 (RFC 4291, appendix A): what Linux gives to an interface by itself. */
function linkLocal(mac: string): string {
  const first = (Number.parseInt(mac.slice(0, 2), 16) ^ 2).toString(16).padStart(2, '0');
  return `fe80000000000000${first}${mac.slice(2, 6)}fffe${mac.slice(6)}`;
}

export class PeerTable {
  /** By MAC. */
  readonly #peers = new Map<string, Peer>();
  /** Of which MAC an address is. */
  readonly #owners = new Map<string, string>();
  /** How many peers a host has. */
  readonly #hosts = new Map<string, number>();
  #revision = 0;
  /** MACs that were told of while the table is filled: what is known of them is newer than what it is filled with. */
  #newer: Set<string> | undefined = new Set();

  /** Another number after every change. */
  get revision(): number {
    return this.#revision;
  }

  macs(): IterableIterator<string> {
    return this.#peers.keys();
  }

  addresses(): IterableIterator<string> {
    return this.#owners.keys();
  }

  hosts(): IterableIterator<string> {
    return this.#hosts.keys();
  }

  /** Behind which host the MAC is; undefined for nobody's. */
  hostOf(mac: string): string | undefined {
    return this.#peers.get(mac)?.host;
  }

  ownerOf(address: string): string | undefined {
    return this.#owners.get(address);
  }

  takesPart(host: string): boolean {
    return this.#hosts.has(host);
  }

  /** Some of those that the table is filled with. */
  fill(peers: readonly Peer[]): void {
    for (const peer of peers) {
      if (this.#newer?.has(peer.mac) === true) continue;
      this.#drop(peer.mac);
      this.#put(peer);
    }
  }

  filled(): void {
    this.#newer = undefined;
  }

  /** Who is to go and was known behind another host by now stays: it has moved. */
  change({ add, remove }: { add: readonly Peer[]; remove: readonly Peer[] }): Touched {
    this.#revision++;
    const touched: Touched = { macs: new Set(), addresses: new Set(), hosts: new Set() };
    for (const { mac } of [...remove, ...add]) this.#newer?.add(mac);
    for (const { mac, host } of remove) if (this.#peers.get(mac)?.host === host) this.#drop(mac, touched);
    for (const peer of add) {
      this.#drop(peer.mac, touched);
      this.#put(peer, touched);
    }
    return touched;
  }

  #put(peer: Peer, touched?: Touched): void {
    this.#peers.set(peer.mac, peer);
    this.#hosts.set(peer.host, (this.#hosts.get(peer.host) ?? 0) + 1);
    for (const address of peer.addresses) this.#owners.set(address, peer.mac);
    if (touched) note(peer, touched);
  }

  #drop(mac: string, touched?: Touched): void {
    const peer = this.#peers.get(mac);
    if (!peer) return;
    this.#peers.delete(mac);
    const left = (this.#hosts.get(peer.host) ?? 0) - 1;
    if (left > 0) this.#hosts.set(peer.host, left);
    else this.#hosts.delete(peer.host);
    // Another's by now: addresses are given out again.
    for (const address of peer.addresses) if (this.#owners.get(address) === mac) this.#owners.delete(address);
    if (touched) note(peer, touched);
  }
}

function note({ mac, host, addresses }: Peer, touched: Touched): void {
  touched.macs.add(mac);
  touched.hosts.add(host);
  for (const address of addresses) touched.addresses.add(address);
}

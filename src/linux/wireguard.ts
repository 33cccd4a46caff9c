/**
 * WireGuard devices on the host. What the device has is read to change no more than differs: a peer that is set anew would lose the
 * keys that it has agreed on, and packets until it has new ones.
 */
import type { WireguardPeerPlan, WireguardPlan } from '../drivers/plan.ts';
import { conflict, unavailable } from '../errors.ts';
import { addressBytes, parseAddress } from '../ipam/address.ts';
import { explaining, findLink, hasCode, needLink } from './links.ts';
import { findFamily, NETLINK_GENERIC } from './netlink/generic.ts';
import * as link from './netlink/link.ts';
import { openNetlink } from './netlink/socket.ts';
import type { NetlinkSocket } from './netlink/socket.ts';
import {
  createWireguard,
  decodeDevice,
  getDevice,
  KEY_LENGTH,
  setDevice,
  WIREGUARD_FAMILY,
} from './netlink/wireguard.ts';
import type { WireguardDevice, WireguardPeer } from './netlink/wireguard.ts';
import { addressRequest } from './plan-requests.ts';
import { writeSysctl } from './sysctl.ts';

/** X25519 (RFC 7748), 32 bytes each. */
export interface WireguardKey {
  privateKey: Buffer;
  publicKey: Buffer;
}

/** Whether the kernel has WireGuard; loads its module where it is one. */
export function hasWireguard(): boolean {
  return withGeneric((generic) => findFamily(generic, WIREGUARD_FAMILY) !== undefined);
}

/** Makes the device or completes the one that is there; see network/kernel.ts. One that was made here goes when it fails. */
export function ensureWireguard(host: NetlinkSocket, plan: WireguardPlan, key: WireguardKey): void {
  const present = findLink(host, plan.name);
  if (present && (present.kind !== 'wireguard' || present.alias !== plan.owner)) {
    throw conflict(`link ${plan.name}, by which encrypted networks leave the host, is there and somebody else's`);
  }
  if (!present) {
    // One datagram: a device without Berth's mark is never seen, not even after a crash.
    const requests = [createWireguard(plan.name, plan.mtu), link.setAlias(plan.name, plan.owner)];
    explaining('wireguard', [], () => host.transact(requests));
  }
  try {
    complete(host, plan, key);
  } catch (error) {
    if (!present) host.transact([link.deleteLink(plan.name)]);
    throw error;
  }
}

function complete(host: NetlinkSocket, plan: WireguardPlan, key: WireguardKey): void {
  const { name, address, mtu, port } = plan;
  const present = needLink(host, name);
  if (present.mtu !== mtu) host.transact([link.setMtu(name, mtu)]);
  try {
    configure(plan, key);
    if (!present.up) host.transact([link.setUp(present.index, name)]);
    // Afterwards: a link that goes down loses its addresses.
    allowIpv6(name);
    addMissing(host, `${address}/64`, present.index, name);
  } catch (error) {
    if (!hasCode(error, 'EADDRINUSE')) throw error;
    throw unavailable(
      `UDP port ${port}, by which hosts send each other what is encrypted, is in use: give --cluster-wireguard-port another`,
      error,
    );
  }
}

function configure({ name, port, peers }: WireguardPlan, { privateKey, publicKey }: WireguardKey): void {
  withGeneric((generic) => {
    const family = findFamily(generic, WIREGUARD_FAMILY);
    if (family === undefined) throw unavailable('this kernel has no WireGuard (CONFIG_WIREGUARD)');
    const actual = decodeDevice(generic.transact([getDevice(family, name)]).map(({ payload }) => payload));
    const device = {
      ...(actual.publicKey?.equals(publicKey) === true ? {} : { privateKey }),
      ...(actual.port === port ? {} : { port }),
    };
    for (const request of setDevice(family, name, { device, ...differences(actual, peers.map(asPeer)) })) {
      generic.transact([request]);
    }
  });
}

/** What to set and what to take away so that the device has these peers. */
export function differences(
  { peers: actual }: Pick<WireguardDevice, 'peers'>,
  wanted: readonly WireguardPeer[],
): { peers: WireguardPeer[]; gone: Buffer[] } {
  const present = new Map(actual.map((peer) => [peer.publicKey.toString('hex'), peer]));
  const keys = new Set(wanted.map(({ publicKey }) => publicKey.toString('hex')));
  return {
    peers: wanted.filter((peer) => !isSame(present.get(peer.publicKey.toString('hex')), peer)),
    gone: actual.filter(({ publicKey }) => !keys.has(publicKey.toString('hex'))).map(({ publicKey }) => publicKey),
  };
}

const isSame = (actual: WireguardPeer | undefined, wanted: WireguardPeer): boolean =>
  actual !== undefined && signature(actual) === signature(wanted);

const signature = ({ endpoint, keepalive, allowed }: WireguardPeer): string =>
  [
    endpoint ? `${endpoint.address.toString('hex')} ${endpoint.port}` : '',
    keepalive,
    ...allowed.map(({ address, length }) => `${address.toString('hex')}/${length}`).toSorted(),
  ].join();

function asPeer({ publicKey, address, host, port }: WireguardPeerPlan): WireguardPeer {
  const key = Buffer.from(publicKey, 'base64');
  if (key.length !== KEY_LENGTH) throw new Error(`no WireGuard key: ${publicKey}`);
  return {
    publicKey: key,
    endpoint: { address: bytesOf(host), port },
    // Both ends are hosts that are there: nothing between them must be kept open.
    keepalive: 0,
    allowed: [{ address: bytesOf(address), length: 128 }],
  };
}

function bytesOf(text: string): Buffer {
  const address = parseAddress(text);
  if (!address) throw new Error(`no address: ${text}`);
  return Buffer.from(addressBytes(address));
}

/** It carries nothing else, whatever the host's own links do. */
function allowIpv6(name: string): void {
  try {
    writeSysctl(`net/ipv6/conf/${name}/disable_ipv6`, '0');
  } catch (error) {
    throw unavailable(
      'encrypted networks need IPv6 in the kernel of the host (CONFIG_IPV6, not ipv6.disable=1)',
      error,
    );
  }
}

function addMissing(host: NetlinkSocket, text: string, index: number, name: string): void {
  try {
    host.transact([addressRequest(text, index, name)]);
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
  }
}

function withGeneric<T>(body: (generic: NetlinkSocket) => T): T {
  const generic = openNetlink(NETLINK_GENERIC);
  try {
    return body(generic);
  } finally {
    generic.close();
  }
}

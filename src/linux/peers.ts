/**
 * What tunnels know of containers on other hosts. Each has an entry in the device's forwarding table (MAC → its host) and in the bridge's
 * (MAC → tunnel), and a permanent neighbour for each address, from which the device answers questions of ARP and ND; each of their
 * hosts gets what is for all. The kernel's tables are read only to make them right again, never to decide.
 */
import { setImmediate } from 'node:timers/promises';
import type { PeerPlan, TunnelPlan } from '../drivers/plan.ts';
import { parseAddress } from '../ipam/address.ts';
import type { Address } from '../ipam/address.ts';
import { hasCode, needLinks } from './links.ts';
import * as forwarding from './netlink/forwarding.ts';
import { macBytes } from './netlink/link.ts';
import * as neighbour from './netlink/neighbour.ts';
import { NETLINK_ROUTE, openNetlink } from './netlink/socket.ts';
import type { NetlinkSocket, Request } from './netlink/socket.ts';
import { peerOf, PeerTable } from './peer-table.ts';
import type { Peer, Touched } from './peer-table.ts';

/** Requests of one datagram. With 64 the kernel is busy for some 0.2 ms. */
const BATCH = 64;
/** Milliseconds of the main thread at a time. */
const TURN = 2;
/** Readings of the kernel's tables, while they change meanwhile. */
const READINGS = 3;

export interface Peers {
  /** See network/kernel.ts. */
  set(plan: TunnelPlan, peers: readonly PeerPlan[]): Promise<void>;
  change(plan: TunnelPlan, change: { add: readonly PeerPlan[]; remove: readonly PeerPlan[] }): void;
  /** The device is gone, or a new one. */
  forget(name: string): void;
}

/** What the kernel has for one device; keys and values as in PeerTable. */
interface Known {
  device: Map<string, string>;
  bridge: Set<string>;
  neighbours: Map<string, string>;
  flooded: Set<string>;
}

export function createPeers(host: NetlinkSocket): Peers {
  /** By the device's name. */
  const tables = new Map<string, PeerTable>();
  const begin = ({ name }: TunnelPlan): PeerTable => {
    const table = new PeerTable();
    tables.set(name, table);
    return table;
  };

  return {
    async set(plan, peers) {
      const place = look(host, plan);
      const table = begin(plan);
      // Whoever calls meanwhile sets them all again.
      const superseded = (): boolean => tables.get(plan.name) !== table;
      const pause = inTurns();
      for (let at = 0; at < peers.length && !superseded(); at += BATCH) {
        table.fill(understood(peers.slice(at, at + BATCH), place));
        await pause();
      }
      table.filled();
      const known = await read(place, table, pause);
      const left = differences(table, known, place);
      let refusal: unknown;
      while (!superseded()) {
        const batch = take(left, BATCH);
        if (batch.length === 0) break;
        try {
          send(host, batch);
        } catch (error) {
          // One that the kernel does not take keeps nobody else from being reached; without the device none is.
          refusal ??= error;
          if (hasCode(error, 'ENODEV')) break;
        }
        await pause();
      }
      if (refusal !== undefined) throw refusal;
    },
    change(plan, { add, remove }) {
      const place = look(host, plan);
      const table = tables.get(plan.name) ?? begin(plan);
      const touched = table.change({ add: understood(add, place), remove: understood(remove, place) });
      const requests = requestsFor(touched, table, place);
      for (let at = 0; at < requests.length; at += BATCH) send(host, requests.slice(at, at + BATCH));
    },
    forget: (name) => void tables.delete(name),
  };
}

/** What is on the host of a tunnel. */
interface Place {
  index: number;
  /** ifindex of the link that it sends by; 0 for whichever leads there. */
  via: number;
  local: Address;
  /** The bridge's own MAC. */
  gateway: string;
  /** The kernel takes IPv6 from a link that carries less than 1280 bytes (RFC 8200 section 5), and its neighbours with it. */
  ipv6: boolean;
}

function look(host: NetlinkSocket, { name, bridge, local: text, link }: TunnelPlan): Place {
  const local = parseAddress(text);
  if (!local) throw new Error(`no underlay address: ${text}`);
  const [device, master, below] = needLinks(host, [name, bridge, ...(link === undefined ? [] : [link])]);
  if (!device || !master) throw new Error(`no such link: ${name}`);
  const gateway = macBytes(master.mac).toString('hex');
  return { index: device.index, via: below?.index ?? 0, local, gateway, ipv6: device.mtu >= 1280 };
}

/** The bridge's MAC is nobody else's: frames for it would leave the host. */
const understood = (plans: readonly PeerPlan[], { local, gateway, ipv6 }: Place): Peer[] =>
  plans.flatMap((plan) => {
    const peer = peerOf(plan, local);
    if (!peer || peer.mac === gateway) return [];
    return [ipv6 ? peer : { ...peer, addresses: peer.addresses.filter((address) => address.length === 8) }];
  });

/** Only the last is acknowledged, when all are done: an answer to each fills the socket's buffer. */
function send(host: NetlinkSocket, requests: readonly Request[]): void {
  host.transact(requests.map((request, at) => (at < requests.length - 1 ? { ...request, silent: true } : request)));
}

const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex');

/** An address is answered for when its frames have a way, and no more before they lose it. */
function requestsFor({ macs, addresses, hosts }: Touched, table: PeerTable, { index, via }: Place): Request[] {
  const present = { macs: [...macs].filter((mac) => table.hostOf(mac) !== undefined) };
  const gone = {
    addresses: [...addresses].filter((address) => table.ownerOf(address) === undefined),
    macs: [...macs].filter((mac) => table.hostOf(mac) === undefined),
    hosts: [...hosts].filter((one) => !table.takesPart(one)),
  };
  return [
    ...[...hosts].filter((one) => table.takesPart(one)).map((one) => forwarding.addFlooded(index, bytes(one), via)),
    ...present.macs.map((mac) => forwarding.setForwarding(bytes(mac), index, bytes(table.hostOf(mac) ?? ''), via)),
    ...[...addresses].flatMap((address) => {
      const owner = table.ownerOf(address);
      return owner === undefined ? [] : [neighbour.setPermanentNeighbour(bytes(address), bytes(owner), index)];
    }),
    ...gone.addresses.map((address) => neighbour.deleteNeighbour(bytes(address), index)),
    ...gone.macs.flatMap((mac) => forwarding.deleteForwarding(bytes(mac), index)),
    ...gone.hosts.map((one) => forwarding.deleteFlooded(index, bytes(one), via)),
  ];
}

/**
 * What makes the kernel's tables those of `table`, in the same order. Each is made out when it is asked for, from the table as it is
 * then: it may change meanwhile, and what changes there is carried out at once.
 */
function* differences(table: PeerTable, known: Known, { index, via }: Place): Generator<Request> {
  for (const one of table.hosts()) {
    if (table.takesPart(one) && !known.flooded.has(one)) yield forwarding.addFlooded(index, bytes(one), via);
  }
  for (const mac of table.macs()) {
    const one = table.hostOf(mac);
    if (one === undefined || (known.device.get(mac) === one && known.bridge.has(mac))) continue;
    yield forwarding.setForwarding(bytes(mac), index, bytes(one), via);
  }
  for (const address of table.addresses()) {
    const owner = table.ownerOf(address);
    if (owner === undefined || known.neighbours.get(address) === owner) continue;
    yield neighbour.setPermanentNeighbour(bytes(address), bytes(owner), index);
  }
  for (const address of known.neighbours.keys()) {
    if (table.ownerOf(address) === undefined) yield neighbour.deleteNeighbour(bytes(address), index);
  }
  for (const mac of new Set([...known.bridge, ...known.device.keys()])) {
    if (table.hostOf(mac) === undefined) yield* forwarding.deleteForwarding(bytes(mac), index);
  }
  for (const one of known.flooded) {
    if (!table.takesPart(one)) yield forwarding.deleteFlooded(index, bytes(one), via);
  }
}

/** On a socket of its own: others may be asked while a dump goes on. */
async function read(place: Place, table: PeerTable, pause: () => Promise<void>): Promise<Known> {
  const { index } = place;
  const socket = openNetlink(NETLINK_ROUTE);
  try {
    for (let reading = 1; ; reading++) {
      const { revision } = table;
      const known: Known = { device: new Map(), bridge: new Set(), neighbours: new Map(), flooded: new Set() };
      const dumps = [
        { request: forwarding.listForwarding(index), take: takeForwarding },
        { request: neighbour.listNeighbours(4, index), take: takeNeighbour },
        { request: neighbour.listNeighbours(6, index), take: takeNeighbour },
      ];
      for (const { request, take: into } of dumps) {
        for (const messages of socket.pieces(request)) {
          for (const { type, payload } of messages) if (type === neighbour.RTM_NEWNEIGH) into(payload, place, known);
          await pause();
        }
      }
      // The kernel counts its way through a table: what goes meanwhile lets it leave others out.
      if (table.revision === revision || reading === READINGS) return known;
    }
  } finally {
    socket.close();
  }
}

function takeForwarding(payload: Buffer, place: Place, known: Known): void {
  const { mac, link, ofBridge, fixed, host, via } = forwarding.decodeForwarding(payload);
  if (link !== place.index) return;
  const key = mac.toString('hex');
  if (ofBridge) {
    if (fixed) known.bridge.add(key);
  } else if (host) {
    const there = via === place.via ? host.toString('hex') : '';
    if (mac.equals(forwarding.NO_MAC)) known.flooded.add(there);
    // One with several hosts, or by another link, is nobody's of ours.
    else known.device.set(key, known.device.has(key) ? '' : there);
  }
}

function takeNeighbour(payload: Buffer, { index }: Place, known: Known): void {
  const { address, mac, link, permanent } = neighbour.decodeNeighbour(payload);
  if (link === index && permanent) known.neighbours.set(address.toString('hex'), mac?.toString('hex') ?? '');
}

function take<T>(items: Generator<T>, most: number): T[] {
  const taken: T[] = [];
  while (taken.length < most) {
    const { value, done } = items.next();
    if (done === true) break;
    taken.push(value);
  }
  return taken;
}

/** Lets others have the thread when TURN is over. */
function inTurns(): () => Promise<void> {
  let began = performance.now();
  return async () => {
    if (performance.now() - began < TURN) return;
    await setImmediate();
    began = performance.now();
  };
}

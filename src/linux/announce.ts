/**
 * Tells neighbours of the addresses of an interface that has just come up, so that they forget whoever had them before.
 *
 * A socket is opened inside the namespace for each announcement and closed again on a thread of the pool (close(2) of a packet
 * socket waits 7–16 ms for an RCU grace period): between two announcements nothing keeps the namespace alive, and dropping
 * it ends the rest. The kernel's own way (arp_notify, ndisc_notify) sends once only, and not after the bridge's port
 * forwards: the bridge sees the carrier a little later than the interface is up (0.1–1.5 ms measured, more when many start).
 */
import koffi from 'koffi';
import type { InterfacePlan } from '../drivers/plan.ts';
import { announcements } from './announcement.ts';
import { hasCode } from './links.ts';
import { libc, MSG_DONTWAIT, SOCK_CLOEXEC, SOCK_RAW } from './libc.ts';
import { inNamespace } from './namespace.ts';

const AF_PACKET = 17;
/** Until the bridge has noticed the carrier and forwards. */
const SETTLE = 20;

const closeFunction = koffi.load('libc.so.6').func('int close(int fd)');

export interface Announcer {
  /** Returns at once. `index` is the interface's ifindex inside the namespace. */
  announce(path: string, plan: InterfacePlan, index: number): void;
  /** No more for this namespace. */
  cancel(path: string): void;
  close(): void;
}

export function createAnnouncer(): Announcer {
  const pending = new Map<string, Set<NodeJS.Timeout>>();

  const cancel = (path: string): void => {
    for (const timer of pending.get(path) ?? []) clearTimeout(timer);
    pending.delete(path);
  };
  const schedule = (path: string, delay: number, body: () => void): void => {
    const timers = pending.get(path) ?? new Set();
    const timer = setTimeout(() => {
      timers.delete(timer);
      if (timers.size === 0) pending.delete(path);
      body();
    }, delay);
    timer.unref();
    timers.add(timer);
    pending.set(path, timers);
  };

  return {
    announce(path, { mac, addresses, announce: { count, interval } }, index) {
      const frames = announcements(mac, addresses);
      if (frames.length === 0) return;
      const again = (left: number): void => {
        if (left === 0 || !send(path, index, frames)) return;
        if (left > 1) schedule(path, interval, () => again(left - 1));
      };
      if (count > 0) schedule(path, SETTLE, () => again(count));
    },
    cancel,
    close() {
      for (const path of pending.keys()) cancel(path);
    },
  };
}

/** False when there is nobody to speak for any more. */
function send(path: string, index: number, frames: readonly Buffer[]): boolean {
  let fd: number | undefined;
  try {
    // The socket stays in its namespace; all else is done outside.
    fd = inNamespace(path, () => libc.socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
    const address = packetAddress(index);
    libc.bind(fd, address, address.length);
    for (const frame of frames) libc.send(fd, frame, frame.length, MSG_DONTWAIT);
    return true;
  } catch (error) {
    // The namespace or the interface is gone, or whoever is root in the container has set it down: it is no loss.
    if (hasCode(error, 'ENOENT', 'EINVAL', 'ENODEV', 'ENXIO', 'ENETDOWN', 'ENOBUFS', 'EAGAIN')) return false;
    throw error;
  } finally {
    if (fd !== undefined) closeFunction.async(fd, () => undefined);
  }
}

/**
 * struct sockaddr_ll (packet(7)), 20 bytes: u16 family, u16 protocol (0: nothing is received), i32 ifindex, and the rest, which
 * binding does not read.
 */
function packetAddress(index: number): Buffer {
  const address = Buffer.alloc(20);
  address.writeUInt16LE(AF_PACKET, 0);
  address.writeInt32LE(index, 4);
  return address;
}

/**
 * Tells neighbours of the addresses of an interface that has just come up, so that they forget whoever had them before.
 *
 * By a packet socket made inside the namespace, for as long as the announcements take; dropping the namespace closes it.
 * The kernel's own way (arp_notify, ndisc_notify) sends once only, and not after the bridge's port forwards: the bridge
 * sees the carrier a little later than the interface is up (0.1–1.5 ms measured, more when many start).
 */
import koffi from 'koffi';
import type { InterfacePlan } from '../drivers/plan.ts';
import { announcements } from './announcement.ts';
import { hasCode } from './links.ts';
import { libc, MSG_DONTWAIT, SOCK_CLOEXEC, SOCK_RAW } from './libc.ts';
import { inNamespace } from './namespace.ts';

const AF_PACKET = 17;
/** Milliseconds until the bridge has noticed the carrier and forwards. */
const SETTLE = 20;

export interface Announcer {
  /** Returns at once. `index` is the interface's ifindex inside the namespace. */
  announce(path: string, plan: InterfacePlan, index: number): void;
  /** No more for this namespace. */
  cancel(path: string): void;
  close(): void;
}

interface Speaker {
  path: string;
  timer: NodeJS.Timeout;
  socket: number | undefined;
}

export function createAnnouncer(): Announcer {
  const speakers = new Set<Speaker>();
  const closeSoon = createCloser();

  const end = (speaker: Speaker): void => {
    clearTimeout(speaker.timer);
    speakers.delete(speaker);
    if (speaker.socket !== undefined) closeSoon(speaker.socket);
    speaker.socket = undefined;
  };

  return {
    announce(path, { mac, addresses, announce: { count, interval } }, index) {
      const frames = announcements(mac, addresses);
      if (frames.length === 0 || count <= 0) return;
      const speak = (left: number): void => {
        const said = attempt(() => {
          speaker.socket ??= openPacketSocket(path, index);
          for (const frame of frames) libc.send(speaker.socket, frame, frame.length, MSG_DONTWAIT);
        });
        if (said && left > 1) speaker.timer = setTimeout(speak, interval, left - 1).unref();
        else end(speaker);
      };
      const speaker: Speaker = { path, timer: setTimeout(speak, SETTLE, count).unref(), socket: undefined };
      speakers.add(speaker);
    },
    cancel(path) {
      for (const speaker of speakers) if (speaker.path === path) end(speaker);
    },
    close() {
      for (const speaker of speakers) end(speaker);
    },
  };
}

/** False when there is nobody to speak for any more, or no memory to do it with: it is no loss. */
function attempt(body: () => void): boolean {
  try {
    body();
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'EINVAL', 'ENODEV', 'ENXIO', 'ENETDOWN', 'ENOBUFS', 'EAGAIN')) return false;
    throw error;
  }
}

/**
 * Bound by struct sockaddr_ll (packet(7)), 20 bytes: u16 family, u16 protocol (0: nothing is received), i32 ifindex, and the
 * rest, which binding does not read.
 */
function openPacketSocket(path: string, index: number): number {
  const fd = inNamespace(path, () => libc.socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
  try {
    const address = Buffer.alloc(20);
    address.writeUInt16LE(AF_PACKET, 0);
    address.writeInt32LE(index, 4);
    libc.bind(fd, address, address.length);
    return fd;
  } catch (error) {
    libc.close(fd);
    throw error;
  }
}

/**
 * Closing a packet socket waits 7–16 ms for an RCU grace period, so it is done on the thread pool, and by one thread at a
 * time: when fifty containers start at once, the others are needed for their files.
 */
function createCloser(): (fd: number) => void {
  const waiting: number[] = [];
  let busy = false;
  const next = (): void => {
    const fd = waiting.shift();
    busy = fd !== undefined;
    if (fd !== undefined) closeFunction.async(fd, next);
  };
  return (fd) => {
    waiting.push(fd);
    if (!busy) next();
  };
}

const closeFunction = koffi.load('libc.so.6').func('int close(int fd)');

/**
 * Tells neighbours of the addresses of an interface that has just come up, so that they forget whoever had them before.
 *
 * By a packet socket made inside the namespace, for as long as the announcements take; dropping the namespace closes it.
 * The kernel's own way (arp_notify, ndisc_notify) sends once only, and not after the bridge's port forwards: the bridge
 * sees the carrier a little later than the interface is up (0.1–1.5 ms measured, more when many start).
 */
import type { InterfacePlan } from '../drivers/plan.ts';
import { announcements } from './announcement.ts';
import { hasCode } from './links.ts';
import { closePacketSocket, openPacketSocket, sendFrame } from './packet-socket.ts';

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

  const end = (speaker: Speaker): void => {
    clearTimeout(speaker.timer);
    speakers.delete(speaker);
    if (speaker.socket !== undefined) void closePacketSocket(speaker.socket);
    speaker.socket = undefined;
  };

  return {
    announce(path, { mac, addresses, announce: { count, interval } }, index) {
      const frames = announcements(mac, addresses);
      if (frames.length === 0 || count <= 0) return;
      const speak = (left: number): void => {
        const said = attempt(() => {
          speaker.socket ??= openPacketSocket(path, index, { protocol: 0 });
          for (const frame of frames) sendFrame(speaker.socket, index, frame);
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

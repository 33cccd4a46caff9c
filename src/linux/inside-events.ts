/**
 * Which of the daemon's namespaces lost something, told from the notifications of all namespaces. Whoever is root in a container
 * can make the kernel send as many as he likes, so: they have a socket of their own, which is read a bounded number
 * of messages at a time and at intervals; a namespace is reported at most every PAUSE milliseconds; and when the kernel
 * dropped some, all namespaces are reported, but rarely.
 */
import { NetlinkFormatError } from './netlink/message.ts';
import { decodeLinkChange, RTM_DELLINK, RTM_NEWLINK } from './netlink/link.ts';
import { RTM_DELADDR } from './netlink/address.ts';
import { RTM_DELROUTE } from './netlink/route.ts';
import { decodeMessages } from './netlink/message.ts';
import type { Message } from './netlink/message.ts';
import type { Subscription } from './netlink/subscription.ts';

/** Milliseconds between two reports of one namespace. */
const PAUSE = 100;
/** …and between two reports of all of them because notifications were lost. */
const LONG_PAUSE = 5000;
/** Milliseconds for which notifications gather before they are read. */
const GATHER = 10;
/** Datagrams read at a time: 2 ms of work. All that the kernel keeps (20,000) are read within half a second. */
const MOST = 600;

/** An interface, an address or a route is gone, or an interface was set down. */
export function isLoss({ type, payload }: Message): boolean {
  if (type === RTM_DELADDR || type === RTM_DELROUTE) return true;
  if (type !== RTM_DELLINK && type !== RTM_NEWLINK) return false;
  const { bridgePort, wentDown } = decodeLinkChange(payload);
  return !bridgePort && (type === RTM_DELLINK || wentDown);
}

export class InsideEvents {
  readonly #subscription: Subscription;
  readonly #report: (path: string) => void;
  readonly #poll: { start(callback: () => void): void; stop(): void; close(): void };
  readonly #paths = new Map<number, string>();
  readonly #numbers = new Map<string, number>();
  readonly #lost = new Set<string>();
  readonly #reported = new Map<string, number>();
  #allReported = -Infinity;
  #overrun = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    subscription: Subscription,
    poll: { start(callback: () => void): void; stop(): void; close(): void },
    report: (path: string) => void,
  ) {
    this.#subscription = subscription;
    this.#poll = poll;
    this.#report = report;
    this.#listen();
  }

  /** The namespace that the host numbers `nsid` is bound to `path` from now on. */
  track(path: string, nsid: number): void {
    this.untrack(path);
    const before = this.#paths.get(nsid);
    if (before !== undefined) this.untrack(before);
    this.#paths.set(nsid, path);
    this.#numbers.set(path, nsid);
  }

  untrack(path: string): void {
    const nsid = this.#numbers.get(path);
    if (nsid !== undefined) this.#paths.delete(nsid);
    this.#numbers.delete(path);
    this.#lost.delete(path);
    this.#reported.delete(path);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#poll.close();
    this.#subscription.close();
  }

  #listen(): void {
    this.#poll.start(() => {
      this.#poll.stop();
      this.#wait(GATHER);
    });
  }

  #wait(milliseconds: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#work(), milliseconds);
  }

  #work(): void {
    const drained = this.#read();
    const pending = this.#reportLosses(performance.now());
    // Not drained: the readiness is there at once, and the gathering is the pause.
    if (drained) this.#listen();
    if (!drained) this.#wait(GATHER);
    else if (pending) this.#wait(PAUSE);
  }

  /** False when more may wait. */
  #read(): boolean {
    for (let count = 0; count < MOST; count++) {
      const received = this.#subscription.receive();
      if (received === undefined) return true;
      if (received === 'overrun') {
        this.#overrun = true;
        continue;
      }
      const path = received.nsid === undefined ? undefined : this.#paths.get(received.nsid);
      if (path === undefined || this.#lost.has(path)) continue;
      try {
        if (decodeMessages(received.data).some(isLoss)) this.#lost.add(path);
      } catch (error) {
        if (!(error instanceof NetlinkFormatError)) throw error;
        this.#lost.add(path);
      }
    }
    return false;
  }

  /** True when some have to wait. */
  #reportLosses(now: number): boolean {
    if (this.#overrun && now - this.#allReported >= LONG_PAUSE) {
      this.#overrun = false;
      this.#allReported = now;
      for (const path of this.#numbers.keys()) this.#lost.add(path);
    }
    for (const path of this.#lost) {
      if (now - (this.#reported.get(path) ?? -Infinity) < PAUSE) continue;
      this.#lost.delete(path);
      this.#reported.set(path, now);
      this.#report(path);
    }
    return this.#lost.size > 0 || this.#overrun;
  }
}

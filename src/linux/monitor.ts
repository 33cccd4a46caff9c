/**
 * Notifications of the kernel, heard in the event loop: links, addresses and routes of the host, those inside the daemon's
 * namespaces, and deleted firewall rules. No question is asked of the kernel for an event, except after it dropped some.
 */
import koffi from 'koffi';
import type { KernelEvent, Survey } from '../network/kernel.ts';
import { InsideEvents } from './inside-events.ts';
import { libc, O_CLOEXEC, O_RDONLY, SysError } from './libc.ts';
import { decodeMessages, NetlinkFormatError } from './netlink/message.ts';
import { ensureNsid } from './netlink/nsid.ts';
import { NETLINK_NETFILTER, NETLINK_ROUTE, openNetlink } from './netlink/socket.ts';
import type { NetlinkSocket } from './netlink/socket.ts';
import { subscribe } from './netlink/subscription.ts';
import type { Subscription } from './netlink/subscription.ts';
import { Present } from './present.ts';
import { NFNLGRP_NFTABLES, ownThread, RuleBatches } from './rule-events.ts';
import { isOwnWriter } from './rule-writers.ts';
import { dumpHost } from './survey.ts';

/** RTNLGRP_LINK, _IPV4_IFADDR, _IPV4_ROUTE, _IPV6_IFADDR, _IPV6_ROUTE (linux/rtnetlink.h). */
const GROUPS = [1, 5, 7, 9, 11];
/** Milliseconds from 'set down' to 'gone' of a link that is deleted. */
const LEAVING = 40;
/** Milliseconds until the host is looked at again, when that failed. */
const RETRY = 100;

export interface Monitor {
  /** As of now: what the kernel has told is read first (2 µs when there is nothing). */
  present(): Survey;
  /** Resolves when no link of the host has one of these names any more, or after `patience` milliseconds: those still there. */
  gone(names: readonly string[], patience: number): Promise<string[]>;
  /** 'bridge', 'veth'…, as last told; undefined when there is no such link. */
  kindOf(name: string): string | undefined;
  /** Events inside the namespace that is bound to `path` are reported from now on. */
  track(path: string): void;
  untrack(path: string): void;
  close(): void;
}

export function createMonitor(
  host: NetlinkSocket,
  ruleMarks: readonly Buffer[],
  listener: (event: KernelEvent) => void,
): Monitor {
  const home = subscribe(NETLINK_ROUTE, GROUPS);
  const everywhere = subscribe(NETLINK_ROUTE, GROUPS, true);
  const rules = subscribeRules(ruleMarks);
  // After the subscription: what changes meanwhile comes as an event.
  const present = new Present(dumpHost(host));
  let queue: KernelEvent[] = [];
  /** Links that changed, until it is clear that they were not about to go. */
  const changed = new Map<string, NodeJS.Timeout>();
  let scheduled: NodeJS.Immediate | undefined;
  const waiting = new Set<() => void>();

  const deliver = (): void => {
    scheduled = undefined;
    const events = withoutEcho(queue);
    queue = [];
    for (const event of events) listener(event);
  };
  /** Never out of a call of present(): its caller is in the middle of something. */
  const emit = (event: KernelEvent): void => {
    queue.push(event);
    scheduled ??= setImmediate(deliver);
  };
  const tell = (event: KernelEvent): void => {
    if (event.kind === 'link-changed') {
      const { name } = event;
      if (changed.has(name)) return;
      const later = (): void => {
        changed.delete(name);
        emit(event);
      };
      changed.set(name, setTimeout(later, LEAVING));
      return;
    }
    if (event.kind === 'link-gone') {
      clearTimeout(changed.get(event.name));
      changed.delete(event.name);
    }
    emit(event);
  };
  let again: NodeJS.Timeout | undefined;
  const lost = (): void => {
    try {
      present.load(dumpHost(host));
    } catch (error) {
      // In the event loop nobody catches it, and a kernel that is short of memory (ENOBUFS) has some a moment later.
      if (!(error instanceof SysError || error instanceof NetlinkFormatError)) throw error;
      clearTimeout(again);
      again = setTimeout(lost, RETRY);
      return;
    }
    emit({ kind: 'lost' });
  };
  const drain = (): void => {
    const complete = readAll(home, (data) => {
      for (const message of decodeMessages(data)) present.apply(message).forEach(tell);
    });
    if (!complete) lost();
    for (const look of waiting) look();
  };
  const homePoll = koffi.node.poll(home.fd, drain);
  const inside = new InsideEvents(
    everywhere,
    koffi.node.poll(everywhere.fd, () => undefined),
    (path) => emit({ kind: 'inside', path }),
  );
  const rulesPoll =
    rules &&
    koffi.node.poll(rules.subscription.fd, () => {
      let foreign = false;
      const complete = readAll(rules.subscription, (data) => {
        for (const writer of rules.batches.take(data)) foreign ||= !isOwnWriter(writer, rules.thread);
      });
      if (!complete) lost();
      else if (foreign) emit({ kind: 'rules-gone' });
    });

  return {
    present() {
      drain();
      return present.survey();
    },
    async gone(names, patience) {
      drain();
      const left = (): string[] => names.filter((name) => present.kindOf(name) !== undefined);
      if (left().length === 0 || patience <= 0) return left();
      return new Promise((resolve) => {
        const finish = (): void => {
          clearTimeout(timer);
          waiting.delete(look);
          resolve(left());
        };
        const look = (): void => {
          if (left().length === 0) finish();
        };
        const timer = setTimeout(finish, patience);
        waiting.add(look);
      });
    },
    kindOf: (name) => present.kindOf(name),
    track(path) {
      let fd: number | undefined;
      try {
        fd = libc.open(path, O_RDONLY | O_CLOEXEC, 0);
        const nsid = ensureNsid(host, fd);
        if (nsid !== undefined) inside.track(path, nsid);
      } catch (error) {
        // Its namespace is gone: nothing will happen there, and nobody's start fails for it.
        if (!(error instanceof SysError)) throw error;
      } finally {
        if (fd !== undefined) libc.close(fd);
      }
    },
    untrack: (path) => inside.untrack(path),
    close() {
      homePoll.close();
      home.close();
      inside.close();
      rulesPoll?.close();
      rules?.subscription.close();
      if (scheduled) clearImmediate(scheduled);
      clearTimeout(again);
      for (const timer of changed.values()) clearTimeout(timer);
      for (const look of waiting) look();
    },
  };
}

/** Datagram by datagram. False when some were dropped, or one cannot be understood. */
function readAll(subscription: Subscription, take: (data: Buffer) => void): boolean {
  let complete = true;
  for (;;) {
    const received = subscription.receive();
    if (received === undefined) return complete;
    if (received === 'overrun') complete = false;
    else {
      try {
        take(received.data);
      } catch (error) {
        if (!(error instanceof NetlinkFormatError)) throw error;
        complete = false;
      }
    }
  }
}

interface Rules {
  subscription: Subscription;
  batches: RuleBatches;
  thread: number | undefined;
}

/** undefined on a kernel without nf_tables. `marks`: bytes of which every message about a rule of this daemon's holds one. */
function subscribeRules(marks: readonly Buffer[]): Rules | undefined {
  const concerns = (message: Buffer): boolean => marks.some((mark) => message.includes(mark));
  let subscription;
  try {
    subscription = subscribe(NETLINK_NETFILTER, [NFNLGRP_NFTABLES]);
    const netfilter = openNetlink(NETLINK_NETFILTER);
    try {
      return { subscription, batches: new RuleBatches(concerns), thread: ownThread(netfilter) };
    } finally {
      netfilter.close();
    }
  } catch (error) {
    subscription?.close();
    if (error instanceof SysError) return undefined;
    throw error;
  }
}

/** What is said twice is said once. */
const withoutEcho = (events: readonly KernelEvent[]): KernelEvent[] => [
  ...new Map(events.map((event) => [JSON.stringify(event), event])).values(),
];

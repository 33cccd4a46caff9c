/** Whether a change of the rules was made by this daemon: by a thread of it, by a socket of it, or by a child that it named. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { RuleWriter } from './rule-events.ts';

const NETLINK_NETFILTER = 12;

const children = new Set<number>();

/**
 * A child that changes rules for the daemon (iptables-restore): its netlink socket has its number as port. To be called when it
 * was spawned; `done` when it has ended: its events may come a little later.
 */
export function ownRuleWriter(pid: number): { done(): void } {
  children.add(pid);
  return { done: () => void setTimeout(() => children.delete(pid), 1000).unref() };
}

export function isOwnWriter({ port, thread }: RuleWriter, mainThread: number | undefined): boolean {
  return (thread !== undefined && thread === mainThread) || children.has(port) || ownPorts().has(port);
}

/**
 * Ports of this process's netfilter sockets, found by their inodes: libnftables has one of its own, and works in the thread
 * pool. A millisecond; needed only when rules of interest are deleted by another thread than the main one.
 *
 *     /proc/net/netlink:  sk  Eth (protocol)  Pid (port)  Groups  Rmem  Wmem  Dump  Locks  Drops  Inode
 */
function ownPorts(): Set<number> {
  const inodes = new Set(
    readdirSync('/proc/self/fd').flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`))?.[1] ?? [];
      } catch {
        // The descriptor of the directory itself is closed by now.
        return [];
      }
    }),
  );
  const rows = readFileSync('/proc/thread-self/net/netlink', 'latin1').split('\n').slice(1);
  return new Set(
    rows.flatMap((row) => {
      const columns = row.trim().split(/\s+/);
      const own = Number(columns[1]) === NETLINK_NETFILTER && inodes.has(columns[9] ?? '');
      // Shown unsigned.
      return own ? [Number(columns[2]) | 0] : [];
    }),
  );
}

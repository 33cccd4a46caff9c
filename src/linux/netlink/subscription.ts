/**
 * A netlink socket that hears multicast groups (netlink(7)), for recvmsg(2) with its control message.
 *
 *     struct msghdr (56 bytes)                struct iovec        struct cmsghdr and its data
 *      0  address of sender, its length at 8   0  address          0  u64 length, header included
 *     16  address of the iovecs                8  u64 length      8  i32 level: SOL_NETLINK
 *     24  u64 number of iovecs                                    12  i32 type: NETLINK_LISTEN_ALL_NSID
 *     32  address of the control buffer                           16  i32 nsid
 *     40  u64 its length; the kernel writes what it used
 *     48  i32 flags of the answer (MSG_TRUNC…)
 */
import koffi from 'koffi';
import { AF_NETLINK, libc, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_RAW, SysError } from '../libc.ts';

const SOL_NETLINK = 270;
const NETLINK_LISTEN_ALL_NSID = 8;
const SOL_SOCKET = 1;
const SO_RCVBUFFORCE = 33;
/** Bytes that the kernel keeps for a slow reader before it drops events; used only while they wait. */
const RECEIVE_BUFFER = 16 << 20;
/** Notifications are at most one page long, nf_tables packs them into 8 KiB. */
const LONGEST = 65536;
/** Where the parts lie in the memory of a subscription: msghdr, iovec, control buffer, data. */
const VECTOR = 56;
const CONTROL = 72;
const DATA = 136;
const CMSG_HEADER = 16;
const MSG_DONTWAIT = 0x40;
/** Failures in a row that count as dropped events; one more, and the socket is no use. */
const MOST_FAILURES = 3;

const recvmsg = koffi.load('libc.so.6').func('ssize_t recvmsg(int fd, void *message, int flags)');

export interface Received {
  /** Valid until the next call. */
  data: Buffer;
  /** The namespace that it happened in, as this one numbers it; undefined for this one itself. */
  nsid: number | undefined;
}

export interface Subscription {
  readonly fd: number;
  /**
   * The next datagram; undefined when none waits; 'overrun' when some were dropped (ENOBUFS), or may have been: any other
   * failure is worth another look at the kernel, not the daemon's life, and once under load errno was ENOENT, which
   * recvmsg(2) does not give (it is the thread's, and others in it may write to it). Throws SysError when it goes on.
   */
  receive(): Received | 'overrun' | undefined;
  close(): void;
}

/**
 * `groups` by number (RTNLGRP_…, at most 32). With `allNamespaces` also those of every namespace that this one has an nsid
 * for (since Linux 4.2). Throws SysError (EPROTONOSUPPORT: not in this kernel).
 */
export function subscribe(protocol: number, groups: readonly number[], allNamespaces = false): Subscription {
  const fd = libc.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
  try {
    const size = Buffer.alloc(4);
    size.writeUInt32LE(RECEIVE_BUFFER);
    libc.setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, size, size.length);
    if (allNamespaces) libc.setsockopt(fd, SOL_NETLINK, NETLINK_LISTEN_ALL_NSID, Buffer.from([1, 0, 0, 0]), 4);
    // struct sockaddr_nl: u16 family, u16 pad, u32 port (0: the kernel chooses), u32 groups as bits.
    const address = Buffer.alloc(12);
    address.writeUInt16LE(AF_NETLINK, 0);
    address.writeUInt32LE(
      groups.reduce((mask, group) => (mask | (1 << (group - 1))) >>> 0, 0),
      8,
    );
    libc.bind(fd, address, address.length);
  } catch (error) {
    libc.close(fd);
    throw error;
  }
  // One piece of memory, so that nothing that the kernel is told of can be collected alone; slow: it does not move.
  const memory = Buffer.allocUnsafeSlow(DATA + LONGEST).fill(0, 0, DATA);
  const base = koffi.address(memory);
  const [header, vector, control] = [
    memory.subarray(0, VECTOR),
    memory.subarray(VECTOR, CONTROL),
    memory.subarray(CONTROL, DATA),
  ];
  vector.writeBigUInt64LE(base + BigInt(DATA), 0);
  vector.writeBigUInt64LE(BigInt(LONGEST), 8);
  header.writeBigUInt64LE(base + BigInt(VECTOR), 16);
  header.writeBigUInt64LE(1n, 24);
  header.writeBigUInt64LE(base + BigInt(CONTROL), 32);

  let failures = 0;
  return {
    fd,
    receive() {
      for (;;) {
        header.writeBigUInt64LE(BigInt(DATA - CONTROL), 40);
        const length = Number(recvmsg(fd, header, MSG_DONTWAIT));
        if (length >= 0) {
          failures = 0;
          const used = Number(header.readBigUInt64LE(40));
          return { data: memory.subarray(DATA, DATA + length), nsid: nsidIn(control.subarray(0, used)) };
        }
        const error = new SysError('recvmsg', koffi.errno());
        if (error.code === 'EINTR') continue;
        if (error.code === 'EAGAIN') {
          failures = 0;
          return undefined;
        }
        if (error.code !== 'ENOBUFS' && ++failures > MOST_FAILURES) throw error;
        return 'overrun';
      }
    },
    close: () => void libc.close(fd),
  };
}

/** From a control buffer; undefined when it says nothing of a namespace. */
export function nsidIn(control: Buffer): number | undefined {
  for (let offset = 0; offset + CMSG_HEADER + 4 <= control.length;) {
    const length = Number(control.readBigUInt64LE(offset));
    if (length < CMSG_HEADER || length > control.length) return undefined;
    const [level, type] = [control.readInt32LE(offset + 8), control.readInt32LE(offset + 12)];
    if (level === SOL_NETLINK && type === NETLINK_LISTEN_ALL_NSID && length >= CMSG_HEADER + 4) {
      return control.readInt32LE(offset + CMSG_HEADER);
    }
    offset += (length + 7) & ~7;
  }
  return undefined;
}

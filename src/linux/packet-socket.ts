/**
 * Packet sockets (packet(7)): whole Ethernet frames of one interface inside a namespace, whether it has an address or not, and past
 * the namespace's own firewall.
 *
 *     struct sockaddr_ll  0 u16 family   2 u16 protocol (network order)   4 i32 ifindex   8 u16 hatype   10 u8 pkttype
 *                        11 u8 halen    12 u8 address[8]                                                          = 20
 *     struct sock_filter  0 u16 code     2 u8 jump if true   3 u8 jump if false   4 u32 k                           = 8
 *     struct sock_fprog   0 u16 length   8 filter*                                                                 = 16
 */
import koffi from 'koffi';
import { libc, MSG_DONTWAIT, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_RAW, SysError } from './libc.ts';
import { inNamespace } from './namespace.ts';

const AF_PACKET = 17;
const SOCKADDR_LL_SIZE = 20;
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const SO_ATTACH_FILTER = 26;
/** Frames that nobody took out are dropped beyond it; the kernel doubles it. */
const RECEIVE_BUFFER = 64 * 1024;

/** One instruction of classic BPF (linux/filter.h): code, jumps, operand. */
export type FilterLine = readonly [code: number, jumpTrue: number, jumpFalse: number, k: number];

const library = koffi.load('libc.so.6');
const sendto = library.func(
  'ssize_t sendto(int fd, const void *data, size_t length, int flags, const void *to, uint32_t tolen)',
);
const closeFunction = library.func('int close(int fd)');

/** `protocol`: an Ethernet type, of which frames are received; 0 for none. */
function linkAddress(index: number, protocol: number): Buffer {
  const address = Buffer.alloc(SOCKADDR_LL_SIZE);
  address.writeUInt16LE(AF_PACKET, 0);
  address.writeUInt16BE(protocol, 2);
  address.writeInt32LE(index, 4);
  return address;
}

export interface PacketSocketOptions {
  /** Ethernet type of what is received; 0: nothing is. */
  protocol: number;
  /** What is let through; all without one. */
  filter?: readonly FilterLine[];
}

/** On the interface with this ifindex, inside the namespace at `path`. Throws SysError (ENOENT, ENODEV…). */
export function openPacketSocket(path: string, index: number, { protocol, filter }: PacketSocketOptions): number {
  // Of no protocol until it is bound: what arrived before would not have passed the filter, nor be of this interface alone.
  const fd = inNamespace(path, () => libc.socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  try {
    if (protocol !== 0) setInt(fd, SO_RCVBUF, RECEIVE_BUFFER);
    if (filter) attach(fd, filter);
    const address = linkAddress(index, protocol);
    libc.bind(fd, address, address.length);
    return fd;
  } catch (error) {
    libc.close(fd);
    throw error;
  }
}

function setInt(fd: number, option: number, value: number): void {
  const bytes = Buffer.allocUnsafeSlow(4);
  bytes.writeInt32LE(value);
  libc.setsockopt(fd, SOL_SOCKET, option, bytes, 4);
}

function attach(fd: number, filter: readonly FilterLine[]): void {
  // Slow: koffi hands the address out.
  const program = Buffer.allocUnsafeSlow(filter.length * 8);
  for (const [index, [code, jumpTrue, jumpFalse, k]] of filter.entries()) {
    program.writeUInt16LE(code, index * 8);
    program.writeUInt8(jumpTrue, index * 8 + 2);
    program.writeUInt8(jumpFalse, index * 8 + 3);
    program.writeUInt32LE(k, index * 8 + 4);
  }
  const fprog = Buffer.alloc(16);
  fprog.writeUInt16LE(filter.length, 0);
  fprog.writeBigUInt64LE(koffi.address(program), 8);
  libc.setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, fprog, fprog.length);
}

/** A whole frame; its own Ethernet type counts, whatever the socket receives. Throws SysError. */
export function sendFrame(fd: number, index: number, frame: Buffer): void {
  const address = linkAddress(index, frame.readUInt16BE(12));
  const sent = Number(sendto(fd, frame, frame.length, MSG_DONTWAIT, address, address.length));
  if (sent === -1) throw new SysError('sendto', koffi.errno());
}

/** The next frame, as a view of `room` that the next call overwrites; undefined when there is none. What is longer than `room` is cut. */
export function receiveFrame(fd: number, room: Buffer): Buffer | undefined {
  try {
    return room.subarray(0, libc.recv(fd, room, room.length, MSG_DONTWAIT));
  } catch (error) {
    // ENETDOWN, ENODEV: told once when the interface goes down or away.
    if (error instanceof SysError && ['EAGAIN', 'EINTR', 'ENETDOWN', 'ENODEV', 'ENXIO'].includes(error.code)) {
      return undefined;
    }
    throw error;
  }
}

/**
 * Closing a packet socket waits 7–16 ms for an RCU grace period, so it is done on the thread pool, and by one thread at a
 * time: when fifty containers start at once, the others are needed for their files.
 */
export async function closePacketSocket(fd: number): Promise<void> {
  return new Promise((resolve) => {
    waiting.push({ fd, resolve });
    if (!busy) closeNext();
  });
}

const waiting: { fd: number; resolve: () => void }[] = [];
let busy = false;

function closeNext(): void {
  const next = waiting.shift();
  busy = next !== undefined;
  if (!next) return;
  closeFunction.async(next.fd, () => {
    next.resolve();
    closeNext();
  });
}

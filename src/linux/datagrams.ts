/**
 * Datagrams by the dozen (recvmmsg(2), sendmmsg(2)): one system call each way for up to 64 of them, where Node's dgram makes
 * two for each and allocates besides. Offsets of 64-bit Linux:
 *
 *     struct mmsghdr  0 struct msghdr   56 u32 length   60 pad                                             = 64
 *     struct msghdr   0 name*   8 u32 namelen   16 iov*   24 u64 iovlen   32 control*   40 u64 controllen
 *                     48 i32 flags                                                                         = 56
 *     struct iovec    0 base*   8 u64 length                                                               = 16
 */
import koffi from 'koffi';
import { MSG_DONTWAIT, MSG_NOSIGNAL } from './libc.ts';

const MMSGHDR_SIZE = 64;
const IOVEC_SIZE = 16;
const SOCKADDR_IN_SIZE = 16;
const MSG_TRUNC = 0x20;

const library = koffi.load('libc.so.6');
// Without libc.ts's exceptions: EAGAIN ends most bursts.
const recvmmsg = library.func('int recvmmsg(int fd, void *messages, uint32_t count, int flags, void *timeout)');
const sendmmsg = library.func('int sendmmsg(int fd, void *messages, uint32_t count, int flags)');
const sendto = library.func(
  'ssize_t sendto(int fd, const void *data, size_t length, int flags, const void *to, uint32_t tolen)',
);

export interface BatchOptions {
  count: number;
  /** Bytes of the longest datagram that is taken; longer ones are left out. */
  receiveSize: number;
  sendSize: number;
}

/** Room for one burst on an IPv4 socket; used by one socket after the other. */
export class DatagramBatch {
  /** The received datagrams; length() bytes of each count. */
  readonly received: readonly Buffer[];
  readonly #count: number;
  readonly #lengths: Int32Array;
  readonly #peers: Buffer;
  readonly #peerAddresses: readonly bigint[];
  readonly #in: Buffer;
  readonly #out: Buffer;
  readonly #outVectors: Buffer;
  readonly #slots: readonly Buffer[];
  /** Whose address stands in each header of #out. */
  readonly #peerOf: Int32Array;
  #queued = 0;

  constructor({ count, receiveSize, sendSize }: BatchOptions) {
    this.#count = count;
    const bytes = (size: number): Buffer => Buffer.allocUnsafeSlow(size).fill(0);
    const received = bytes(count * receiveSize);
    const sent = bytes(count * sendSize);
    // One buffer for both, of which a part stays reachable: of the first half only the kernel knows later on.
    const inVectors = bytes(2 * count * IOVEC_SIZE);
    this.#outVectors = inVectors.subarray(count * IOVEC_SIZE);
    this.#peers = bytes(count * SOCKADDR_IN_SIZE);
    this.#in = bytes(count * MMSGHDR_SIZE);
    this.#out = bytes(count * MMSGHDR_SIZE);
    const [receivedAt, sentAt, inAt, outAt, peersAt] = [received, sent, inVectors, this.#outVectors, this.#peers].map(
      (buffer) => koffi.address(buffer),
    ) as [bigint, bigint, bigint, bigint, bigint];
    const slots = (buffer: Buffer, size: number): Buffer[] =>
      Array.from({ length: count }, (_, i) => buffer.subarray(i * size, (i + 1) * size));
    this.received = slots(received, receiveSize);
    this.#slots = slots(sent, sendSize);
    this.#lengths = new Int32Array(count);
    this.#peerOf = Int32Array.from({ length: count }, (_, i) => i);
    this.#peerAddresses = Array.from({ length: count }, (_, i) => peersAt + BigInt(i * SOCKADDR_IN_SIZE));
    for (let i = 0; i < count; i++) {
      const vector = i * IOVEC_SIZE;
      inVectors.writeBigUInt64LE(receivedAt + BigInt(i * receiveSize), vector);
      inVectors.writeBigUInt64LE(BigInt(receiveSize), vector + 8);
      this.#outVectors.writeBigUInt64LE(sentAt + BigInt(i * sendSize), vector);
      for (const [headers, vectorsAt] of [
        [this.#in, inAt],
        [this.#out, outAt],
      ] as const) {
        const header = i * MMSGHDR_SIZE;
        headers.writeBigUInt64LE(this.#peerAddresses[i] ?? 0n, header);
        headers.writeUInt32LE(SOCKADDR_IN_SIZE, header + 8);
        headers.writeBigUInt64LE(vectorsAt + BigInt(vector), header + 16);
        headers.writeBigUInt64LE(1n, header + 24);
      }
    }
  }

  /** How many datagrams there are now in `received`; fewer than `count` when the socket's queue is empty. */
  receive(fd: number): number {
    const count = Math.max(0, Number(recvmmsg(fd, this.#in, this.#count, MSG_DONTWAIT, null)));
    for (let i = 0; i < count; i++) {
      const header = i * MMSGHDR_SIZE;
      this.#lengths[i] = (this.#in[header + 48] ?? 0) & MSG_TRUNC ? 0 : this.#in.readUInt32LE(header + 56);
      // The kernel wrote how long the address is.
      this.#in.writeUInt32LE(SOCKADDR_IN_SIZE, header + 8);
    }
    return count;
  }

  /** Bytes of the datagram; 0 for one that was too long. */
  length(index: number): number {
    return this.#lengths[index] ?? 0;
  }

  /** A copy of the sender's sockaddr_in, for sendDatagram(). */
  peer(index: number): Buffer {
    const copy = Buffer.allocUnsafe(SOCKADDR_IN_SIZE);
    this.#peers.copy(copy, 0, index * SOCKADDR_IN_SIZE, (index + 1) * SOCKADDR_IN_SIZE);
    return copy;
  }

  /** Where the next answer is to be written. At most one for each datagram received. */
  get slot(): Buffer {
    const slot = this.#slots[this.#queued];
    if (!slot) throw new Error('more answers than datagrams');
    return slot;
  }

  /** The first `length` bytes of the slot are the answer to datagram `index`. */
  answer(index: number, length: number): void {
    const queued = this.#queued++;
    this.#outVectors.writeUInt32LE(length, queued * IOVEC_SIZE + 8);
    if (this.#peerOf[queued] === index) return;
    this.#peerOf[queued] = index;
    this.#out.writeBigUInt64LE(this.#peerAddresses[index] ?? 0n, queued * MMSGHDR_SIZE);
  }

  /** Sends all answers. What the socket does not take now is lost, as datagrams are. */
  flush(fd: number): void {
    for (let sent = 0; sent < this.#queued;) {
      const rest = sent === 0 ? this.#out : this.#out.subarray(sent * MMSGHDR_SIZE);
      const count = Number(sendmmsg(fd, rest, this.#queued - sent, MSG_DONTWAIT | MSG_NOSIGNAL));
      // The first one was refused (ECONNREFUSED of an earlier one, EAGAIN): the others may still go.
      sent += Math.max(1, count);
    }
    this.#queued = 0;
  }
}

/** Later than in its burst. What the socket does not take now is lost. */
export function sendDatagram(fd: number, peer: Buffer, data: Buffer): void {
  sendto(fd, data, data.length, MSG_DONTWAIT | MSG_NOSIGNAL, peer, peer.length);
}

/**
 * Datagrams together with the address of this host that they were sent to, so that the answer can come from there
 * (IP_PKTINFO of ip(7), IPV6_PKTINFO of RFC 3542 section 6; recvmsg(2), cmsg(3)). Offsets of 64-bit Linux:
 *
 *     struct msghdr       0 name*   8 u32 namelen   16 iov*   24 u64 iovlen   32 control*   40 u64 controllen
 *                         48 i32 flags                                                                    = 56
 *     struct iovec        0 base*   8 u64 length                                                          = 16
 *     struct cmsghdr      0 u64 length, header included   8 i32 level   12 i32 type   16 data, padded to 8
 *     struct in_pktinfo   0 i32 interface   4 u8[4] local address   8 u8[4] destination of the header      = 12
 *     struct in6_pktinfo  0 u8[16] address   16 u32 interface                                              = 20
 */
import koffi from 'koffi';
import { SOCKADDR_IN6_SIZE } from './listen-address.ts';
import { MSG_DONTWAIT, MSG_NOSIGNAL, SysError, libc } from './libc.ts';

const MSGHDR_SIZE = 56;
const CMSG_DATA = 16;
const CONTROL_SIZE = 64;
const IPPROTO_IP = 0;
const IPPROTO_IPV6 = 41;
const IP_PKTINFO = 8;
const IPV6_PKTINFO = 50;
const LONGEST = 65_535;

/** The two ends of a datagram's way, as the kernel writes them: to be compared and handed back. */
export interface DatagramPath {
  /** The peer's sockaddr. */
  readonly peer: Buffer;
  /** A control message that makes an answer leave from the address that the peer spoke to; empty when that is unknown. */
  readonly from: Buffer;
}

/** Room for one datagram at a time. Everything that it returns is valid until its next call. */
export class DatagramSlot {
  readonly #header = Buffer.allocUnsafeSlow(MSGHDR_SIZE);
  readonly #vector = Buffer.allocUnsafeSlow(16);
  readonly #peer = Buffer.allocUnsafeSlow(SOCKADDR_IN6_SIZE);
  readonly #control = Buffer.allocUnsafeSlow(CONTROL_SIZE);
  readonly #data = Buffer.allocUnsafeSlow(LONGEST);
  readonly #addresses = [this.#peer, this.#vector, this.#control, this.#data].map((b) => koffi.address(b));

  /** undefined when there is none to read. Errors of earlier sends (ECONNREFUSED …) are skipped. */
  receive(fd: number): (DatagramPath & { data: Buffer }) | undefined {
    const length = this.#try(() => {
      this.#prepare(SOCKADDR_IN6_SIZE, LONGEST, CONTROL_SIZE);
      return libc.recvmsg(fd, this.#header, MSG_DONTWAIT);
    });
    if (length === undefined) return undefined;
    const peer = this.#peer.subarray(0, this.#header.readUInt32LE(8));
    return {
      data: this.#data.subarray(0, length),
      peer,
      from: this.#pathBack(Number(this.#header.readBigUInt64LE(40))),
    };
  }

  /** From a connected socket; undefined when there is none to read. */
  receiveConnected(fd: number): Buffer | undefined {
    const length = this.#try(() => libc.recv(fd, this.#data, LONGEST, MSG_DONTWAIT));
    return length === undefined ? undefined : this.#data.subarray(0, length);
  }

  /** `data` is what the last receive returned. What cannot be sent now is lost, as datagrams are. */
  sendBack(fd: number, { peer, from }: DatagramPath, data: Buffer): void {
    peer.copy(this.#peer);
    from.copy(this.#control);
    this.#try(() => {
      this.#prepare(peer.length, data.length, from.length);
      return libc.sendmsg(fd, this.#header, MSG_DONTWAIT | MSG_NOSIGNAL);
    });
  }

  /** To the peer of a connected socket. */
  send(fd: number, data: Buffer): void {
    this.#try(() => libc.send(fd, data, data.length, MSG_DONTWAIT | MSG_NOSIGNAL));
  }

  #prepare(peer: number, data: number, control: number): void {
    const [peerAt = 0n, vectorAt = 0n, controlAt = 0n, dataAt = 0n] = this.#addresses;
    this.#vector.writeBigUInt64LE(dataAt, 0);
    this.#vector.writeBigUInt64LE(BigInt(data), 8);
    this.#header.fill(0);
    this.#header.writeBigUInt64LE(peerAt, 0);
    this.#header.writeUInt32LE(peer, 8);
    this.#header.writeBigUInt64LE(vectorAt, 16);
    this.#header.writeBigUInt64LE(1n, 24);
    if (control > 0) this.#header.writeBigUInt64LE(controlAt, 32);
    this.#header.writeBigUInt64LE(BigInt(control), 40);
  }

  /** A socket reports what became of earlier datagrams (ICMP) once, then works again. */
  #try(call: () => number): number | undefined {
    for (let attempt = 0; attempt < 8; attempt++) {
      try {
        return call();
      } catch (error) {
        if (!(error instanceof SysError)) throw error;
        if (error.code === 'EAGAIN') return undefined;
      }
    }
    return undefined;
  }

  /** The received control message made into the one to send: same layout, other meaning of two fields. */
  #pathBack(length: number): Buffer {
    if (length < CMSG_DATA) return Buffer.alloc(0);
    const [level, type] = [this.#control.readInt32LE(8), this.#control.readInt32LE(12)];
    if (level === IPPROTO_IP && type === IP_PKTINFO) {
      // Interface 0: the route decides; the local address becomes the source.
      this.#control.writeInt32LE(0, CMSG_DATA);
      return this.#control.subarray(0, CMSG_DATA + 16);
    }
    if (level === IPPROTO_IPV6 && type === IPV6_PKTINFO) {
      const [first = 0, second = 0] = this.#control.subarray(CMSG_DATA, CMSG_DATA + 2);
      // A multicast address is no source: the kernel chooses one.
      if (first === 0xff) this.#control.fill(0, CMSG_DATA, CMSG_DATA + 16);
      // Only a link-local one needs its interface; for the others the route decides.
      const linkLocal = first === 0xfe && (second & 0xc0) === 0x80;
      if (!linkLocal) this.#control.writeUInt32LE(0, CMSG_DATA + 16);
      return this.#control.subarray(0, CMSG_DATA + 24);
    }
    return Buffer.alloc(0);
  }
}

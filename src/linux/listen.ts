/**
 * Sockets that keep a port of the host, bound in a few µs each; no object of Node's stands behind them. Every function
 * returns a descriptor of the caller's (O_NONBLOCK, O_CLOEXEC) and throws SysError (EADDRINUSE, EADDRNOTAVAIL, EACCES,
 * EAFNOSUPPORT …).
 */
import koffi from 'koffi';
import { domainOf, socketAddress } from './listen-address.ts';
import { AF_INET6, SHUT_RDWR, SOCK_CLOEXEC, SOCK_DGRAM, SOCK_NONBLOCK, SOCK_STREAM, SysError, libc } from './libc.ts';

const IPPROTO_IP = 0;
const IPPROTO_TCP = 6;
const IPPROTO_UDP = 17;
const IPPROTO_IPV6 = 41;
const IPPROTO_SCTP = 132;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_ATTACH_FILTER = 26;
const IP_PKTINFO = 8;
const IPV6_V6ONLY = 26;
const IPV6_RECVPKTINFO = 49;
/** Cut down by the kernel to net.core.somaxconn. */
const BACKLOG = 65_535;

const on = Buffer.allocUnsafeSlow(4);
on.writeInt32LE(1);
const off = Buffer.allocUnsafeSlow(4).fill(0);

/**
 * A classic BPF program of one instruction, `ret #0`: every packet is dropped (socket(7), linux/filter.h).
 *
 *     struct sock_filter  0 u16 code   2 u8 jt   3 u8 jf   4 u32 k            = 8
 *     struct sock_fprog   0 u16 len    8 pointer to the instructions          = 16
 */
const BPF_RET_K = 0x06;
/** Program and instruction in one buffer: of a buffer of its own, known by its address alone, the collector would make an end. */
const dropAll = Buffer.allocUnsafeSlow(16 + 8).fill(0);
dropAll.writeUInt16LE(1, 0);
dropAll.writeBigUInt64LE(koffi.address(dropAll) + 16n, 8);
dropAll.writeUInt16LE(BPF_RET_K, 16);

function open(address: string, type: number, protocol: number, body: (fd: number) => void): number {
  const domain = domainOf(address);
  const fd = libc.socket(domain, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
  try {
    if (domain === AF_INET6) libc.setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, on, 4);
    body(fd);
    return fd;
  } catch (error) {
    libc.close(fd);
    throw error;
  }
}

function bindTo(fd: number, address: string, port: number): void {
  const target = socketAddress(address, port);
  libc.bind(fd, target, target.length);
}

/** Connections of a predecessor in TIME_WAIT do not refuse the port; another listener does. */
function bindStream(fd: number, address: string, port: number): void {
  libc.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, on, 4);
  bindTo(fd, address, port);
  libc.listen(fd, BACKLOG);
}

export function listenStream(address: string, port: number): number {
  return open(address, SOCK_STREAM, IPPROTO_TCP, (fd) => bindStream(fd, address, port));
}

/**
 * The port is nobody else's, and who connects to it is refused by the kernel. Only a listener makes a port with SO_REUSEADDR
 * exclusive (inet_csk_listen_start clears the bucket's fastreuse), and only a port without one is refused: so it listens
 * once, gives SO_REUSEADDR up, and stops listening, which leaves a bound socket bound (inet_shutdown, tcp_disconnect).
 */
export function keepStream(address: string, port: number): number {
  return open(address, SOCK_STREAM, IPPROTO_TCP, (fd) => {
    bindStream(fd, address, port);
    libc.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, off, 4);
    libc.shutdown(fd, SHUT_RDWR);
  });
}

/** Datagrams come with the address of the host that they were sent to: see listen-datagrams.ts. */
export function bindDatagram(address: string, port: number): number {
  return open(address, SOCK_DGRAM, IPPROTO_UDP, (fd) => {
    if (domainOf(address) === AF_INET6) libc.setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, on, 4);
    else libc.setsockopt(fd, IPPROTO_IP, IP_PKTINFO, on, 4);
    bindTo(fd, address, port);
  });
}

/** What comes is dropped before it fills a queue that nobody reads. */
export function keepDatagram(address: string, port: number): number {
  return open(address, SOCK_DGRAM, IPPROTO_UDP, (fd) => {
    libc.setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, dropAll, 16);
    bindTo(fd, address, port);
  });
}

/** Bound and not listening: an INIT is answered by ABORT. undefined when the kernel has no SCTP. */
export function keepSctp(address: string, port: number): number | undefined {
  try {
    return open(address, SOCK_STREAM, IPPROTO_SCTP, (fd) => bindTo(fd, address, port));
  } catch (error) {
    if (error instanceof SysError && ['EPROTONOSUPPORT', 'ESOCKTNOSUPPORT'].includes(error.code)) return undefined;
    throw error;
  }
}

/** A socket from which datagrams go to one peer only, and which hears no other. */
export function connectDatagram(address: string, port: number): number {
  const fd = libc.socket(domainOf(address), SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_UDP);
  try {
    const target = socketAddress(address, port);
    libc.connect(fd, target, target.length);
    return fd;
  } catch (error) {
    libc.close(fd);
    throw error;
  }
}

/** The next connection in the queue; undefined when there is none. EMFILE and the like are thrown. */
export function acceptStream(fd: number): number | undefined {
  for (;;) {
    try {
      return libc.accept4(fd, SOCK_CLOEXEC | SOCK_NONBLOCK);
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      if (error.code === 'EAGAIN') return undefined;
      // accept(2): errors of the connection itself are to be treated as "try the next".
      if (!TRANSIENT.has(error.code)) throw error;
    }
  }
}

const TRANSIENT: ReadonlySet<string> = new Set([
  'EINTR',
  'ECONNABORTED',
  'EPROTO',
  'ENETDOWN',
  'ENOPROTOOPT',
  'EHOSTDOWN',
  'ENONET',
  'EHOSTUNREACH',
  'EOPNOTSUPP',
  'ENETUNREACH',
]);

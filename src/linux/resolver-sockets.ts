/**
 * The resolver's sockets inside a container's network namespace. An open descriptor keeps the namespace, and so do the
 * sockets: it ends after close() and when the caller has closed what it got from here.
 */
import { readFileSync } from 'node:fs';
import koffi from 'koffi';
import { HeldNamespace } from './held-namespace.ts';
import { SOCKADDR_IN_SIZE, domainOf, socketAddress } from './listen-address.ts';
import { AF_INET, SOCK_CLOEXEC, SOCK_DGRAM, SOCK_NONBLOCK, SOCK_STREAM, SysError, libc } from './libc.ts';
import { redirectResolver } from './resolver-rules.ts';

/** Where a container finds its resolver: the same address as Docker's, in every namespace. */
export const RESOLVER_ADDRESS = '127.0.0.11';
const ADDRESS_BYTES = Uint8Array.of(127, 0, 0, 11);
const DNS_PORT = 53;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_RCVBUF = 8;
/** Some thousand queries may wait while the process is busy elsewhere. The kernel doubles it and cuts it to net.core.rmem_max. */
const RECEIVE_BUFFER = 1024 * 1024;
const BACKLOG = 128;
/** A kernel-chosen UDP port may be taken for TCP. */
const TRIES = 16;

/** Milliseconds: see resolver-rules.ts. */
const GRACE = 100;

const getsockname = koffi.load('libc.so.6').func('int getsockname(int fd, void *address, void *length)');

export interface ResolverSockets {
  /** Bound to the resolver's address; non-blocking, of the caller. */
  udp: number;
  /** Listening. */
  tcp: number;
  /** Of both. 53: there are no rules in the namespace that lead there. */
  port: number;
}

export class ResolverNamespace extends HeldNamespace {
  #settled: (() => void) | undefined;

  /**
   * Sockets, and the rules that lead to them in place of all older ones. `wish`: the port of a predecessor, so that clients that keep their
   * socket find this one.
   */
  open(wish: number): ResolverSockets {
    return this.run(() => {
      const sockets = openPair(wish);
      try {
        const rules = redirectResolver(ADDRESS_BYTES, { udp: sockets.port, tcp: sockets.port });
        if (rules) {
          this.#settle(rules.close);
          return sockets;
        }
      } catch (error) {
        closePair(sockets);
        throw error;
      }
      closePair(sockets);
      return bindPair(DNS_PORT);
    });
  }

  override close(): void {
    this.#settled?.();
    super.close();
  }

  #settle(close: () => void): void {
    const timer = setTimeout(() => this.#settled?.(), GRACE);
    timer.unref();
    this.#settled = () => {
      clearTimeout(timer);
      this.#settled = undefined;
      close();
    };
  }
}

function openPair(wish: number): ResolverSockets {
  for (let attempt = 1, port = wish; ; attempt++, port = 0) {
    try {
      return bindPair(port);
    } catch (error) {
      if (attempt === TRIES || !(error instanceof SysError) || error.code !== 'EADDRINUSE') throw error;
    }
  }
}

function bindPair(wish: number): ResolverSockets {
  const udp = libc.socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  let tcp = -1;
  try {
    setInt(udp, SO_RCVBUF, RECEIVE_BUFFER);
    bindTo(udp, wish);
    const port = wish || portOf(udp);
    tcp = libc.socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    setInt(tcp, SO_REUSEADDR, 1);
    bindTo(tcp, port);
    libc.listen(tcp, BACKLOG);
    return { udp, tcp, port };
  } catch (error) {
    libc.close(udp);
    if (tcp !== -1) libc.close(tcp);
    throw error;
  }
}

export function closePair({ udp, tcp }: ResolverSockets): void {
  libc.close(udp);
  libc.close(tcp);
}

function setInt(fd: number, option: number, value: number): void {
  const bytes = Buffer.allocUnsafeSlow(4);
  bytes.writeInt32LE(value);
  libc.setsockopt(fd, SOL_SOCKET, option, bytes, 4);
}

function bindTo(fd: number, port: number): void {
  const address = socketAddress(RESOLVER_ADDRESS, port);
  libc.bind(fd, address, address.length);
}

function portOf(fd: number): number {
  const address = Buffer.allocUnsafeSlow(SOCKADDR_IN_SIZE);
  const length = Buffer.allocUnsafeSlow(4);
  length.writeUInt32LE(SOCKADDR_IN_SIZE);
  if (Number(getsockname(fd, address, length)) === -1) throw new SysError('getsockname', koffi.errno());
  return address.readUInt16BE(2);
}

/**
 * To a name server, in the namespace that the thread is in; each from a random port. `address` may have a zone ('fe80::1%eth0', RFC 4007), a
 * link of the host. Throws SysError (ENETUNREACH …).
 */
export const queryDatagram = (address: string, port: number): number => query(SOCK_DGRAM, address, port);

/** A connection that is being made: its failure shows when it is read. */
export const queryStream = (address: string, port: number): number => query(SOCK_STREAM, address, port);

function query(type: number, address: string, port: number): number {
  const [host = '', zone] = address.split('%');
  const target = socketAddress(host, port);
  if (zone !== undefined) target.writeUInt32LE(linkIndex(zone), SCOPE_OFFSET);
  const fd = libc.socket(domainOf(host), type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  try {
    libc.connect(fd, target, target.length);
    return fd;
  } catch (error) {
    if (error instanceof SysError && error.code === 'EINPROGRESS') return fd;
    libc.close(fd);
    throw error;
  }
}

/** sin6_scope_id: listen-address.ts. */
const SCOPE_OFFSET = 24;

/** By name or number; throws when there is no such link. */
function linkIndex(zone: string): number {
  if (/^\d+$/.test(zone)) return Number(zone);
  return Number(readFileSync(`/sys/class/net/${zone.replaceAll('/', '')}/ifindex`, 'utf8'));
}

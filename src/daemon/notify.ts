/** Readiness for systemd: sd_notify(3), one datagram, no process spawned. */
import { closeSync } from 'node:fs';
import { AF_UNIX, libc, MSG_NOSIGNAL, SOCK_CLOEXEC, SOCK_DGRAM } from '../linux/libc.ts';

/** sizeof(sun_path), unix(7). */
const PATH_BYTES = 108;

/**
 * Sends e.g. 'READY=1' to `address` (the variable NOTIFY_SOCKET): a path, or '@name' of an abstract socket. Does
 * nothing without an address; throws SysError when nobody listens there.
 */
export function notify(address: string | undefined, state: string): void {
  if (!address) return;
  const sockaddr = unixAddress(address);
  const fd = libc.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  try {
    libc.connect(fd, sockaddr, sockaddr.length);
    const data = Buffer.from(state);
    libc.send(fd, data, data.length, MSG_NOSIGNAL);
  } finally {
    closeSync(fd);
  }
}

/** struct sockaddr_un: family (u16), then the path with its NUL, or a NUL and the abstract name without one. */
export function unixAddress(address: string): Buffer {
  const abstract = address.startsWith('@');
  const path = Buffer.from(abstract ? `\0${address.slice(1)}` : `${address}\0`);
  if (!(abstract || address.startsWith('/')) || path.length > PATH_BYTES) {
    throw new Error(`NOTIFY_SOCKET is neither an absolute path nor '@name' of at most 107 bytes: ${address}`);
  }
  const family = Buffer.alloc(2);
  family.writeUInt16LE(AF_UNIX);
  return Buffer.concat([family, path]);
}

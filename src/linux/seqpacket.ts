/**
 * A connected AF_UNIX SOCK_SEQPACKET socket (unix(7)), which Node's own sockets cannot be: every read is one packet.
 * Nothing is taken from the socket before read() asks for it, so that the sender feels a slow reader.
 */
import { closeSync, openSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import {
  AF_UNIX,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  SHUT_WR,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_SEQPACKET,
  SysError,
  libc,
  pollOnce,
} from './libc.ts';

/** koffi names it by its other name, EWOULDBLOCK. */
const EAGAIN = 11;

/** struct sockaddr_un: 2 bytes of family, then the path with its NUL in 108 bytes. */
const PATH_OFFSET = 2;
const LONGEST_PATH = 107;

export interface SeqpacketSocket {
  /** The next packet; undefined when the peer has closed, or after close(). One read at a time. */
  read(): Promise<Buffer | undefined>;
  /** Sends one packet; waits while the peer's queue is full. False when the peer is gone. */
  write(packet: Buffer): Promise<boolean>;
  /** No more packets from here; the peer's still arrive. */
  end(): void;
  close(): void;
}

function address(path: string): Buffer {
  const bytes = Buffer.from(path);
  const result = Buffer.alloc(PATH_OFFSET + bytes.length + 1);
  result.writeUInt16LE(AF_UNIX, 0);
  bytes.copy(result, PATH_OFFSET);
  return result;
}

/** Throws SysError (ENOENT, ECONNREFUSED …). A path too long for sun_path is reached through its directory's descriptor. */
export function connectSeqpacket(path: string, largestPacket: number): SeqpacketSocket {
  const fd = libc.socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  let directory: number | undefined;
  try {
    let name = path;
    if (Buffer.byteLength(path) > LONGEST_PATH) {
      directory = openSync(dirname(path), 'r');
      name = `/proc/self/fd/${directory}/${basename(path)}`;
    }
    const target = address(name);
    libc.connect(fd, target, target.length);
  } catch (error) {
    libc.close(fd);
    throw error;
  } finally {
    if (directory !== undefined) closeSync(directory);
  }
  return new Socket(fd, largestPacket);
}

const isRetry = (error: unknown): boolean =>
  error instanceof SysError && (error.errno === EAGAIN || error.code === 'EINTR');

class Socket implements SeqpacketSocket {
  #fd: number;
  #closed = false;
  #waiting = new Set<{ close(): void; resolve(): void }>();
  readonly #largest: number;

  constructor(fd: number, largest: number) {
    this.#fd = fd;
    this.#largest = largest;
  }

  async read(): Promise<Buffer | undefined> {
    while (!this.#closed) {
      try {
        // Not from the pool: koffi hands the address out, and consumers may keep the packet.
        const packet = Buffer.allocUnsafeSlow(this.#largest);
        const length = libc.recv(this.#fd, packet, packet.length, MSG_DONTWAIT);
        return length === 0 ? undefined : packet.subarray(0, length);
      } catch (error) {
        if (error instanceof SysError && error.code === 'ECONNRESET') return undefined;
        if (!isRetry(error)) throw error;
      }
      await this.#ready({ readable: true });
    }
    return undefined;
  }

  async write(packet: Buffer): Promise<boolean> {
    while (!this.#closed) {
      try {
        libc.send(this.#fd, packet, packet.length, MSG_DONTWAIT | MSG_NOSIGNAL);
        return true;
      } catch (error) {
        if (error instanceof SysError && ['EPIPE', 'ECONNRESET', 'ENOTCONN'].includes(error.code)) return false;
        if (!isRetry(error)) throw error;
      }
      await this.#ready({ writable: true });
    }
    return false;
  }

  end(): void {
    if (this.#closed) return;
    try {
      libc.shutdown(this.#fd, SHUT_WR);
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const waiting of this.#waiting) {
      waiting.close();
      waiting.resolve();
    }
    this.#waiting.clear();
    libc.close(this.#fd);
  }

  async #ready(what: { readable?: boolean; writable?: boolean }): Promise<void> {
    // uv_poll knows one handle for a descriptor: reader and writer each wait on a duplicate of their own.
    const fd = libc.dup(this.#fd);
    await new Promise<void>((resolve) => {
      const poll = pollOnce(fd, what, () => {
        this.#waiting.delete(waiting);
        resolve();
      });
      const waiting = { close: () => poll.close(), resolve };
      this.#waiting.add(waiting);
    });
    libc.close(fd);
  }
}

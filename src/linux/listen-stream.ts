/**
 * TCP connections carried from one socket to another without their bytes coming to user space (splice(2) through a pipe,
 * as docker-proxy does by way of Go's io.Copy).
 */
import koffi from 'koffi';
import { domainOf, socketAddress } from './listen-address.ts';
import { O_CLOEXEC, O_NONBLOCK, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_STREAM, SysError, libc } from './libc.ts';

const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
const TCP_KEEPIDLE = 4;
const TCP_KEEPINTVL = 5;
const SOL_SOCKET = 1;
const SO_KEEPALIVE = 9;
const SO_LINGER = 13;
const F_SETPIPE_SZ = 1031;
const SPLICE_F_MOVE = 1;
const SPLICE_F_NONBLOCK = 2;
const EAGAIN = 11;

const number = (value: number): Buffer => {
  const result = Buffer.allocUnsafeSlow(4);
  result.writeInt32LE(value);
  return result;
};
const on = number(1);
/** Seconds of silence after which the kernel asks whether the peer is there still, as docker-proxy does. */
const keepalive = number(15);
/** struct linger: 0 i32 on, 4 i32 seconds. On and 0 seconds: close(2) sends a reset. */
const lingerReset = Buffer.concat([number(1), number(0)]);

export function tuneStream(fd: number): void {
  libc.setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, on, 4);
  libc.setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, on, 4);
  libc.setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, keepalive, 4);
  libc.setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, keepalive, 4);
}

/** Begins to connect: the socket becomes writable when it is connected, or has EPOLLERR. */
export function connectStream(address: string, port: number): number {
  const fd = libc.socket(domainOf(address), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
  try {
    const target = socketAddress(address, port);
    libc.connect(fd, target, target.length);
  } catch (error) {
    if (!(error instanceof SysError) || error.code !== 'EINPROGRESS') {
      libc.close(fd);
      throw error;
    }
  }
  return fd;
}

/** Closes it; the peer sees a reset. */
export function resetStream(fd: number): void {
  try {
    libc.setsockopt(fd, SOL_SOCKET, SO_LINGER, lingerReset, lingerReset.length);
  } finally {
    libc.close(fd);
  }
}

export interface Pipe {
  reading: number;
  writing: number;
}

/** Bytes; 64 pages, each of which may hold more than one segment's worth. */
export const PIPE_SIZE = 256 * 1024;
/** An idle connection needs no pipe: few serve many. */
const SPARE_PIPES = 32;

const library = koffi.load('libc.so.6');
const fcntl = library.func('int fcntl(int fd, int command, int value)');
const spliceRaw = library.func(
  'int64_t splice(int from, void *fromOffset, int to, void *toOffset, size_t length, uint32_t flags)',
);

export class PipePool implements Disposable {
  readonly #spare: Pipe[] = [];

  /** An empty one. Throws SysError (EMFILE). */
  take(): Pipe {
    const known = this.#spare.pop();
    if (known) return known;
    const fds = Buffer.allocUnsafeSlow(8);
    libc.pipe2(fds, O_CLOEXEC | O_NONBLOCK);
    const pipe = { reading: fds.readInt32LE(0), writing: fds.readInt32LE(4) };
    // Refused without CAP_SYS_RESOURCE above fs.pipe-user-pages-soft: the 64 KiB that it has will do.
    fcntl(pipe.writing, F_SETPIPE_SZ, PIPE_SIZE);
    return pipe;
  }

  give(pipe: Pipe, { empty }: { empty: boolean }): void {
    if (empty && this.#spare.length < SPARE_PIPES) this.#spare.push(pipe);
    else closePipe(pipe);
  }

  [Symbol.dispose](): void {
    for (const pipe of this.#spare.splice(0)) closePipe(pipe);
  }
}

function closePipe({ reading, writing }: Pipe): void {
  libc.close(reading);
  libc.close(writing);
}

/** Bytes moved, 0 at the end of `from`, undefined when it would have to wait. */
export function splice(from: number, to: number, length: number): number | undefined {
  const moved = Number(spliceRaw(from, null, to, null, length, SPLICE_F_MOVE | SPLICE_F_NONBLOCK));
  if (moved >= 0) return moved;
  const errno = koffi.errno();
  // The usual end of every turn: no exception for it.
  if (errno === EAGAIN) return undefined;
  throw new SysError('splice', errno);
}

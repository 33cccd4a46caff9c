/** Queries over TCP (RFC 1035 section 4.2.2, RFC 7766): each message behind its length in two bytes, several at a time. */
import { Socket } from 'node:net';
import { acceptStream } from '../linux/listen.ts';
import { LONGEST_MESSAGE } from './codec.ts';

/** Of one container. Beyond, the oldest makes room: one that keeps connections open harms nobody but itself. */
const MOST_CONNECTIONS = 256;
/** Taken in before others have their turn. */
const ACCEPT_BATCH = 64;
/** Answered before others have theirs: 64 kB that come at once hold thousands. */
const QUERY_BATCH = 32;
const IDLE = 10_000;
/** Bytes of one query: a name, a type, and options. All that wait for others are kept. */
export const LONGEST_QUERY = 2048;
/** A client that asks and does not read: two of the longest answers, beside what the kernel keeps. */
const MOST_UNREAD = 128 * 1024;

/** Answers one query; `send` may be called later, once, with less than 65,536 bytes, or never. */
export type StreamHandler = (query: Buffer, send: (answer: Buffer) => void) => void;

export class StreamConnections {
  readonly #open = new Set<Socket>();
  readonly #handle: StreamHandler;

  constructor(handle: StreamHandler) {
    this.#handle = handle;
  }

  /** Takes connections that wait at the listener; it stays readable when there are more. Throws SysError (EMFILE …). */
  accept(listener: number): void {
    for (let taken = 0; taken < ACCEPT_BATCH; taken++) {
      const fd = acceptStream(listener);
      if (fd === undefined) return;
      const [oldest] = this.#open;
      if (oldest && this.#open.size >= MOST_CONNECTIONS) this.#end(oldest);
      this.#serve(new Socket({ fd, readable: true, writable: true }));
    }
  }

  close(): void {
    for (const socket of this.#open) socket.destroy();
  }

  #serve(socket: Socket): void {
    this.#open.add(socket);
    let rest = Buffer.alloc(0);
    socket.setTimeout(IDLE, () => socket.destroy());
    socket.on('error', () => undefined);
    socket.on('close', () => this.#open.delete(socket));
    const work = (): void => {
      for (let count = 0; count < QUERY_BATCH && !socket.destroyed; count++) {
        const length = rest.length < 2 ? 0 : rest.readUInt16BE(0);
        if (length > LONGEST_QUERY) {
          this.#end(socket);
          return;
        }
        if (rest.length < 2 + length) {
          socket.resume();
          return;
        }
        const query = rest.subarray(2, 2 + length);
        rest = rest.subarray(2 + length);
        this.#handle(query, (answer) => this.#send(socket, answer));
      }
      if (socket.destroyed) return;
      socket.pause();
      setImmediate(work);
    };
    socket.on('data', (data) => {
      rest = rest.length === 0 ? data : Buffer.concat([rest, data]);
      work();
    });
  }

  /** Its 'close' comes later: by then others may have been taken in. */
  #end(socket: Socket): void {
    this.#open.delete(socket);
    socket.destroy();
  }

  #send(socket: Socket, answer: Buffer): void {
    if (socket.destroyed || answer.length > LONGEST_MESSAGE) return;
    if (socket.writableLength > MOST_UNREAD) {
      this.#end(socket);
      return;
    }
    const frame = Buffer.allocUnsafe(2 + answer.length);
    frame.writeUInt16BE(answer.length, 0);
    answer.copy(frame, 2);
    socket.write(frame);
  }
}

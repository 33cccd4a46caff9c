/**
 * The multiplexed stream of attach, exec and logs (Engine API, "Attach to a container", stream format):
 *
 *   offset 0  1 byte   1 stdout, 2 stderr
 *   offset 1  3 bytes  zero
 *   offset 4  4 bytes  length of the payload, big endian
 *   offset 8           payload
 */
import type { Writable } from 'node:stream';

const HEADER = 8;
/** Below this, one copy is cheaper than a second chunk on the way to the socket. */
const COPY_LIMIT = 4096;

function header(stream: 1 | 2, length: number): Buffer {
  const bytes = Buffer.alloc(HEADER);
  bytes[0] = stream;
  bytes.writeUInt32BE(length, 4);
  return bytes;
}

export function frame(stream: 1 | 2, payload: Buffer): Buffer {
  return Buffer.concat([header(stream, payload.length), payload], HEADER + payload.length);
}

/** Returns false when the sink is full: wait for `drained` before the next. */
export function writeFrame(sink: Writable, stream: 1 | 2, payload: Buffer): boolean {
  if (payload.length <= COPY_LIMIT) return sink.write(frame(stream, payload));
  sink.cork();
  sink.write(header(stream, payload.length));
  const free = sink.write(payload);
  sink.uncork();
  return free;
}

/** Resolves when the sink takes data again, or never will (closed). */
export function drained(sink: Writable): Promise<void> {
  if (sink.destroyed || sink.closed || !sink.writableNeedDrain) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      sink.off('drain', done);
      sink.off('close', done);
      resolve();
    };
    sink.on('drain', done);
    sink.on('close', done);
  });
}

/** Bytes that are gathered before they are sent without waiting for the end of the turn. */
const BATCH = 32 * 1024;

/** Gathers what is written in one turn: a log has thousands of short lines, and each write costs a system call. */
export class Batch {
  readonly #sink: Writable;
  #pending: Buffer[] = [];
  #size = 0;
  #scheduled = false;

  constructor(sink: Writable) {
    this.#sink = sink;
  }

  /** As Writable.write: false means to wait for `drained`. */
  write(data: Buffer): boolean {
    this.#pending.push(data);
    this.#size += data.length;
    if (this.#size >= BATCH) this.flush();
    else if (!this.#scheduled) {
      this.#scheduled = true;
      process.nextTick(() => {
        this.#scheduled = false;
        this.flush();
      });
    }
    return !this.#sink.writableNeedDrain;
  }

  flush(): void {
    if (this.#size === 0) return;
    const data = Buffer.concat(this.#pending, this.#size);
    this.#pending = [];
    this.#size = 0;
    if (!this.#sink.destroyed) this.#sink.write(data);
  }
}

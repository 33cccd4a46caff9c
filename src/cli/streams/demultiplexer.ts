/**
 * The API's multiplexed stream: frames of an 8-byte head (stream, 3 × 0, length as a big-endian uint32) and a payload.
 * Pure; see "Stream format" of the Engine API's /containers/{id}/attach.
 */
export interface Part {
  /** 1 stdout, 2 stderr. */
  stream: 1 | 2;
  data: Buffer;
}

const HEAD = 8;
/** What the daemon has to say about the stream itself. */
const SYSTEM_ERROR = 3;
/** A message, not a payload: nothing sends more. */
const MESSAGE_LIMIT = 64 * 1024;

export class Demultiplexer {
  /** An incomplete head. */
  #head: Buffer = Buffer.alloc(0);
  #stream = 0;
  /** Bytes left of the present payload. */
  #left = 0;
  #message: Buffer[] = [];

  /** The payloads in `chunk`, in order, without waiting for the end of a frame. Throws an Error when it is no such stream. */
  push(chunk: Buffer): Part[] {
    const parts: Part[] = [];
    let at = 0;
    while (at < chunk.length) {
      if (this.#left === 0) {
        const need = HEAD - this.#head.length;
        const piece = chunk.subarray(at, at + need);
        at += piece.length;
        this.#head = this.#head.length === 0 ? piece : Buffer.concat([this.#head, piece]);
        if (this.#head.length < HEAD) break;
        this.#begin(this.#head);
        this.#head = Buffer.alloc(0);
        continue;
      }
      const data = chunk.subarray(at, at + this.#left);
      at += data.length;
      this.#left -= data.length;
      if (this.#stream !== SYSTEM_ERROR) parts.push({ stream: this.#stream === 2 ? 2 : 1, data });
      else this.#collect(data);
    }
    return parts;
  }

  #begin(head: Buffer): void {
    const stream = head.readUInt8(0);
    const length = head.readUInt32BE(4);
    if (stream > SYSTEM_ERROR || (stream === SYSTEM_ERROR && length > MESSAGE_LIMIT)) {
      throw new Error(`unrecognized input header: ${stream}`);
    }
    this.#stream = stream;
    this.#left = length;
  }

  #collect(data: Buffer): void {
    this.#message.push(Buffer.from(data));
    if (this.#left > 0) return;
    throw new Error(`error from daemon in stream: ${Buffer.concat(this.#message).toString()}`);
  }
}

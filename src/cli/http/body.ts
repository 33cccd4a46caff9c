/** The body of an answer, decoded as its bytes arrive: chunked, by length, or until the connection ends. Pure. */
import { ProtocolError, type ResponseHead } from './head.ts';

export interface BodyDecoder {
  /** True once the whole body has been seen. */
  readonly done: boolean;
  /** The body's bytes in `data`; what comes after the end is ignored. Throws ProtocolError. */
  push(data: Buffer): Buffer[];
  /** The connection has ended. Throws ProtocolError when the body had not. */
  end(): void;
}

/** RFC 9112 section 6.3. */
export function bodyDecoder(head: ResponseHead, method: string): BodyDecoder {
  if (method === 'HEAD' || head.status === 204 || head.status === 304) return byLength(0);
  if (head.headers.get('transfer-encoding')?.toLowerCase() === 'chunked') return new Chunked();
  const length = head.headers.get('content-length');
  if (length === undefined) return untilEnd();
  if (!/^\d{1,15}$/.test(length)) throw new ProtocolError(`malformed Content-Length ${JSON.stringify(length)}`);
  return byLength(Number(length));
}

function byLength(length: number): BodyDecoder {
  let left = length;
  return {
    get done() {
      return left === 0;
    },
    push(data) {
      const part = data.subarray(0, left);
      left -= part.length;
      return part.length === 0 ? [] : [part];
    },
    end() {
      if (left > 0) throw new ProtocolError('unexpected EOF');
    },
  };
}

function untilEnd(): BodyDecoder {
  let done = false;
  return {
    get done() {
      return done;
    },
    push: (data) => (data.length === 0 ? [] : [data]),
    end() {
      done = true;
    },
  };
}

/** A chunk's size line, or one of the trailer. */
const LINE_LIMIT = 8 * 1024;

/** RFC 9112 section 7.1. */
class Chunked implements BodyDecoder {
  #state: 'size' | 'data' | 'data-end' | 'trailer' | 'done' = 'size';
  /** Bytes left of the present chunk. */
  #left = 0;
  /** An incomplete line. */
  #line = '';

  get done(): boolean {
    return this.#state === 'done';
  }

  push(data: Buffer): Buffer[] {
    const out: Buffer[] = [];
    let at = 0;
    while (at < data.length && this.#state !== 'done') {
      if (this.#state === 'data') {
        const part = data.subarray(at, at + this.#left);
        out.push(part);
        at += part.length;
        this.#left -= part.length;
        if (this.#left === 0) this.#state = 'data-end';
        continue;
      }
      const newline = data.indexOf(0x0a, at);
      this.#line += data.toString('latin1', at, newline < 0 ? data.length : newline);
      if (this.#line.length > LINE_LIMIT) throw new ProtocolError('a line of a chunked HTTP body is too long');
      if (newline < 0) break;
      at = newline + 1;
      const line = this.#line.replace(/\r$/, '');
      this.#line = '';
      this.#take(line);
    }
    return out;
  }

  #take(line: string): void {
    if (this.#state === 'trailer') {
      if (line === '') this.#state = 'done';
    } else if (this.#state === 'data-end') {
      if (line !== '') throw new ProtocolError('malformed chunked HTTP body');
      this.#state = 'size';
    } else {
      const size = /^([0-9a-f]{1,12})[ \t]*(?:;.*)?$/i.exec(line)?.[1];
      if (size === undefined) throw new ProtocolError('malformed chunked HTTP body');
      this.#left = Number.parseInt(size, 16);
      this.#state = this.#left === 0 ? 'trailer' : 'data';
    }
  }

  end(): void {
    if (this.#state !== 'done') throw new ProtocolError('unexpected EOF');
  }
}

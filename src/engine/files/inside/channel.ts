/** The two ways out of berth-files: answers to berthd, and the bytes of an archive. All of it blocks: there is one client. */
import { readSync, writeSync } from 'node:fs';
import { CONTROL_FD, type Answer, type Job } from '../job.ts';

export const STDIN = 0;
export const STDOUT = 1;
const PIECE = 256 * 1024;

/** The other end may be gone: EPIPE ends the job. */
export function writeAll(fd: number, data: Uint8Array): void {
  for (let at = 0; at < data.length;) at += writeSync(fd, data, at, data.length - at);
}

export const tell = (answer: Answer): void => writeAll(CONTROL_FD, Buffer.from(`${JSON.stringify(answer)}\n`));

export function readJob(): Job {
  let text = '';
  for (const chunk of chunksOf(CONTROL_FD)) {
    text += chunk.toString();
    if (text.endsWith('\n')) break;
  }
  return JSON.parse(text) as Job;
}

/** Until the end; a chunk is valid until the next one is asked for. */
export function* chunksOf(fd: number): Generator<Buffer> {
  const piece = Buffer.allocUnsafe(PIECE);
  for (let size = 0; (size = readSync(fd, piece, 0, PIECE, null)) > 0;) yield piece.subarray(0, size);
}

export const input = (): Generator<Buffer> => chunksOf(STDIN);

/** Small pieces (headers, padding) are collected: a call for each would cost more than they do. */
export class Output {
  readonly #room = Buffer.allocUnsafe(PIECE);
  #used = 0;

  write(data: Uint8Array): void {
    if (data.length > PIECE - this.#used) this.flush();
    if (data.length > PIECE) return writeAll(STDOUT, data);
    this.#room.set(data, this.#used);
    this.#used += data.length;
  }

  flush(): void {
    writeAll(STDOUT, this.#room.subarray(0, this.#used));
    this.#used = 0;
  }
}

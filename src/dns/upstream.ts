/**
 * One server outside, asked from one network namespace, by UDP and, where an answer did not fit, by TCP (RFC 7766).
 *
 * Whoever wants to forge an answer must guess the id and the port (RFC 5452): as long as few are under way each question goes
 * from a socket, hence a random port, of its own. A container that asks a thousand things at once shares 64 random ports
 * among them: it is not refused, and does not use up the process's descriptors.
 */
import { randomInt } from 'node:crypto';
import { Socket } from 'node:net';
import { messageOf } from '../errors.ts';
import type { Readiness } from '../linux/listen-readiness.ts';
import { MSG_DONTWAIT, MSG_NOSIGNAL, SysError, libc } from '../linux/libc.ts';
import { queryDatagram, queryStream } from '../linux/resolver-sockets.ts';
import { answers, readResponse } from './codec-response.ts';
import type { Asked, Response } from './codec-response.ts';
import { LONGEST_MESSAGE } from './codec.ts';

const MOST_SOCKETS = 64;
/** Of one socket at a time: below, ids are found at the first or second try. */
const MOST_PER_SOCKET = 4096;
/** Connections under way: a server that says of everything that it is too long, and then nothing, gets no more. */
const MOST_STREAMS = 256;
/** Answers read at a time, and their bytes: a server may send without end. 64 kB of records take 3 ms. */
const READ_BATCH = 64;
const READ_BYTES = 128 * 1024;

export interface Question extends Omit<Asked, 'id'> {
  /** The whole query; its id is written here before it is sent. */
  bytes: Buffer;
}

/** One of the two is called, once, unless the question was given up. */
export interface Listener {
  answered(response: Response): void;
  /** The server (or the way to it) refuses; silence is not reported. */
  failed(reason: string): void;
}

interface Waiting {
  asked: Asked;
  listener: Listener;
}

interface OpenSocket {
  fd: number;
  waiting: Map<number, Waiting>;
  /** The event loop shall not look at it any longer. */
  ignore: () => void;
}

export interface UpstreamOptions {
  address: string;
  /** 53 but in tests. */
  port: number;
  readiness: Readiness;
  /** Runs a body in the namespace from which it is asked. */
  run: <T>(body: () => T) => T;
}

/** A read is used up before the next one: one buffer for all. */
const received = Buffer.allocUnsafeSlow(LONGEST_MESSAGE);

export class Upstream {
  readonly address: string;
  /** It kept silent lately: others are asked first until then (milliseconds of the forwarder's clock). */
  slowUntil = 0;
  readonly #options: UpstreamOptions;
  readonly #sockets: OpenSocket[] = [];
  readonly #streams = new Set<Socket>();
  #closed = false;

  constructor(options: UpstreamOptions) {
    this.#options = options;
    this.address = options.address;
  }

  /** Returns how to give it up; the answer is not waited for any longer. */
  askDatagram(question: Question, listener: Listener): () => void {
    let socket: OpenSocket | undefined;
    try {
      socket = this.#socket();
      const open = socket;
      const id = freshId(socket.waiting);
      question.bytes.writeUInt16BE(id, 0);
      libc.send(socket.fd, question.bytes, question.bytes.length, MSG_DONTWAIT | MSG_NOSIGNAL);
      socket.waiting.set(id, { asked: { ...question, id }, listener });
      return () => {
        if (open.waiting.delete(id)) this.#idle(open);
      };
    } catch (error) {
      if (socket) this.#idle(socket);
      return soon(() => listener.failed(messageOf(error)));
    }
  }

  askStream(question: Question, listener: Listener): () => void {
    if (this.#streams.size >= MOST_STREAMS) return soon(() => listener.failed('too many connections at once'));
    let stream: Socket;
    const id = randomInt(0x10000);
    try {
      const fd = this.#options.run(() => queryStream(this.address, this.#options.port));
      stream = new Socket({ fd, readable: true, writable: true });
    } catch (error) {
      return soon(() => listener.failed(messageOf(error)));
    }
    this.#streams.add(stream);
    let done = false;
    const end = (report?: () => void): void => {
      if (done) return;
      done = true;
      this.#streams.delete(stream);
      stream.destroy();
      report?.();
    };
    const frame = Buffer.alloc(2 + question.bytes.length);
    frame.writeUInt16BE(question.bytes.length, 0);
    question.bytes.copy(frame, 2);
    frame.writeUInt16BE(id, 2);
    let chunks = Buffer.alloc(0);
    stream.on('error', (error) => end(() => listener.failed(error.message)));
    stream.on('close', () => end(() => listener.failed('the connection was closed')));
    stream.on('data', (data) => {
      chunks = Buffer.concat([chunks, data]);
      if (chunks.length < 2 || chunks.length < 2 + chunks.readUInt16BE(0)) return;
      const response = readResponse(chunks.subarray(2, 2 + chunks.readUInt16BE(0)), { ...question, id });
      end(() => (response ? listener.answered(response) : listener.failed('a malformed answer')));
    });
    stream.write(frame);
    return () => end();
  }

  close(): void {
    this.#closed = true;
    for (const socket of this.#sockets.toReversed()) {
      socket.waiting.clear();
      this.#idle(socket);
    }
    for (const stream of this.#streams) stream.destroy();
  }

  #socket(): OpenSocket {
    if (this.#closed) throw new Error('closed');
    if (this.#sockets.length >= MOST_SOCKETS) {
      const shared = this.#sockets[randomInt(this.#sockets.length)];
      if (!shared || shared.waiting.size >= MOST_PER_SOCKET) throw new Error('too many questions at once');
      return shared;
    }
    const { run, address, port, readiness } = this.#options;
    const socket: OpenSocket = {
      fd: run(() => queryDatagram(address, port)),
      waiting: new Map(),
      ignore: () => undefined,
    };
    try {
      socket.ignore = readiness.add(socket.fd, () => this.#read(socket));
    } catch (error) {
      libc.close(socket.fd);
      throw error;
    }
    this.#sockets.push(socket);
    return socket;
  }

  #read(socket: OpenSocket): void {
    for (let count = 0, bytes = 0; count < READ_BATCH && bytes < READ_BYTES; count++) {
      let length;
      try {
        length = libc.recv(socket.fd, received, received.length, MSG_DONTWAIT);
      } catch (error) {
        if (!(error instanceof SysError) || error.code === 'EAGAIN' || error.code === 'EINTR') return;
        // ICMP: nobody is there.
        this.#fail(socket, error.code);
        return;
      }
      bytes += length;
      if (length < 2) continue;
      const id = received.readUInt16BE(0);
      const waiting = socket.waiting.get(id);
      // What answers nothing that was asked is no reason to stop waiting: it may be forged.
      if (!waiting || !answers(received.subarray(0, length), waiting.asked)) continue;
      const response = readResponse(Buffer.from(received.subarray(0, length)), waiting.asked);
      socket.waiting.delete(id);
      const idle = this.#idle(socket);
      if (response) waiting.listener.answered(response);
      else waiting.listener.failed('a malformed answer');
      if (idle) return;
    }
  }

  #fail(socket: OpenSocket, reason: string): void {
    const failed = [...socket.waiting.values()];
    socket.waiting.clear();
    this.#idle(socket);
    for (const { listener } of failed) listener.failed(reason);
  }

  /** Closes a socket on which nothing is waited for; true when it did. */
  #idle(socket: OpenSocket): boolean {
    if (socket.waiting.size > 0) return false;
    const index = this.#sockets.indexOf(socket);
    if (index === -1) return true;
    this.#sockets.splice(index, 1);
    socket.ignore();
    libc.close(socket.fd);
    return true;
  }
}

function freshId(used: ReadonlyMap<number, unknown>): number {
  let id = randomInt(0x10000);
  while (used.has(id)) id = randomInt(0x10000);
  return id;
}

/** After the caller knows how to give it up. */
function soon(body: () => void): () => void {
  const immediate = setImmediate(body);
  return () => clearImmediate(immediate);
}

/** One request and its answer: what the handlers of the nouns work with. */
import { ServerResponse, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { invalidParameter } from '../errors.ts';
import type { Json } from '../model/json.ts';
import { readBody, readUpgradeBody } from './body.ts';
import { parseJson, type Decoder } from './decode/kit.ts';
import { ClientGone, publicError } from './errors.ts';
import { Query } from './query.ts';
import type { Params } from './router.ts';

export const RAW_STREAM = 'application/vnd.docker.raw-stream';
export const MULTIPLEXED_STREAM = 'application/vnd.docker.multiplexed-stream';

/** The two directions of a stream with a process, once the answer's head is sent. */
export interface Wire {
  readonly input: Readable;
  /** Bytes that came together with the request, before `input`. */
  readonly initial: Buffer;
  readonly output: Writable;
  /** Ends the output; the client may still be sending. */
  finish(): void;
}

interface Parts {
  request: IncomingMessage;
  /** The answer, or the connection of a request that asked for an upgrade. */
  reply: ServerResponse | { socket: Socket; head: Buffer };
  headers: Readonly<Record<string, string>>;
  path: string;
}

/** How often a client that has ended its input is looked after, in milliseconds. */
const PROBE = 5000;

/** How long a client may keep its half of a finished hijacked connection open, in milliseconds. */
const LINGER = 10_000;

export class Exchange {
  readonly request: IncomingMessage;
  readonly query: Query;
  readonly path: string;
  /** Minor number of the API version the client speaks. */
  version = 0;
  params: Params = {};
  /** The answer goes on until something happens that may never happen: the end of the daemon does not wait for it. */
  endless = false;
  readonly #headers: Readonly<Record<string, string>>;
  #response: ServerResponse | undefined;
  #upgrade: { socket: Socket; head: Buffer } | undefined;
  #abort: AbortController | undefined;
  #bodyRead = false;
  /** The status that a connection was taken over with. */
  #takenOver: number | undefined;

  constructor({ request, reply, headers, path }: Parts) {
    this.request = request;
    this.path = path;
    const url = request.url ?? '/';
    const mark = url.indexOf('?');
    this.query = new Query(mark < 0 ? '' : url.slice(mark + 1));
    this.#headers = headers;
    if (reply instanceof ServerResponse) this.#response = reply;
    else this.#upgrade = reply;
  }

  param(name: string): string {
    const value = this.params[name];
    if (value === undefined) throw new Error(`the route has no parameter ${name}`);
    return value;
  }

  /** Aborted when the client closes its connection before the answer is complete. */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      const abort = new AbortController();
      this.#abort = abort;
      const gone = (): void => abort.abort(new ClientGone('the client closed its connection'));
      const source = this.#upgrade?.socket ?? this.#response;
      if (source === undefined || source.destroyed) gone();
      else source.once('close', gone);
    }
    return this.#abort.signal;
  }

  get started(): boolean {
    return this.#takenOver !== undefined || this.#response?.headersSent === true;
  }

  get status(): number {
    return this.#takenOver ?? this.#response?.statusCode ?? 0;
  }

  /** The JSON body. An empty one decodes as absent: most endpoints take that for "all defaults". */
  async body<T>(decoder: Decoder<T>, name: string): Promise<T> {
    const text = await this.#text();
    if (text === '') return decoder(undefined, name);
    const type = this.request.headers['content-type'] ?? '';
    if (type.split(';', 1)[0]?.trim().toLowerCase() !== 'application/json') {
      throw invalidParameter(`unsupported Content-Type header (${type}): must be 'application/json'`);
    }
    return decoder(parseJson(text), name);
  }

  async #text(): Promise<string> {
    this.#bodyRead = true;
    if (this.#upgrade === undefined) return readBody(this.request);
    const { body, rest } = await readUpgradeBody(this.request, this.#upgrade.socket, this.#upgrade.head);
    this.#upgrade.head = rest;
    return body;
  }

  /** The answer of a request on a connection that was to be upgraded is written to it as a plain one. */
  get #answer(): ServerResponse {
    if (this.#response === undefined) {
      const response = new ServerResponse(this.request);
      response.shouldKeepAlive = false;
      const socket = this.#upgrade?.socket;
      if (socket !== undefined) {
        response.assignSocket(socket);
        response.on('finish', () => {
          response.detachSocket(socket);
          endSocket(socket);
        });
      }
      this.#response = response;
    }
    return this.#response;
  }

  json(status: number, body: Json | readonly Json[] | object): void {
    const text = `${JSON.stringify(body)}\n`;
    this.#answer.writeHead(status, {
      ...this.#headers,
      'Content-Type': 'application/json',
      'Content-Length': Buffer.byteLength(text),
    });
    this.#answer.end(text);
  }

  empty(status: number, headers: Readonly<Record<string, string>> = {}): void {
    const length = status === 204 || status === 304 ? {} : { 'Content-Length': 0 };
    this.#answer.writeHead(status, { ...this.#headers, ...headers, ...length });
    this.#answer.end();
  }

  text(body: string, headers: Readonly<Record<string, string>>): void {
    this.#answer.writeHead(200, {
      ...this.#headers,
      ...headers,
      'Content-Type': 'text/plain; charset=utf-8',
      'Content-Length': Buffer.byteLength(body),
    });
    this.#answer.end(this.request.method === 'HEAD' ? undefined : body);
  }

  /** Sends the head at once: clients wait for it before they go on (docker run starts after wait's). */
  stream(contentType: string, headers: Readonly<Record<string, string>> = {}): ServerResponse {
    this.#answer.writeHead(200, { ...this.#headers, ...headers, 'Content-Type': contentType });
    this.#answer.flushHeaders();
    // A write that comes too late (an event after `until`) fails with an 'error' event, which unheard ends the process.
    this.#answer.on('error', () => {});
    return this.#answer;
  }

  /**
   * Turns the exchange into a stream with a process. Of a request with chunks the body is the input, and the answer lasts
   * until the connection closes. Who did not ask for an upgrade is not told of one, nor of what the stream is made of.
   */
  async takeOver(framed: boolean): Promise<Wire> {
    this.endless = true;
    const asked = this.request.headers.upgrade !== undefined;
    const type = asked && framed && this.version >= 42 ? MULTIPLEXED_STREAM : RAW_STREAM;
    if (this.#upgrade === undefined) {
      const response = this.#answer;
      response.useChunkedEncodingByDefault = false;
      response.shouldKeepAlive = false;
      this.stream(type);
      return { input: this.request, initial: Buffer.alloc(0), output: response, finish: () => response.end() };
    }
    await this.#skipBody();
    const { socket, head } = this.#upgrade;
    const lines = Object.entries(this.#headers).map(([name, value]) => `${name}: ${value}\r\n`);
    const status = asked ? '101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp' : '200 OK';
    socket.write(`HTTP/1.1 ${status}\r\nContent-Type: ${type}\r\n${lines.join('')}\r\n`);
    this.#takenOver = asked ? 101 : 200;
    socket.once('end', () => watchForClose(socket));
    return { input: socket, initial: head, output: socket, finish: () => endSocket(socket) };
  }

  /** A body that the endpoint has no use for (dockerode sends attach's options there again) is not input. */
  async #skipBody(): Promise<void> {
    if (this.#bodyRead || this.#upgrade === undefined) return;
    if (this.request.headers['transfer-encoding'] === undefined) await this.#text();
    else this.#upgrade.head = Buffer.alloc(0);
  }

  /** Closes the connection in the midst of the answer. */
  cut(): void {
    this.#upgrade?.socket.destroy();
    this.#response?.destroy();
  }

  /** Answers with the error, or cuts the connection when the answer has begun: its end must not look like success. */
  fail(error: unknown): void {
    if (this.started) return this.cut();
    const { status, message } = publicError(error);
    if (status === 304) this.empty(status);
    else this.json(status, { message });
  }
}

/**
 * A client that ended its input may have gone altogether, which a silent process would never let us notice. A write of
 * nothing fails with EPIPE when the peer of a unix socket is gone (net/unix/af_unix.c, unix_stream_sendmsg) and does
 * nothing otherwise.
 */
function watchForClose(socket: Socket): void {
  const timer = setInterval(() => {
    if (socket.writable && socket.writableLength === 0) socket.write(Buffer.alloc(0));
  }, PROBE).unref();
  socket.once('close', () => clearInterval(timer));
}

/**
 * Closes our half and reads on until the client has closed its own: closing a unix socket with unread bytes makes the
 * peer's last read fail with ECONNRESET (net/unix/af_unix.c, unix_release_sock).
 */
function endSocket(socket: Socket): void {
  socket.end();
  if (socket.destroyed) return;
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), LINGER).unref();
  socket.once('close', () => clearTimeout(timer));
}

/** ApiClient over a unix socket or TCP. */
import type { Readable } from 'node:stream';
import { ApiError, type ApiClient, type Hijacked, type RequestOptions } from '../client.ts';
import { type Address, parseAddress } from './address.ts';
import { type Answer, exchange, type Payload, type Upgraded, upgrade } from './exchange.ts';
import { type RequestHead, targetOf } from './head.ts';

/** What the commands are written for. Asking the daemon first would cost every command a round trip. */
export const API_VERSION = '1.52';
const TOO_NEW = /client version \S+ is too new\. Maximum supported API version is (1\.\d+)/;

/** Bytes of an error's body that are looked at. */
const ERROR_LIMIT = 1024 * 1024;

export function createClient(host: string): ApiClient {
  return new HttpClient(parseAddress(host));
}

class HttpClient implements ApiClient {
  readonly #address: Address;
  #version = API_VERSION;

  constructor(address: Address) {
    this.#address = address;
  }

  #request(method: string, path: string, options: RequestOptions): { head: RequestHead; payload: Payload } {
    const { body, stream, query } = options;
    const base = this.#address.kind === 'tcp' ? this.#address.base : '';
    const data = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    const headers: Record<string, string> = {
      // Node and dockerd refuse a request without it; for a socket it has no meaning.
      Host: this.#address.kind === 'tcp' ? `${this.#address.host}:${this.#address.port}` : 'berth',
      'User-Agent': 'berth',
      Connection: 'close',
    };
    if (stream !== undefined) {
      headers['Transfer-Encoding'] = 'chunked';
      headers['Content-Type'] = 'application/x-tar';
    } else if (data !== undefined) {
      headers['Content-Type'] = 'application/json';
      headers['Content-Length'] = String(data.length);
    } else if (method !== 'GET' && method !== 'HEAD') {
      headers['Content-Length'] = '0';
    }
    Object.assign(headers, options.headers);
    return {
      head: { method, target: targetOf(`${base}/v${this.#version}${path}`, query), headers },
      payload: { ...(data === undefined ? {} : { data }), ...(stream === undefined ? {} : { stream }) },
    };
  }

  /** Once more with an older version when the daemon knows no newer one. */
  async #send<T extends Answer | Upgraded>(
    send: (address: Address, head: RequestHead, payload: Payload) => Promise<T>,
    method: string,
    path: string,
    options: RequestOptions,
  ): Promise<T> {
    const { head, payload } = this.#request(method, path, options);
    const answer = await send(this.#address, head, payload);
    if (answer.head.status < 400 || 'socket' in answer) return answer;
    const error = await errorOf(answer);
    const newest = TOO_NEW.exec(error.message)?.[1];
    if (newest === undefined || newest === this.#version || options.stream !== undefined) throw error;
    this.#version = newest;
    return this.#send(send, method, path, options);
  }

  async json<T>(method: string, path: string, options: RequestOptions = {}): Promise<T> {
    const { body } = await this.#send(exchange, method, path, options);
    const text = await textOf(body);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }

  async stream(method: string, path: string, options: RequestOptions = {}): Promise<Readable> {
    const { head, body } = await this.#send(exchange, method, path, options);
    options.onHead?.(head.headers);
    return body;
  }

  async hijack(path: string, options: RequestOptions = {}): Promise<Hijacked> {
    const headers = { ...options.headers, Connection: 'Upgrade', Upgrade: 'tcp' };
    const answer = await this.#send(upgrade, 'POST', path, { ...options, headers });
    if (!('socket' in answer)) {
      answer.body.destroy();
      throw new ApiError(answer.head.status, `unable to upgrade to tcp, received ${answer.head.status}`);
    }
    const { socket } = answer;
    // The reader sees a failure as an end; a writer to a connection that is gone has nobody to tell.
    socket.on('error', () => undefined);
    return {
      input: socket,
      write: (data) => (socket.writable ? socket.write(data) : true),
      onDrain: (callback) => void socket.once('drain', callback),
      end: () => void (socket.writable && socket.end()),
      destroy: () => void socket.destroy(),
    };
  }
}

async function textOf(body: Readable, limit = Infinity): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of body as AsyncIterable<Buffer>) {
    parts.push(part);
    if ((size += part.length) > limit) break;
  }
  return Buffer.concat(parts).toString();
}

async function errorOf({ head, body }: Answer): Promise<ApiError> {
  // A connection that breaks here still leaves a status to tell.
  const text = (await textOf(body, ERROR_LIMIT).catch(() => '')).trim();
  let message = text;
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null && 'message' in parsed && typeof parsed.message === 'string') {
      message = parsed.message.trim();
    }
  } catch {
    // Proxies answer in plain text.
  }
  return new ApiError(head.status, message === '' ? `request returned ${head.status} ${head.reason}`.trim() : message);
}

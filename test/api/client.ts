/** Plain HTTP and raw bytes against a unix socket, for tests of the API. */
import http from 'node:http';
import net, { type Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { Answer } from './standin.ts';

export interface Options {
  body?: string | Buffer | object;
  headers?: Record<string, string>;
  /** The connection shall be taken over; this and its end are sent over it, and what comes until the other end is the answer's text. */
  hijack?: string;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function request(socketPath: string, method: string, path: string, options: Options = {}): Promise<Answer> {
  const { body, hijack } = options;
  const raw = typeof body === 'string' || Buffer.isBuffer(body) ? body : body && JSON.stringify(body);
  const headers = {
    ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
    ...options.headers,
    ...(hijack === undefined ? {} : { Connection: 'Upgrade', Upgrade: 'tcp' }),
  };
  return new Promise((resolve, reject) => {
    const settle = ({ statusCode: status = 0, headers }: http.IncomingMessage, stream: Readable): void => {
      void text(stream)
        .then((answer) => ({ status, headers, text: answer, json: parsed(answer) }))
        .then(resolve, reject);
    };
    const sent = http.request({ socketPath, method, path, headers, agent: false }, (response) => {
      settle(response, response);
    });
    sent.on('upgrade', (response, socket, head) => {
      socket.unshift(head);
      settle(response, socket);
      socket.end(hijack ?? '');
    });
    sent.on('error', reject);
    sent.end(raw);
  });
}

/** A connection whose bytes are kept. */
export class Raw {
  readonly socket: Socket;
  received = Buffer.alloc(0);
  ended = false;
  closed = false;
  constructor(where: string | number) {
    const target = typeof where === 'string' ? { path: where } : { port: where, host: '127.0.0.1' };
    this.socket = net.connect({ ...target, allowHalfOpen: true });
    this.socket.on('data', (chunk) => (this.received = Buffer.concat([this.received, chunk])));
    this.socket.on('end', () => (this.ended = true));
    this.socket.on('close', () => (this.closed = true));
    this.socket.on('error', () => {});
  }
  get text(): string {
    return this.received.toString('latin1');
  }
  /** What follows the answer's head. */
  get payload(): Buffer {
    const end = this.received.indexOf('\r\n\r\n');
    return end < 0 ? Buffer.alloc(0) : this.received.subarray(end + 4);
  }
}

export function upgrade(path: string, body = '', version = 'v1.52'): string {
  const type = body === '' ? '' : 'Content-Type: application/json\r\n';
  return `POST /${version}${path} HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n${type}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

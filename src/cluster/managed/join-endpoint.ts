/**
 * Where hosts with a token ask to be let in: HTTPS at the advertised address, open only while a token is valid. Whoever comes may be
 * anybody: connections, bytes and time are bounded, and what is asked is believed after the secret was.
 *
 *   GET  /ca     the authority's certificate, PEM: who has a token knows its fingerprint, and so whom to give the secret
 *   POST /join   JoinRequest → JoinAnswer, JSON; or { message } with status 400, 403, 409, 429, 503
 */
import { createServer } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Server } from 'node:https';
import type { Socket } from 'node:net';
import { BerthError, invalidParameter, messageOf } from '../../errors.ts';
import type { Logger } from '../../log.ts';

/** Between etcd's ports and out of their way. */
export const JOIN_PORT = 2378;

export interface JoinRequest {
  /** Of the token, base64url. */
  secret: string;
  /** PKCS #10, PEM. */
  request: string;
  name: string;
  address: string;
  hostId: string;
}

export interface JoinAnswer {
  /** PEM, of the host's key. */
  certificate: string;
  clusterId: string;
  /** Of etcd. */
  endpoints: string[];
  prefix: string;
  vxlanPort: number;
}

export interface JoinEndpointOptions {
  address: string;
  /** PEM. */
  key: string;
  certificate: string;
  authority: string;
  /** What it throws is answered. */
  admit(request: JoinRequest): Promise<JoinAnswer>;
  log: Logger;
}

const STATUS: Partial<Record<BerthError['kind'], number>> = {
  InvalidParameter: 400,
  Forbidden: 403,
  Conflict: 409,
  Unavailable: 503,
};

/** Bytes. A request takes less than 2 KiB. */
export const BODY_LIMIT = 16 * 1024;
const HEAD_LIMIT = 4096;
/** At the same time: of all, and of one address. */
const CONNECTIONS = 64;
const CONNECTIONS_EACH = 8;
/** TLS handshakes cost a millisecond each: so many a minute, of all and of one address. */
const PER_MINUTE = 600;
const PER_MINUTE_EACH = 60;
/** Milliseconds. */
const MINUTE = 60_000;
const LONGEST_HANDSHAKE = 5000;
const LONGEST_REQUEST = 10_000;
/** Until an answer is given up; openssl and etcd are asked for it. */
const LONGEST_ANSWER = 60_000;

export class JoinEndpoint {
  readonly #server: Server;
  readonly #options: JoinEndpointOptions;
  readonly #guard = new Guard();

  private constructor(options: JoinEndpointOptions) {
    this.#options = options;
    const { key, certificate, authority } = options;
    this.#server = createServer(
      {
        key,
        cert: certificate + authority,
        minVersion: 'TLSv1.2',
        handshakeTimeout: LONGEST_HANDSHAKE,
        maxHeaderSize: HEAD_LIMIT,
        headersTimeout: LONGEST_REQUEST,
        requestTimeout: LONGEST_REQUEST,
        connectionsCheckingInterval: 1000,
      },
      (request, response) => void this.#serve(request, response),
    );
    this.#server.maxConnections = CONNECTIONS;
    this.#server.on('connection', (socket: Socket) => {
      if (this.#guard.admits(socket)) socket.setTimeout(LONGEST_ANSWER, () => socket.destroy());
      else socket.destroy();
    });
    // What does not speak TLS, or HTTP: nothing is owed to it.
    this.#server.on('tlsClientError', (_error, socket) => socket.destroy());
    this.#server.on('clientError', (_error, socket) => socket.destroy());
  }

  /** Rejects when the address or port cannot be had. */
  static async open(options: JoinEndpointOptions): Promise<JoinEndpoint> {
    const endpoint = new JoinEndpoint(options);
    await new Promise<void>((resolve, reject) => {
      endpoint.#server.once('error', reject);
      endpoint.#server.listen(JOIN_PORT, options.address, () => {
        endpoint.#server.off('error', reject);
        resolve();
      });
    });
    // No reason for the daemon to stay.
    endpoint.#server.unref();
    endpoint.#server.on('error', (error) => options.log.warn('the join endpoint failed', { error: messageOf(error) }));
    return endpoint;
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      // Also those that have not come to speak HTTP.
      this.#guard.cutAll();
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const from = request.socket.remoteAddress;
    const answer = (status: number, type: string, body: string): void => {
      response.writeHead(status, {
        'Content-Type': type,
        'Content-Length': Buffer.byteLength(body),
        Connection: 'close',
      });
      response.end(body);
    };
    const json = (status: number, body: object): void => answer(status, 'application/json', JSON.stringify(body));
    try {
      if (request.method === 'GET' && request.url === '/ca') {
        answer(200, 'application/x-pem-file', this.#options.authority);
      } else if (request.method === 'POST' && request.url === '/join') {
        json(200, await this.#options.admit(decodeRequest(await readBody(request))));
      } else json(404, { message: 'page not found' });
    } catch (error) {
      const status = error instanceof BerthError ? STATUS[error.kind] : undefined;
      // What anybody can send as often as he likes is no news.
      const level = status === 400 || (request.destroyed && !request.complete) ? 'debug' : 'warn';
      this.#options.log[level]('a host was not let into the cluster', { from, error: messageOf(error) });
      if (response.headersSent) response.destroy();
      else json(status ?? 500, { message: status === undefined ? 'internal error' : messageOf(error) });
    }
  }
}

/** Knows the connections; whoever comes too often is not served. */
class Guard {
  readonly #open = new Map<Socket, string>();
  #minute = new Map<string, number>();
  #all = 0;
  #began = 0;

  admits(socket: Socket): boolean {
    const from = socket.remoteAddress ?? '';
    if (performance.now() - this.#began > MINUTE) {
      this.#began = performance.now();
      this.#minute = new Map();
      this.#all = 0;
    }
    const lately = this.#minute.get(from) ?? 0;
    const open = [...this.#open.values()].filter((other) => other === from).length;
    if (this.#all >= PER_MINUTE || lately >= PER_MINUTE_EACH || open >= CONNECTIONS_EACH) return false;
    this.#all += 1;
    this.#minute.set(from, lately + 1);
    this.#open.set(socket, from);
    socket.once('close', () => this.#open.delete(socket));
    return true;
  }

  cutAll(): void {
    for (const socket of this.#open.keys()) socket.destroy();
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > BODY_LIMIT) throw invalidParameter(`request body too large: at most ${BODY_LIMIT} bytes are read`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** InvalidParameter unless every field is there and a text. */
export function decodeRequest(text: string): JoinRequest {
  const { secret, request, name, address, hostId } = fieldsOf(text);
  return {
    secret: asText('secret', secret),
    request: asText('request', request),
    name: asText('name', name),
    address: asText('address', address),
    hostId: asText('hostId', hostId),
  };
}

/** The same of the other side: what an issuing host answers is checked, too. */
export function decodeAnswer(text: string): JoinAnswer {
  const { certificate, clusterId, endpoints, prefix, vxlanPort } = fieldsOf(text);
  const urls = Array.isArray(endpoints) ? endpoints.map((url) => asText('endpoints', url)) : [];
  const port = Number.isInteger(vxlanPort) ? (vxlanPort as number) : 0;
  if (urls.length === 0 || port < 1 || port > 65_535) throw invalidParameter('the answer is not complete');
  return {
    certificate: asText('certificate', certificate),
    clusterId: asText('clusterId', clusterId),
    endpoints: urls,
    prefix: asText('prefix', prefix),
    vxlanPort: port,
  };
}

function fieldsOf(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw invalidParameter('invalid JSON', cause);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalidParameter('no JSON object');
  return value as Record<string, unknown>;
}

function asText(name: string, value: unknown): string {
  if (typeof value !== 'string' || value === '' || value.includes('\0')) throw invalidParameter(`${name} is missing`);
  return value;
}

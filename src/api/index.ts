/**
 * The Docker Engine API. `createApi` gives servers, one for each address the daemon listens on; the daemon binds them:
 *
 *   const api = createApi({ containers, files, images, networks, volumes, cluster, events, system, log });
 *   api.createServer().listen('/run/berth/berth.sock');
 */
import http, { type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { BerthError, messageOf, notFound } from '../errors.ts';
import type { Images } from '../engine/images/port.ts';
import type { ContainerFiles } from '../engine/files/port.ts';
import type { Containers } from '../engine/port.ts';
import type { Volumes } from '../engine/volumes/port.ts';
import type { ClusterCommands } from '../cluster/managed/port.ts';
import type { Logger } from '../log.ts';
import type { EventBus } from '../model/events.ts';
import type { Networks } from '../network/port.ts';
import { absentRoutes } from './absent.ts';
import { clusterRoutes } from './cluster.ts';
import { Connections } from './connections.ts';
import { commitRoutes } from './commit.ts';
import { containerFileRoutes } from './container-files.ts';
import { containerStreamRoutes } from './container-streams.ts';
import { containerRoutes } from './containers.ts';
import { ClientGone, publicError } from './errors.ts';
import { eventRoutes } from './events.ts';
import { Exchange } from './exchange.ts';
import { execRoutes } from './exec.ts';
import { imageRoutes } from './images.ts';
import { networkRoutes } from './networks.ts';
import { Router, type Match } from './router.ts';
import { statsRoutes } from './stats.ts';
import { systemRoutes } from './system.ts';
import { API_VERSION, type SystemInfo } from './system-port.ts';
import { upgradeUnasked } from './unasked-upgrade.ts';
import { splitVersion } from './versions.ts';
import { volumeRoutes } from './volumes.ts';

export interface ApiDeps {
  containers: Containers;
  files: ContainerFiles;
  images: Images;
  networks: Networks;
  volumes: Volumes;
  cluster: ClusterCommands;
  events: EventBus;
  system: SystemInfo;
  log: Logger;
}

export interface Api {
  /** Not yet listening. `close()` and `closeAllConnections()` are the caller's. */
  createServer(): Server;
  /**
   * Cuts what would never end by itself (attach, exec, events, logs -f, wait) and what is idle, at once. Other requests
   * under way go on; each one's connection is closed after its answer.
   */
  close(): void;
}

/** Bytes. Identity tokens in X-Registry-Auth and long filters stay well below. */
const HEADER_LIMIT = 256 * 1024;
/** Milliseconds for a request's head to arrive. */
const HEADERS_TIMEOUT = 60_000;

const pathOf = (request: IncomingMessage): string => (request.url ?? '/').split('?', 1)[0] ?? '/';

export function createApi(deps: ApiDeps): Api {
  const { containers, files, images, networks, volumes, cluster, events, system, log } = deps;
  const router = new Router([
    ...systemRoutes(system, { containers, images, volumes }),
    ...containerRoutes(containers),
    ...containerStreamRoutes(containers, log),
    ...statsRoutes(containers),
    ...containerFileRoutes(files),
    ...commitRoutes(files),
    ...execRoutes(containers, log),
    ...imageRoutes(images),
    ...networkRoutes(networks, containers),
    ...volumeRoutes(volumes),
    ...clusterRoutes(cluster),
    ...eventRoutes(events),
    ...absentRoutes(),
  ]);
  const headers = {
    'Api-Version': API_VERSION,
    'Docker-Experimental': 'false',
    Ostype: 'linux',
    Server: `Berth/${system.version} (linux)`,
  };
  const hijacked = new Set<Duplex>();
  const connections = new Connections();
  const underWay = new Set<Exchange>();

  /** Whether the connection goes over to the handler. Node answers all other upgrade requests as plain ones. */
  function upgrades(request: IncomingMessage): boolean {
    if (request.headers.upgrade?.toLowerCase() === 'websocket') return false;
    return find(request)?.match?.route.hijack === true;
  }

  function find(request: IncomingMessage): { match: Match | undefined; version: number } | undefined {
    try {
      const { version, path } = splitVersion(pathOf(request));
      return { match: router.match(request.method ?? '', path), version };
    } catch {
      return undefined;
    }
  }

  async function run(exchange: Exchange): Promise<void> {
    const { version, path } = splitVersion(exchange.path);
    // dockerd says yes to this question about any path.
    if (exchange.request.method === 'OPTIONS') return exchange.empty(200);
    const match = router.match(exchange.request.method ?? '', path);
    if (match === undefined) throw notFound('page not found');
    exchange.version = version;
    exchange.params = match.params;
    await match.route.handle(exchange);
  }

  async function serve(
    request: IncomingMessage,
    reply: ConstructorParameters<typeof Exchange>[0]['reply'],
  ): Promise<void> {
    const began = performance.now();
    const exchange = new Exchange({ request, reply, headers, path: pathOf(request) });
    underWay.add(exchange);
    try {
      await run(exchange);
    } catch (error) {
      if (!(error instanceof ClientGone)) {
        report(exchange, error);
        answerFailure(exchange, error);
      }
    } finally {
      underWay.delete(exchange);
      if (!request.complete && !('socket' in reply && 'head' in reply)) drain(request);
    }
    const ms = Math.round((performance.now() - began) * 10) / 10;
    log.debug('request', { method: request.method, path: exchange.path, status: exchange.status, ms });
  }

  function answerFailure(exchange: Exchange, error: unknown): void {
    try {
      exchange.fail(error);
    } catch (second) {
      log.error('an error could not be answered', { path: exchange.path, error: messageOf(second) });
      exchange.request.socket.destroy();
    }
  }

  /** The cause stays here; faults that no one meant for a client come with their stack. */
  function report(exchange: Exchange, error: unknown): void {
    const { status } = publicError(error);
    if (status !== 500) return;
    const fields = { method: exchange.request.method, path: exchange.path, error: messageOf(error) };
    if (error instanceof BerthError) {
      const cause = error.cause === undefined ? {} : { cause: messageOf(error.cause) };
      log.error('a request failed', { ...fields, ...cause });
    } else {
      log.error('a request failed', { ...fields, stack: error instanceof Error ? error.stack : undefined });
    }
  }

  function createServer(): Server {
    const server = http.createServer(
      {
        maxHeaderSize: HEADER_LIMIT,
        headersTimeout: HEADERS_TIMEOUT,
        // Archives take as long as they take; JSON bodies have their own limit.
        requestTimeout: 0,
        // Clients keep connections; one closed under their hands would fail their next request.
        keepAliveTimeout: 0,
        requireHostHeader: false,
        shouldUpgradeCallback: upgrades,
      },
      (request: IncomingMessage, response: ServerResponse) => {
        const { socket } = request;
        connections.began(socket);
        response.once('close', () => connections.ended(socket));
        void serve(request, response);
      },
    );
    server.on('connection', (socket: Socket) => {
      connections.opened(socket);
      upgradeUnasked(socket, upgrades);
    });
    server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
      const socket = stream as Socket;
      connections.began(socket);
      hijacked.add(socket);
      socket.once('close', () => hijacked.delete(socket));
      // 'close' follows and ends the session; the error itself (EPIPE, ECONNRESET) says no more.
      socket.on('error', () => {});
      void serve(request, { socket, head });
    });
    server.on('clientError', refuseMalformed);
    return server;
  }

  return {
    createServer,
    close() {
      for (const socket of hijacked) socket.destroy();
      for (const exchange of underWay) if (exchange.endless) exchange.cut();
      connections.close();
    },
  };
}

/** Many clients read no answer before all of their body is sent, and nobody reads it any more: it goes nowhere. */
function drain(request: IncomingMessage): void {
  request.removeAllListeners('readable');
  request.resume();
}

const MALFORMED: Readonly<Record<string, readonly [status: string, message: string]>> = {
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', 'request header too large'],
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'the request did not arrive in time'],
};

/** What is no HTTP at all gets the API's shape of an error too. */
function refuseMalformed(error: Error & { code?: string }, stream: Duplex): void {
  const socket = stream as Socket;
  // Go's clients keep connections that they never used; unasked words there would end up on their user's terminal.
  if (!socket.writable || error.code === 'ECONNRESET' || socket.bytesRead === 0) {
    socket.destroy();
    return;
  }
  const [status, message] = MALFORMED[error.code ?? ''] ?? ['400 Bad Request', 'malformed HTTP request'];
  const body = JSON.stringify({ message });
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
  );
}

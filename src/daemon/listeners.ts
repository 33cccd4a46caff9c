/**
 * Where the API listens: unix sockets, TCP, and sockets that systemd made (fd://).
 */
import { chmodSync, chownSync, lstatSync, mkdirSync, readFileSync, unlinkSync } from 'node:fs';
import type { Server as HttpServer } from 'node:http';
import { createConnection } from 'node:net';
import type { ListenOptions, Server, Socket } from 'node:net';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createServer as createTlsServer } from 'node:tls';
import { conflict, invalidParameter, messageOf, system } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { DaemonSettings, TlsSettings } from './settings.ts';
import { isLoopback } from './values.ts';

export interface Listeners {
  /** No new connections, and the sockets' files are removed, before it returns. */
  stopAccepting(): void;
  /** Resolves when the requests under way are answered; after `deadline` ms they are cut. */
  finish(deadline: number): Promise<void>;
}

type Settings = Pick<DaemonSettings, 'hosts' | 'group' | 'tls' | 'plainTcp'>;
type MakeServer = () => HttpServer;

/** All or none: when one address cannot be had, those before it are closed again. */
export async function openListeners(settings: Settings, make: MakeServer, log: Logger): Promise<Listeners> {
  const servers: Server[] = [];
  try {
    for (const host of settings.hosts) {
      servers.push(...(await listenAt(host, settings, make, log)));
      log.info(`API listen on ${host.replace(/^unix:\/\//, '')}`);
    }
  } catch (error) {
    for (const server of servers) server.close();
    throw error;
  }
  let closed: Promise<unknown> | undefined;
  const stopAccepting = (): void => {
    closed ??= Promise.all(servers.map(async (server) => new Promise((resolve) => server.close(resolve))));
  };
  return {
    stopAccepting,
    async finish(deadline) {
      stopAccepting();
      const timer = new AbortController();
      await Promise.race([closed, sleep(deadline, undefined, { signal: timer.signal }).catch(() => undefined)]);
      timer.abort();
      for (const server of servers) if ('closeAllConnections' in server) (server as HttpServer).closeAllConnections();
    },
  };
}

async function listenAt(host: string, settings: Settings, make: MakeServer, log: Logger): Promise<Server[]> {
  if (host.startsWith('unix://')) return [await listenUnix(host.slice('unix://'.length), settings.group, make(), log)];
  if (host.startsWith('fd://')) return listenInherited(make);
  return [await listenTcp(host, settings, make(), log)];
}

/** sizeof(sun_path) less the NUL; unix(7). */
const LONGEST_PATH = 107;

async function listenUnix(path: string, group: string, http: HttpServer, log: Logger): Promise<Server> {
  if (Buffer.byteLength(path) > LONGEST_PATH) {
    throw invalidParameter(`unix://${path}: the path of a unix socket has at most ${LONGEST_PATH} bytes`);
  }
  const gid = groupId(group, log);
  mkdirSync(dirname(path), { recursive: true, mode: 0o711 });
  await removeStale(path);
  // The file appears inside listen(): nobody but root may connect before its mode is right. The umask is the whole
  // process's, and containers may be starting: it is back before anything else runs.
  const umask = process.umask(0o177);
  let bound: Promise<Server>;
  try {
    bound = listening(http, { path }, `unix://${path}`);
  } finally {
    process.umask(umask);
  }
  const server = await bound;
  chownSync(path, 0, gid);
  chmodSync(path, 0o660);
  return server;
}

/** A socket that a dead daemon left is removed; one that answers is somebody's. */
async function removeStale(path: string): Promise<void> {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (!stat) return;
  if (!stat.isSocket()) throw conflict(`can't create unix socket ${path}: a file of another kind is there`);
  const answers = await new Promise<boolean>((resolve) => {
    const probe = createConnection(path);
    probe.once('connect', () => resolve(true)).once('error', () => resolve(false));
    probe.once('connect', () => probe.destroy());
  });
  if (answers) throw conflict(`can't create unix socket ${path}: another process answers there`);
  unlinkSync(path);
}

/** Berth's default group is an offer; one that was asked for must exist. */
function groupId(group: string, log: Logger): number {
  if (group === '' || group === '0') return 0;
  const line = readFileSync('/etc/group', 'utf8')
    .split('\n')
    .map((entry) => entry.split(':'))
    .find(([name, , id]) => name === group || id === group);
  if (line) return Number(line[2]);
  if (/^\d+$/.test(group)) return Number(group);
  if (group !== 'berth') throw invalidParameter(`group ${group} not found (--group)`);
  log.debug('there is no group berth: only root can use the socket');
  return 0;
}

async function listenTcp(host: string, settings: Settings, http: HttpServer, log: Logger): Promise<Server> {
  const url = new URL(host.replace(/^tcp:/, 'http:'));
  const address = url.hostname;
  // URL drops port 80, the default of its scheme.
  const options = { host: address.replace(/^\[|\]$/g, ''), port: Number(url.port || 80) };
  if (settings.tls) return listening(tlsServer(settings.tls, http), options, host);
  if (!isLoopback(address) && !settings.plainTcp) {
    throw invalidParameter(
      `refusing to listen on ${host}: the API is root access to this machine, and there anyone could use it; ` +
        'use --tlsverify, or say --tls=false to do it nevertheless',
    );
  }
  log.warn(`binding to ${host} without TLS: whoever reaches that port is root on this machine`);
  return listening(http, options, host);
}

/** Hands its connections to `http` once they are encrypted. */
function tlsServer(tls: TlsSettings, http: HttpServer): Server {
  const read = (what: string, path: string): Buffer => {
    try {
      return readFileSync(path);
    } catch (error) {
      throw invalidParameter(`could not load the TLS ${what} ${path}: ${messageOf(error)}`, error);
    }
  };
  // Node looks for requests whose head takes too long, and can close connections, from this event on; `http` itself
  // never listens.
  http.emit('listening');
  return createTlsServer(
    {
      cert: read('certificate', tls.cert),
      key: read('key', tls.key),
      ...(tls.verify && { ca: read('CA certificate', tls.ca), requestCert: true, rejectUnauthorized: true }),
      minVersion: 'TLSv1.2',
    },
    (socket: Socket) => http.emit('connection', socket),
  );
}

/** sd_listen_fds(3): the sockets are the descriptors from 3 on. Node made them close-on-exec at its start. */
async function listenInherited(make: MakeServer): Promise<Server[]> {
  const { LISTEN_PID, LISTEN_FDS } = process.env;
  const count = LISTEN_PID === String(process.pid) ? Number(LISTEN_FDS) : 0;
  if (!(count > 0)) {
    throw invalidParameter('no sockets found via socket activation: make sure the service was started by systemd');
  }
  // They are this process's, not its children's.
  delete process.env.LISTEN_PID;
  delete process.env.LISTEN_FDS;
  return Promise.all(Array.from({ length: count }, async (_, index) => listening(make(), { fd: 3 + index }, 'fd://')));
}

async function listening(server: Server, options: ListenOptions | { fd: number }, name: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        error.code === 'EADDRINUSE'
          ? conflict(`cannot listen on ${name}: the address is already in use`, error)
          : system(`cannot listen on ${name}: ${error.message}`, error),
      );
    });
    server.listen(options, () => resolve(server));
  });
}

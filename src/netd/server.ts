/**
 * berth-netd: what goes on while berthd is down. It takes words from one daemon at a time over a unix socket, and keeps what it was told
 * when that one goes away.
 *
 * One process takes the place of another (of another version) without a gap: it binds its socket over the old one's path, is told
 * everything anew and opens sockets and rules of its own, in place of the old rules in one transaction; at the daemon's ready it lets
 * the old one end. If it ends before that, the old one takes its path again.
 */
import { chmodSync, renameSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { setImmediate as immediate } from 'node:timers/promises';
import { LeaseService } from '../dhcp/service.ts';
import { ResolverService } from '../dns/service.ts';
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { HeldPort } from '../network/attendant.ts';
import type { HeldPorts } from '../ports/held.ts';
import { Connection } from './connection.ts';
import { Lines } from './protocol.ts';
import type { Notice, Reply, Request, Results } from './protocol.ts';

export interface NetdOptions {
  socket: string;
  version: string;
  hostRoot: string;
  log: Logger;
  heldPorts: HeldPorts;
  /** At which servers outside listen: 53 but in tests. */
  serverPort?: number;
}

/** So long it waits for its first client, in ms. */
const LONELY = 30_000;

/** A predecessor that does not answer so long, in ms, is given up. */
const PATIENCE = 3000;

/** Milliseconds of work before packets are looked at again. */
const LONGEST_TURN = 5;

/** What the daemon of this connection has put. */
interface Session {
  pid: number;
  sandboxes: Set<string>;
  /** IDs of containers on other hosts. */
  elsewhere: Set<string>;
  owners: Set<string>;
  /** Endpoints. */
  leases: Set<string>;
}

/** Resolves when it listens; `ended` when nothing is held any longer and the process may end. */
export async function startNetd(options: NetdOptions): Promise<{ ended: Promise<void> }> {
  const netd = new Netd(options);
  await netd.start();
  return { ended: netd.ended.promise };
}

class Netd {
  readonly ended = Promise.withResolvers<void>();
  readonly #options: NetdOptions;
  readonly #resolvers: ResolverService;
  readonly #ports: HeldPorts;
  readonly #leases: LeaseService;
  readonly #clients = new Set<Socket>();
  #server: Server | undefined;
  /** Inode of the socket: whether the path is still this process's. */
  #inode = 0;
  #predecessor: Connection | undefined;
  #successor: Socket | undefined;
  #breathed = 0;
  #ending = false;

  constructor(options: NetdOptions) {
    this.#options = options;
    this.#ports = options.heldPorts;
    this.#resolvers = new ResolverService(options);
    this.#leases = new LeaseService({ log: options.log, changed: (changed) => this.#announce({ changed }) });
  }

  async start(): Promise<void> {
    const predecessor = await Connection.open(this.#options.socket);
    // One of a version that does not know the word ends at once: better a gap than two.
    await predecessor
      ?.ask({ op: 'succeed' }, { patience: PATIENCE })
      .catch(async () => predecessor.ask({ op: 'end' }, { patience: PATIENCE }).catch(() => undefined));
    if (predecessor?.isOpen) this.#predecessor = predecessor;
    await this.#listen();
    // The daemon that started it may have been killed since: a predecessor then takes its path again.
    setTimeout(() => {
      if (this.#clients.size === 0 && this.#idle) this.#end();
    }, LONELY).unref();
  }

  get #idle(): boolean {
    return [this.#resolvers.ids(), this.#ports.owners(), this.#leases.ids()].every((list) => list.length === 0);
  }

  async #listen(): Promise<void> {
    const { socket } = this.#options;
    const own = `${socket}.${process.pid}`;
    rmSync(own, { force: true });
    const server = createServer((client) => this.#serve(client));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(own, resolve);
    });
    chmodSync(own, 0o600);
    this.#inode = statSync(own).ino;
    renameSync(own, socket);
    this.#server = server;
  }

  #serve(client: Socket): void {
    this.#clients.add(client);
    const lines = new Lines();
    const session: Session = {
      pid: 0,
      sandboxes: new Set(),
      elsewhere: new Set(),
      owners: new Set(),
      leases: new Set(),
    };
    let work: Promise<void> = Promise.resolve();
    client.setEncoding('utf8');
    client.on('data', (chunk: string) => {
      try {
        for (const line of lines.push(chunk)) {
          const request = JSON.parse(line) as Request;
          work = work.then(async () => this.#answer(client, session, request));
        }
      } catch {
        client.destroy();
      }
    });
    client.on('error', () => undefined);
    client.on('close', () => {
      this.#clients.delete(client);
      void work.then(() => this.#left(client));
    });
  }

  async #answer(client: Socket, session: Session, request: Request): Promise<void> {
    // A daemon that puts a thousand containers at once: those that are put already are answered meanwhile.
    if (performance.now() - this.#breathed > LONGEST_TURN) {
      await immediate();
      this.#breathed = performance.now();
    }
    const work = this.#carryOut(client, session, request);
    const answered = work
      .then((value): Reply => ({ id: request.id, value }))
      .catch((error: unknown): Reply => ({ id: request.id, error: messageOf(error) }))
      .then((reply) => say(client, reply));
    // A server of the LAN has seconds: others are answered meanwhile.
    if (request.op !== 'obtainLease') await answered;
    if (request.op === 'end') this.#end();
  }

  async #carryOut(client: Socket, session: Session, request: Request): Promise<Results[Request['op']]> {
    switch (request.op) {
      case 'hello':
        session.pid = request.pid;
        return { version: this.#options.version };
      case 'succeed':
        this.#successor = client;
        return undefined;
      case 'putNames': {
        const { names, port } = request;
        session.sandboxes.add(names.sandboxId);
        return { port: this.#resolvers.put(names, pathsOf(session, names.namespacePath), port) };
      }
      case 'changeElsewhere': {
        const { put, drop } = request;
        for (const id of drop) session.elsewhere.delete(id);
        for (const { id } of put) session.elsewhere.add(id);
        this.#resolvers.changeElsewhere({ put, drop });
        return undefined;
      }
      case 'dropNames':
        session.sandboxes.delete(request.sandboxId);
        this.#resolvers.drop(request.sandboxId);
        await this.#tellPredecessor({ op: 'dropNames', sandboxId: request.sandboxId });
        return undefined;
      case 'holdPorts': {
        const { owner, ports } = request;
        session.owners.add(owner);
        // Two sockets cannot have a port.
        await this.#tellPredecessor({ op: 'releasePorts', owner, ports });
        return { refused: this.#ports.hold(owner, ports) };
      }
      case 'releasePorts':
        return this.#release(session, request.owner, request.ports);
      case 'obtainLease':
        session.leases.add(request.wish.endpointId);
        return this.#leases.obtain(request.wish, pathsOf(session, request.wish.namespacePath));
      case 'keepLease': {
        const { wish, lease } = request;
        session.leases.add(wish.endpointId);
        await this.#tellPredecessor({ op: 'dropLease', endpointId: wish.endpointId, release: false });
        const now = this.#leases.keep(wish, pathsOf(session, wish.namespacePath), lease);
        return now ? { lease: now } : {};
      }
      case 'dropLease': {
        const { endpointId, release } = request;
        session.leases.delete(endpointId);
        await this.#tellPredecessor({ op: 'dropLease', endpointId, release: false });
        await this.#leases.drop(endpointId, { release });
        return undefined;
      }
      case 'ready':
        return this.#ready(session);
      case 'end':
        await this.#tellPredecessor({ op: 'end' });
        return undefined;
      default:
        throw new Error('unknown operation');
    }
  }

  async #release(session: Session, owner: string, ports: readonly HeldPort[] | undefined): Promise<undefined> {
    if (!ports) session.owners.delete(owner);
    this.#ports.release(owner, ports);
    await this.#tellPredecessor({ op: 'releasePorts', owner, ...(ports ? { ports } : {}) });
    return undefined;
  }

  async #ready({ sandboxes, elsewhere, owners, leases }: Session): Promise<undefined> {
    const strangers = this.#resolvers.idsElsewhere().filter((id) => !elsewhere.has(id));
    this.#resolvers.changeElsewhere({ put: [], drop: strangers });
    for (const id of this.#resolvers.ids()) if (!sandboxes.has(id)) this.#resolvers.drop(id);
    for (const owner of this.#ports.owners()) if (!owners.has(owner)) this.#ports.release(owner);
    const ended = this.#leases.ids().filter((id) => !leases.has(id));
    await Promise.all(ended.map(async (id) => this.#leases.drop(id, { release: true })));
    await this.#tellPredecessor({ op: 'end' });
    this.#predecessor = undefined;
    return undefined;
  }

  async #tellPredecessor(operation: Parameters<Connection['ask']>[0]): Promise<void> {
    await this.#predecessor?.ask(operation, { patience: PATIENCE }).catch(() => undefined);
  }

  #announce(notice: Notice): void {
    for (const client of this.#clients) say(client, notice);
  }

  /** A connection is gone, and all that it asked for is done. */
  #left(client: Socket): void {
    if (this.#ending) return;
    if (client === this.#successor) {
      this.#successor = undefined;
      this.#options.log.warn('the process that was to follow ended before it was ready');
      this.#server?.close();
      void this.#listen().catch((error: unknown) => this.#give(error));
      return;
    }
    // Nobody to work for, nothing to keep: a daemon that begins again starts another.
    if (this.#clients.size === 0 && this.#idle && !this.#predecessor?.isOpen) this.#end();
  }

  #give(error: unknown): void {
    this.#options.log.error('cannot listen', { error: messageOf(error) });
    this.#end();
  }

  #end(): void {
    if (this.#ending) return;
    this.#ending = true;
    this.#server?.close();
    this.#resolvers.close();
    this.#ports.close();
    this.#leases.close();
    const { socket } = this.#options;
    // A successor's is not to be taken away.
    if (statSync(socket, { throwIfNoEntry: false })?.ino === this.#inode) rmSync(socket, { force: true });
    for (const client of this.#clients) client.end();
    this.#predecessor?.close();
    this.ended.resolve();
  }
}

function say(client: Socket, line: Reply | Notice): void {
  if (!client.destroyed) client.write(`${JSON.stringify(line)}\n`);
}

/** A mount in the daemon's mount namespace need not be in this one's: its root shows it. */
const pathsOf = ({ pid }: Session, path: string): string[] => [`/proc/${pid}/root${path}`, path];

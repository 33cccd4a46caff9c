/**
 * The daemon's side of berth-netd: network/attendant.ts over a unix socket. It keeps what it was told, and tells a process that takes the
 * place of one that ended, without waiting to be asked.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, system } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { Attendant, HeldPort, RefusedPort, SandboxNames } from '../network/attendant.ts';
import type { Lease, LeaseChange, LeaseWish } from '../network/leases.ts';
import { Connection, Disconnected } from './connection.ts';
import { LeaseClient } from './leases.ts';
import { programVersion, startProcess } from './process.ts';
import type { NetdProcess } from './process.ts';
import type { Operation, Results } from './protocol.ts';
import { portions } from './told-elsewhere.ts';
import { Told } from './told.ts';

export { netdProgram } from './process.ts';

export interface AttendantOptions {
  execRoot: string;
  /** argv of berth-netd. */
  program: readonly string[];
  /** The directory that is the host's root, for its resolv.conf; '' or absent: '/'. */
  hostRoot?: string;
  log: Logger;
  /** Of the program; tests choose one. */
  version?: string;
  /** At which port name servers outside listen: 53 but in tests. */
  serverPort?: number;
}

/** Pauses between starts of a process that does not live, in ms; the last one goes on. */
const PAUSES = [0, 50, 100, 200, 500, 1000];
/** So many starts in vain, and who waits is told. */
const TRIES = PAUSES.length;
const LONGEST_END = 2000;
/** A process that does not say hello (it was stopped, or hangs) is as good as none. */
const LONGEST_HELLO = 3000;

export function createAttendant(options: AttendantOptions): Attendant {
  return new Client(options);
}

class Client implements Attendant {
  readonly #options: AttendantOptions;
  readonly #socket: string;
  readonly #version: string;
  readonly #told = new Told();
  readonly #leases = new LeaseClient(this.#told.leases, {
    ask: async (operation) => this.#ask(operation),
    tell: async (operation) => this.#tell(operation),
  });
  #connection: Connection | undefined;
  #connecting: Promise<Connection> | undefined;
  #looking: Promise<Connection | undefined> | undefined;
  /** Said already. */
  #failure = '';
  #process: NetdProcess | undefined;
  #ready = false;
  #closed = false;

  constructor(options: AttendantOptions) {
    this.#options = options;
    this.#socket = `${options.execRoot}/netd.sock`;
    this.#version = options.version ?? programVersion(options.program);
  }

  prepare(): void {
    if (this.#closed || this.#connection?.isOpen) return;
    // Whoever needs it is told what is wrong; here nobody asks.
    this.#connected().catch(() => undefined);
  }

  async putNames(names: SandboxNames): Promise<void> {
    const wish = this.#told.putNames(names);
    try {
      const result = await this.#ask(
        () => ({ op: 'putNames', names, port: wish.port }),
        // What came later counts.
        () => wish.counts(),
      );
      wish.fulfil(result?.port);
    } catch (error) {
      wish.takeBack();
      throw error;
    }
  }

  async dropNames(sandboxId: string): Promise<void> {
    this.#told.dropNames(sandboxId);
    await this.#tell({ op: 'dropNames', sandboxId });
  }

  async changeElsewhere(change: Parameters<Attendant['changeElsewhere']>[0]): Promise<void> {
    this.#told.elsewhere.change(change);
    for (const part of portions(change)) await this.#ask(() => ({ op: 'changeElsewhere', ...part }));
  }

  async holdPorts(owner: string, ports: readonly HeldPort[]): Promise<RefusedPort[]> {
    if (ports.length === 0) return [];
    const { refused } = (await this.#ask(() => ({ op: 'holdPorts', owner, ports }))) ?? { refused: [] };
    if (refused.length === 0) this.#told.holdPorts(owner, ports);
    return refused;
  }

  async releasePorts(owner: string, ports?: readonly HeldPort[]): Promise<void> {
    this.#told.releasePorts(owner, ports);
    await this.#tell({ op: 'releasePorts', owner, ...(ports ? { ports } : {}) });
  }

  onLease(listener: (change: LeaseChange) => void): void {
    this.#leases.onLease(listener);
  }

  async obtainLease(wish: LeaseWish): Promise<Lease> {
    return this.#leases.obtainLease(wish);
  }

  async keepLease(wish: LeaseWish, lease: Lease | undefined): Promise<Lease | undefined> {
    return this.#leases.keepLease(wish, lease);
  }

  async dropLease(endpointId: string): Promise<void> {
    await this.#leases.dropLease(endpointId);
  }

  async ready(): Promise<void> {
    await this.#tell({ op: 'ready' });
    this.#ready = true;
  }

  async close({ keep }: { keep: boolean }): Promise<void> {
    if (this.#closed) return;
    // What is to go on is started if it just died; what is to end is not.
    const connection = await (keep ? this.#existing().catch(() => undefined) : this.#present());
    this.#closed = true;
    if (!connection) return;
    if (keep) connection.close();
    else await endProcess(connection, this.#process?.exited);
  }

  /** Of a process that is started when there is none. undefined when `still` says no before it could be asked. */
  async #ask<O extends Operation>(
    operation: () => O,
    still = (): boolean => true,
  ): Promise<Results[O['op']] | undefined> {
    for (;;) {
      const connection = await this.#connected();
      if (!still()) return undefined;
      try {
        return await connection.ask(operation());
      } catch (error) {
        if (!(error instanceof Disconnected) || this.#closed) throw error;
      }
    }
  }

  /** To the process, if there is one. */
  async #tell(operation: Operation): Promise<void> {
    for (;;) {
      const connection = await this.#existing();
      if (!connection) return;
      try {
        await connection.ask(operation);
        return;
      } catch (error) {
        if (!(error instanceof Disconnected) || this.#closed) throw error;
      }
    }
  }

  /** A process that is there already, or needed; undefined when nothing keeps one. */
  async #existing(): Promise<Connection | undefined> {
    if (this.#closed) return undefined;
    if (this.#connection?.isOpen) return this.#connection;
    if (this.#connecting || this.#told.something) return this.#connected();
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #look(): Promise<Connection | undefined> {
    const connection = await Connection.open(this.#socket);
    if (!connection) return undefined;
    if (await this.#greet(connection)) {
      this.#take(connection);
      return connection;
    }
    // Of another version, and nothing is needed of it.
    await endProcess(connection);
    return undefined;
  }

  /** A process that is there, of whatever version. */
  async #present(): Promise<Connection | undefined> {
    const connecting = await this.#connecting?.catch(() => undefined);
    return connecting ?? (this.#connection?.isOpen ? this.#connection : Connection.open(this.#socket));
  }

  async #connected(): Promise<Connection> {
    if (this.#closed) throw system('the daemon is shutting down');
    // One connection at a time: what is put on one is not known on another.
    await this.#looking;
    if (this.#connection?.isOpen) return this.#connection;
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  async #connect(): Promise<Connection> {
    let failure: unknown;
    for (let attempt = 0; attempt < TRIES; attempt++) {
      await sleep(PAUSES[attempt] ?? 0);
      try {
        const connection = (await this.#open()) ?? (await this.#start());
        await this.#tellAll(connection);
        if (this.#closed) break;
        this.#take(connection);
        this.#failure = '';
        return connection;
      } catch (error) {
        failure = error;
        this.#complain(messageOf(error));
      }
      if (this.#closed) break;
    }
    throw system(`the process that answers names and keeps ports does not start: ${messageOf(failure)}`, failure);
  }

  #complain(error: string): void {
    if (error !== this.#failure) this.#options.log.warn('berth-netd cannot be reached', { error });
    this.#failure = error;
  }

  /** One of this version that runs already. */
  async #open(): Promise<Connection | undefined> {
    const connection = await Connection.open(this.#socket);
    if (!connection || (await this.#greet(connection))) return connection;
    connection.close();
    return undefined;
  }

  /** It takes the place of one of another version by itself. */
  async #start(): Promise<Connection> {
    const { execRoot, program, hostRoot = '', serverPort, log } = this.#options;
    const argv = [...program, '--socket', this.#socket, '--version', this.#version];
    if (hostRoot !== '') argv.push('--host-root', hostRoot);
    if (serverPort !== undefined) argv.push('--server-port', String(serverPort));
    this.#process = await startProcess(argv, `${execRoot}/netd.log`);
    log.debug('berth-netd was started', { pid: this.#process.pid });
    const connection = await this.#open();
    if (!connection) throw new Error('berth-netd does not answer');
    return connection;
  }

  async #greet(connection: Connection): Promise<boolean> {
    try {
      const { version } = await connection.ask(
        { op: 'hello', version: this.#version, pid: process.pid },
        { patience: LONGEST_HELLO },
      );
      return version === this.#version;
    } catch {
      connection.close();
      return false;
    }
  }

  async #tellAll(connection: Connection): Promise<void> {
    connection.onChange = (change) => this.#told.leases.note(change);
    await this.#told.tell(connection, this.#options.log);
    if (this.#ready) await connection.ask({ op: 'ready' });
  }

  #take(connection: Connection): void {
    this.#connection = connection;
    void connection.closed.then(async () => {
      if (this.#connection === connection) this.#connection = undefined;
      while (!this.#closed && this.#told.something && !this.#connection?.isOpen) {
        await this.#connected().catch((error: unknown) => this.#complain(messageOf(error)));
      }
    });
  }
}

/** Resolves when it has let go of everything. */
async function endProcess(connection: Connection, exited?: Promise<void>): Promise<void> {
  await connection.ask({ op: 'end' }).catch(() => undefined);
  const patience = new AbortController();
  const late = sleep(LONGEST_END, undefined, { signal: patience.signal }).catch(() => undefined);
  await Promise.race([Promise.all([connection.closed, exited]), late]);
  patience.abort();
  connection.close();
}

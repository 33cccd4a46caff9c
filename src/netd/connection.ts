/** The asking end of a connection to a berth-netd. */
import { createConnection } from 'node:net';
import type { Socket } from 'node:net';
import type { LeaseChange } from '../network/leases.ts';
import { Lines } from './protocol.ts';
import type { Notice, Operation, Reply, Results } from './protocol.ts';

/** The connection broke, or was closed, before the answer came: nobody knows whether it was carried out. */
export class Disconnected extends Error {
  constructor() {
    super('the connection to berth-netd broke');
    this.name = 'Disconnected';
  }
}

interface Waiting {
  resolve: (value: unknown) => void;
  reject: (error: Error) => void;
}

export class Connection {
  readonly #socket: Socket;
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;
  #open = true;
  /** Settled when the connection is gone, for whatever reason. */
  readonly closed: Promise<void>;
  /** Called with what the process says without being asked. */
  onChange: (change: LeaseChange) => void = () => undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    const lines = new Lines();
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      try {
        for (const line of lines.push(chunk)) this.#take(JSON.parse(line) as Reply | Notice);
      } catch {
        // What speaks another language is no process of ours.
        socket.destroy();
      }
    });
    socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#open = false;
        for (const { reject } of this.#waiting.values()) reject(new Disconnected());
        this.#waiting.clear();
        resolve();
      });
    });
  }

  /** undefined when nobody listens there. */
  static async open(path: string): Promise<Connection | undefined> {
    return new Promise((resolve) => {
      const socket = createConnection({ path });
      socket.once('connect', () => {
        socket.removeAllListeners('error');
        resolve(new Connection(socket));
      });
      socket.once('error', () => resolve(undefined));
    });
  }

  get isOpen(): boolean {
    return this.#open;
  }

  /** Rejects with Disconnected, or with the process's own words. After `patience` ms without an answer the connection is closed. */
  async ask<O extends Operation>(operation: O, { patience }: { patience?: number } = {}): Promise<Results[O['op']]> {
    if (!this.#open) throw new Disconnected();
    const id = ++this.#last;
    const timer = patience === undefined ? undefined : setTimeout(() => this.close(), patience);
    return new Promise<Results[O['op']]>((resolve, reject) => {
      // The process may end while it is open, but not while somebody waits.
      this.#socket.ref();
      this.#waiting.set(id, { resolve: (value) => resolve(value as Results[O['op']]), reject });
      this.#socket.write(`${JSON.stringify({ ...operation, id })}\n`);
    }).finally(() => clearTimeout(timer));
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(line: Reply | Notice): void {
    if ('changed' in line) return this.onChange(line.changed);
    const { id, value, error } = line;
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (this.#waiting.size === 0) this.#socket.unref();
    if (error === undefined) waiting?.resolve(value);
    else waiting?.reject(new Error(error));
  }
}

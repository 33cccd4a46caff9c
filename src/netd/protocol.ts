/**
 * What berthd and berth-netd say to each other over `<execRoot>/netd.sock` (unix stream, mode 0600): one JSON object a line.
 *
 *     → {"id":1,"op":"hello","version":…,"pid":…}      ← {"id":1,"value":{"version":…}}
 *     → {"id":2,"op":"putNames","names":{…},"port":0}  ← {"id":2,"value":{"port":38211}}
 *     → {"id":3,"op":"holdPorts","owner":…,"ports":[…]} ← {"id":3,"value":{"refused":[]}}
 *     → {"id":4,"op":"obtainLease","wish":{…}}         ← {"id":4,"value":{"address":"192.0.2.57/24",…}}
 *                                                      ← {"changed":{"endpointId":…,"lease":{…},"reason":""}}
 *
 * Requests may be sent without waiting; they are carried out in their order, but others are answered while a lease is waited for. hello comes first. A process of another version
 * says no more than its own to hello, and end; its successor says succeed.
 */
import type { HeldPort, NamesElsewhere, RefusedPort, SandboxNames } from '../network/attendant.ts';
import type { Lease, LeaseChange, LeaseWish } from '../network/leases.ts';

/** Changes with the shape of the messages; part of the version that hello compares. */
const PROTOCOL = 3;

export const versionOf = (program: string): string => `${PROTOCOL}/${program}`;

export type Operation =
  /** From a daemon: what is not put on this connection before ready is dropped. `pid`: through whose root paths are read. */
  | { op: 'hello'; version: string; pid: number }
  /** From a process that takes this one's place: this one goes on until it is told to end, or alone if that one ends. */
  | { op: 'succeed' }
  /** `port`: where the resolver was in there before, 0 for anywhere. */
  | { op: 'putNames'; names: SandboxNames; port: number }
  | { op: 'dropNames'; sandboxId: string }
  | { op: 'changeElsewhere'; put: readonly NamesElsewhere[]; drop: readonly string[] }
  | { op: 'holdPorts'; owner: string; ports: readonly HeldPort[] }
  | { op: 'releasePorts'; owner: string; ports?: readonly HeldPort[] }
  | { op: 'obtainLease'; wish: LeaseWish }
  /** `lease`: what it had; absent when it had none. */
  | { op: 'keepLease'; wish: LeaseWish; lease?: Lease }
  /** `release`: the server is told. Not when another process goes on with it. */
  | { op: 'dropLease'; endpointId: string; release: boolean }
  | { op: 'ready' }
  /** Lets go of everything and ends; answered before. */
  | { op: 'end' };

export interface Results {
  hello: { version: string };
  succeed: undefined;
  putNames: { port: number };
  dropNames: undefined;
  changeElsewhere: undefined;
  holdPorts: { refused: RefusedPort[] };
  releasePorts: undefined;
  obtainLease: Lease;
  keepLease: { lease?: Lease };
  dropLease: undefined;
  ready: undefined;
  end: undefined;
}

export type Request = Operation & { id: number };

export interface Reply {
  id: number;
  value?: unknown;
  error?: string;
}

/** Said without being asked: a lease was renewed, became another or was lost. */
export interface Notice {
  changed: LeaseChange;
}

/** Splits a stream into lines. A line that nobody would send ends the connection: `overflow`. */
export class Lines {
  #rest = '';

  /** Bytes of one line at most: a sandbox on 1,000 networks takes some 300 kB. */
  static readonly longest = 64 * 1024 * 1024;

  push(chunk: string): string[] {
    const lines = chunk.split('\n');
    lines[0] = this.#rest + (lines[0] ?? '');
    this.#rest = lines.pop() ?? '';
    if (this.#rest.length > Lines.longest) throw new RangeError('a line without end');
    return lines;
  }
}

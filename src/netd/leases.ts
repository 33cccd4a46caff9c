/** The daemon's side of leases: network/leases.ts over the connection to berth-netd. */
import { messageOf, unavailable } from '../errors.ts';
import type { Lease, LeaseChange, LeaseKeeper, LeaseWish } from '../network/leases.ts';
import type { Operation, Results } from './protocol.ts';
import type { ToldLeases } from './told-leases.ts';

export interface LeaseCalls {
  /** Of a process that is started when there is none. */
  ask: <O extends Operation>(operation: () => O) => Promise<Results[O['op']] | undefined>;
  /** To the process, if there is one. */
  tell: (operation: Operation) => Promise<void>;
}

export class LeaseClient implements LeaseKeeper {
  readonly #told: ToldLeases;
  readonly #calls: LeaseCalls;

  constructor(told: ToldLeases, calls: LeaseCalls) {
    this.#told = told;
    this.#calls = calls;
  }

  onLease(listener: (change: LeaseChange) => void): void {
    this.#told.listener = listener;
  }

  async obtainLease(wish: LeaseWish): Promise<Lease> {
    const lease = await this.#calls
      .ask(() => ({ op: 'obtainLease', wish }))
      .catch((error: unknown) => {
        throw unavailable(messageOf(error), error);
      });
    if (!lease) throw unavailable('the daemon is shutting down');
    this.#told.put(wish, lease);
    return lease;
  }

  async keepLease(wish: LeaseWish, lease: Lease | undefined): Promise<Lease | undefined> {
    // What fails now is done when another process begins.
    this.#told.put(wish, lease);
    const result = await this.#calls.ask(() => ({ op: 'keepLease', wish, ...(lease ? { lease } : {}) }));
    if (result) this.#told.put(wish, result.lease);
    return result?.lease;
  }

  async dropLease(endpointId: string): Promise<void> {
    this.#told.drop(endpointId);
    await this.#calls.tell({ op: 'dropLease', endpointId, release: true });
  }
}

/** Leases that berth-netd holds, as they were last: with them the next one goes on. */
import type { Lease, LeaseChange, LeaseWish } from '../network/leases.ts';
import type { Connection } from './connection.ts';

interface Known {
  wish: LeaseWish;
  lease: Lease | undefined;
}

export class ToldLeases {
  readonly #endpoints = new Map<string, Known>();
  /** Told of everything that changes, once it is noted here. */
  listener: (change: LeaseChange) => void = () => undefined;

  get size(): number {
    return this.#endpoints.size;
  }

  put(wish: LeaseWish, lease: Lease | undefined): void {
    this.#endpoints.set(wish.endpointId, { wish, lease });
  }

  drop(endpointId: string): void {
    this.#endpoints.delete(endpointId);
  }

  /** Of one that is not known (any more) it is no news. */
  note(change: LeaseChange): void {
    const known = this.#endpoints.get(change.endpointId);
    if (!known) return;
    known.lease = change.lease;
    this.listener(change);
  }

  /** All of them, to a process that begins. What it has lost it says as it says it later. */
  tell(connection: Connection, failed: (endpoint: string) => (error: unknown) => void): Promise<void>[] {
    return [...this.#endpoints.values()].map(async ({ wish, lease }) =>
      connection
        .ask({ op: 'keepLease', wish, ...(lease ? { lease } : {}) })
        .then(() => undefined)
        .catch(failed(wish.endpointId)),
    );
  }
}

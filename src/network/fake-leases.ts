/** A LAN that lends addresses, for unit tests. Strict: an endpoint asks once, and what it gives back it had. */
import { unavailable } from '../errors.ts';
import type { Lease, LeaseChange, LeaseKeeper, LeaseWish } from './leases.ts';

export const leaseOf = (address: string, more: Partial<Lease> = {}): Lease => ({
  address,
  gateway: '192.0.2.1',
  mtu: 0,
  nameservers: [],
  domain: '',
  server: '192.0.2.1',
  serverMac: '02:00:00:00:00:01',
  since: 1000,
  duration: 3600,
  renewAfter: 1800,
  rebindAfter: 3150,
  ...more,
});

export class FakeLeases implements LeaseKeeper {
  /** What the server gives next, in this order; nothing left: it does not answer. */
  readonly offers: Lease[] = [];
  /** By endpoint: what is lent now. */
  readonly held = new Map<string, Lease | undefined>();
  readonly wishes: LeaseWish[] = [];
  #listener: (change: LeaseChange) => void = () => undefined;

  onLease(listener: (change: LeaseChange) => void): void {
    this.#listener = listener;
  }

  async obtainLease(wish: LeaseWish): Promise<Lease> {
    if (this.held.has(wish.endpointId)) throw new Error(`${wish.endpointId} has a lease`);
    if (!/^ff[0-9a-f]+$/.test(wish.clientId)) throw new Error(`bad client identifier ${wish.clientId}`);
    this.wishes.push(wish);
    const lease = this.offers.shift();
    if (!lease) throw unavailable(`no DHCP server answered within ${wish.timeout} s`);
    this.held.set(wish.endpointId, lease);
    return lease;
  }

  async keepLease(wish: LeaseWish, lease: Lease | undefined): Promise<Lease | undefined> {
    if (!this.held.has(wish.endpointId)) this.held.set(wish.endpointId, lease);
    return this.held.get(wish.endpointId);
  }

  async dropLease(endpointId: string): Promise<void> {
    this.held.delete(endpointId);
  }

  /** The server, or its silence, changes what an endpoint has. */
  change(endpointId: string, lease: Lease | undefined, reason = ''): void {
    this.held.set(endpointId, lease);
    this.#listener({ endpointId, lease, reason });
  }
}

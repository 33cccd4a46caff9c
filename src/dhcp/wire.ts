/** The seams of the client: what it hears and says, its clock, and who is told. packet-wire.ts is the real wire, fake-lan.ts the strict stand-in. */
import type { Lease } from '../network/leases.ts';
import type { Message } from './codec.ts';

/**
 * What the client hears and says; nothing throws, as a frame that cannot be sent is one that was lost. An answer may come before what
 * said the question returns: its timer is set before.
 */
export interface Wire {
  /** From now on only these are heard. What is said needs no ear. */
  listen(what: { dhcp: boolean; arp: boolean }): void;
  /** `from`: '0.0.0.0', or the client's own address. */
  broadcast(message: Message, from: string): void;
  unicast(message: Message, from: string, to: { address: string; mac: string }): void;
  probe(address: string): void;
  announce(address: string): void;
}

export interface Clock {
  /** Seconds since the host's boot. */
  now(): number;
  /** Calls back once after so many seconds, unless what it returns is called before. */
  later(seconds: number, body: () => void): () => void;
}

export interface Listener {
  /** There is a lease; or `before` was renewed, perhaps with another address or other terms. */
  bound(lease: Lease, before: Lease | undefined): void;
  /** Its address must not be used any longer. Another is being asked for. */
  lost(lease: Lease, reason: string): void;
  /** No first lease within the wish's time. It has stopped. */
  failed(reason: string): void;
}

export interface Reply {
  message: Message;
  /** Ethernet address of who sent it. */
  mac: string;
}

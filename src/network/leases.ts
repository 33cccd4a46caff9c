/**
 * Addresses that a DHCP server of the LAN lends (RFC 2131), as the network sees them. `berth-netd` obtains, renews and returns them and keeps
 * the address on the container's interface, so that this goes on while berthd is down; berthd records them, and lets default
 * routes, names and files follow.
 */

/** What is asked of the LAN for one endpoint. */
export interface LeaseWish {
  endpointId: string;
  /** As berthd sees it; the process reads it through berthd's own root directory. */
  namespacePath: string;
  /** Name inside: 'eth0'. It is up, and has no IPv4 address. */
  interfaceName: string;
  /** '' for whichever the interface has (ipvlan). */
  mac: string;
  /** Option 61, hex digits: by this the server knows the client again. */
  clientId: string;
  /** Option 12; '' to send none. */
  hostname: string;
  /** Option 50, without prefix: no other is taken. '' for any. */
  address: string;
  /** Servers must answer by broadcast: the interface does not get what is sent to an address that it has not yet (ipvlan). */
  broadcast: boolean;
  /** Seconds that a server has until the first lease. */
  timeout: number;
}

export interface Lease {
  /** With prefix: '192.0.2.57/24' (options 1 and yiaddr). */
  address: string;
  /** Option 3: the first that is in the subnet; '' for none. */
  gateway: string;
  /** Option 26, bytes; 0 when the server does not say. */
  mtu: number;
  /** Option 6. */
  nameservers: readonly string[];
  /** Option 15; ''. */
  domain: string;
  /** Option 54. */
  server: string;
  /** Ethernet address from which the server, or the relay before it, was heard. */
  serverMac: string;
  /** Since when it counts: seconds since the host's boot (CLOCK_BOOTTIME). */
  since: number;
  /** Seconds (option 51); FOREVER for one without end. */
  duration: number;
  /** T1 and T2, seconds after `since`. */
  renewAfter: number;
  rebindAfter: number;
}

/** Option 51 of 0xffffffff (RFC 2131 section 3.3). */
export const FOREVER = 0xffff_ffff;

/** Something happened to a lease after it was obtained. */
export interface LeaseChange {
  endpointId: string;
  /** undefined: there is none now, and the address was taken from the interface; another is being asked for. */
  lease: Lease | undefined;
  /** Why there is none. */
  reason: string;
}

export interface LeaseKeeper {
  /** Before any other: who is told of renewals, of other addresses and of leases that were lost. */
  onLease(listener: (change: LeaseChange) => void): void;
  /**
   * Resolves when the interface has the address. Rejects with Unavailable when no server gave one within the wish's time; then, as when it
   * is dropped meanwhile, nothing is kept.
   */
  obtainLease(wish: LeaseWish): Promise<Lease>;
  /**
   * After a start of the daemon: an endpoint that had `lease` when it was last heard of. Resolves at once with what it has now; undefined
   * when it was lost meanwhile and another is being asked for.
   */
  keepLease(wish: LeaseWish, lease: Lease | undefined): Promise<Lease | undefined>;
  /** Gives it back to the server and lets go of the namespace. Succeeds when there is none. */
  dropLease(endpointId: string): Promise<void>;
}

/**
 * The one interface of the firewall. Desired state goes in, whole or as one change of it, and is in force when the Promise resolves.
 * The rules of other programs, and the policies of chains that are not Berth's, are never touched. Calls are carried out
 * in their order.
 */
import type { HostRule, NetworkRules, PortRule } from '../drivers/plan.ts';

export interface FirewallState {
  /** At most one of each bridge and family. */
  networks: readonly NetworkRules[];
  /** Each belongs to a bridge and family of `networks`. */
  ports: readonly PortRule[];
  /** Each once. While there is one for a UDP port, what comes for that port from elsewhere is dropped. */
  hosts?: readonly HostRule[];
}

/** What goes and what comes, in one transaction. A network that is removed must have no ports left after it. */
export interface FirewallChange {
  remove?: Partial<FirewallState>;
  add?: Partial<FirewallState>;
}

/** What holds for all networks; decided when the daemon starts. */
export interface FirewallSettings {
  /** Tables and chains of this daemon are named after it: network/instance.ts, instanceName(). */
  instance: string;
  /** --allow-direct-routing: published ports may be reached at the container's own address from anywhere. */
  directRouting: boolean;
  /** --bridge-accept-fwmark 'MARK' or 'MARK/MASK', decimal or 0x…; '' for none. */
  acceptMark: string;
}

export interface Firewall {
  /** Makes the rules of this daemon exactly these, whatever was left by an earlier run or damaged since. Idempotent. */
  set(state: FirewallState): Promise<void>;
  /**
   * Costs the same however many networks and ports there are. When it throws, nothing has changed, and removing what is not
   * there succeeds (as after somebody else's `nft flush ruleset`).
   */
  change(change: FirewallChange): Promise<void>;
  /** Takes away every rule, chain and table of this daemon. */
  remove(): Promise<void>;
}

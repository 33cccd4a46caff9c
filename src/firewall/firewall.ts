/**
 * The one interface of the firewall: the whole desired state goes in, and is in force when the Promise resolves. The
 * rules of other programs, and the policies of chains that are not Berth's, are never touched.
 */
import type { NetworkRules } from '../drivers/plan.ts';

export interface Firewall {
  /** Makes the rules of this daemon exactly these, whatever was left by an earlier run. Idempotent. */
  set(networks: readonly NetworkRules[]): Promise<void>;
  /** Takes away every rule, chain and table of this daemon. */
  remove(): Promise<void>;
}

/** Rules of other tables than our own that are listed by `iptables -S` and `iptables -t nat -S`, in their order. */
export type CompatRule = MasqueradeRule | ForwardRule;

/** -t nat -A POSTROUTING -s <subnet> ! -o <bridge> -j MASQUERADE */
export interface MasqueradeRule {
  kind: 'masquerade';
  subnet: string;
  bridge: string;
}

/**
 * -t filter -I FORWARD: 'forward-out' is -i <bridge> -j ACCEPT, 'forward-in' -o <bridge> -j ACCEPT, 'forward-answers' the
 * same for conntrack's RELATED,ESTABLISHED. An accept in a table of our own would not help where another program made
 * FORWARD's policy DROP: every chain on a hook has its say.
 */
export interface ForwardRule {
  kind: 'forward-out' | 'forward-in' | 'forward-answers';
  family: 4 | 6;
  bridge: string;
}

/** A firewall for unit tests. Strict: rules for one bridge twice, or without a subnet, are a mistake of the caller. */
import type { NetworkRules } from '../drivers/plan.ts';
import type { Firewall } from './firewall.ts';

export class FakeFirewall implements Firewall {
  /** undefined before the first set() and after remove(). */
  rules: readonly NetworkRules[] | undefined;
  sets = 0;

  async set(networks: readonly NetworkRules[]): Promise<void> {
    const bridges = new Set(networks.map(({ bridge }) => bridge));
    if (bridges.size !== networks.length) throw new Error('two networks on one bridge');
    for (const { bridge, subnets } of networks) {
      if (bridge === '' || subnets.length === 0) throw new Error('rules for nothing');
    }
    this.rules = networks;
    this.sets++;
  }

  async remove(): Promise<void> {
    this.rules = undefined;
  }
}

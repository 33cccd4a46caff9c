/** Which rules go into the tables that `iptables` lists. Pure. */
import type { NetworkRules } from '../drivers/plan.ts';
import type { CompatRule } from './firewall.ts';

export function compatRules(networks: readonly NetworkRules[]): CompatRule[] {
  return networks.flatMap(({ bridge, subnets, masquerade, directRouting }) => {
    const families = new Set(subnets.map((subnet) => (subnet.includes(':') ? 6 : 4)));
    const rules: CompatRule[] = masquerade ? subnets.map((subnet) => ({ kind: 'masquerade', subnet, bridge })) : [];
    for (const family of families) {
      rules.push({ kind: 'forward-out', family, bridge });
      rules.push({ kind: directRouting ? 'forward-in' : 'forward-answers', family, bridge });
    }
    return rules;
  });
}

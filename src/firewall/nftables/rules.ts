/** Berth's own nftables table as one script for libnftables. Pure. */
import type { NetworkRules } from '../../drivers/plan.ts';

export interface ScriptOptions {
  /** Name of this daemon's table. */
  table: string;
  /** Masquerade here: the kernel has no nft_compat, so `iptables` cannot be shown it. */
  masquerade: boolean;
}

/** An identifier that nft's grammar takes without quotes. */
export const tableName = (instance: string): string =>
  instance.replaceAll(/[^A-Za-z0-9_-]/g, '_').replace(/^[^A-Za-z]/, 'b');

/** Declaring a table before deleting it makes the deletion succeed whether or not it was there. */
export const removalScript = (table: string): string => `table inet ${table}\ndelete table inet ${table}\n`;

/** One transaction: until it is committed the old rules hold, then the new ones. */
export function rulesScript(networks: readonly NetworkRules[], { table, masquerade }: ScriptOptions): string {
  const lines = [removalScript(table).trimEnd()];
  if (networks.length === 0) return `${lines.join('\n')}\n`;
  lines.push(
    `table inet ${table} {`,
    '\tchain forward {',
    '\t\ttype filter hook forward priority filter; policy accept;',
    ...networks.flatMap(forwardRules),
    '\t}',
  );
  const hidden = masquerade ? networks.filter((network) => network.masquerade) : [];
  if (hidden.length > 0) {
    lines.push(
      '\tchain postrouting {',
      '\t\ttype nat hook postrouting priority srcnat; policy accept;',
      ...hidden.flatMap(({ bridge, subnets }) =>
        subnets.map(
          (subnet) => `\t\t${subnet.includes(':') ? 'ip6' : 'ip'} saddr ${subnet} oifname != "${bridge}" masquerade`,
        ),
      ),
      '\t}',
    );
  }
  lines.push('}');
  return `${lines.join('\n')}\n`;
}

function forwardRules({ bridge, subnets, interContainer, directRouting }: NetworkRules): string[] {
  const rules = [
    // From port to port of one bridge a packet comes here only with br_netfilter (the isolation of the ports is what
    // closes them); but also when a container sends to another by way of the host's address.
    `iifname "${bridge}" oifname "${bridge}" ${interContainer ? 'accept' : 'drop'}`,
    `oifname "${bridge}" ct state established,related accept`,
  ];
  // Nobody reaches a container by routing to it; published ports are the way in.
  if (!directRouting) rules.push(`oifname "${bridge}" drop`);
  // --ip6tables=false leaves IPv6 to the administrator.
  const scope = subnets.some((subnet) => subnet.includes(':')) ? '' : 'meta nfproto ipv4 ';
  return rules.map((rule) => `\t\t${scope}${rule}`);
}

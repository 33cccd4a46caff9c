/** Berth's rules for iptables-restore(8) --noflush, in chains of its own. Pure. */
import type { NetworkRules } from '../../drivers/plan.ts';

export interface ChainNames {
  forward: string;
  postrouting: string;
}

/** At most 28 characters (XT_EXTENSION_MAXNAMELEN less the zero). */
export function chainNames(instance: string): ChainNames {
  const base = instance
    .toUpperCase()
    .replaceAll(/[^A-Z0-9-]/g, '-')
    .slice(0, 20);
  return { forward: `${base}-FORWARD`, postrouting: `${base}-POSTROUT` };
}

/** Chains that are named with ':' are made or emptied; then they are filled. One transaction for each table. */
export function restoreText(networks: readonly NetworkRules[], chains: ChainNames, family: 4 | 6): string {
  const here = networks
    .map((network) => ({ ...network, subnets: network.subnets.filter((s) => s.includes(':') === (family === 6)) }))
    .filter(({ subnets }) => subnets.length > 0);
  const nat = here.flatMap(({ bridge, subnets, masquerade }) =>
    masquerade ? subnets.map((s) => `-A ${chains.postrouting} -s ${s} ! -o ${bridge} -j MASQUERADE`) : [],
  );
  const filter = here.flatMap(({ bridge, interContainer, directRouting }) => [
    `-A ${chains.forward} -i ${bridge} -o ${bridge} -j ${interContainer ? 'ACCEPT' : 'DROP'}`,
    `-A ${chains.forward} -o ${bridge} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`,
    `-A ${chains.forward} -o ${bridge} -j ${directRouting ? 'ACCEPT' : 'DROP'}`,
    `-A ${chains.forward} -i ${bridge} -j ACCEPT`,
  ]);
  return (
    `*nat\n:${chains.postrouting} - [0:0]\n${nat.map((line) => `${line}\n`).join('')}COMMIT\n` +
    `*filter\n:${chains.forward} - [0:0]\n${filter.map((line) => `${line}\n`).join('')}COMMIT\n`
  );
}

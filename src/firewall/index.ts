/** The firewall of this machine, by the backend that was asked for. Nothing of it is loaded before it is needed. */
import { messageOf } from '../errors.ts';
import { bridgeFilter } from '../linux/bridge-filter.ts';
import { createConntrack } from '../linux/conntrack.ts';
import { changeListedRules, ruleOwner, setListedRules } from '../linux/listed-rules.ts';
import { lazySocket, tableContents } from '../linux/nfnetlink.ts';
import { elementRequests } from '../linux/nft-elements.ts';
import { runNft } from '../linux/nftables.ts';
import type { Logger } from '../log.ts';
import type { Firewall, FirewallSettings } from './firewall.ts';
import { createIptablesFirewall } from './iptables/backend.ts';
import { runProgram } from './iptables/program.ts';
import { chainNames } from './iptables/rules.ts';
import { createNftablesFirewall } from './nftables/backend.ts';
import { setTypes, tableName } from './nftables/definitions.ts';
import type { StaleFlows } from './stale-flows.ts';

export interface FirewallOptions {
  backend: 'nftables' | 'iptables';
  settings: FirewallSettings;
  log: Logger;
}

/** 'none': --iptables=false. */
export type FirewallChoice = FirewallOptions['backend'] | 'none';

/**
 * Takes away what the backend of the last start left when this one is another: rules stay while containers run on. `last`
 * is remembered by the caller once this has returned. An administrator's rules in berth-user or DOCKER-USER stay.
 */
export async function leaveBackend(
  last: FirewallChoice | undefined,
  now: FirewallChoice,
  { settings, log }: Omit<FirewallOptions, 'backend'>,
): Promise<void> {
  if (last === undefined || last === 'none' || last === now) return;
  try {
    await createFirewall({ backend: last, settings, log }).remove();
  } catch (error) {
    log.warn(`rules of the backend ${last} may be left`, { error: messageOf(error) });
  }
}

/** What the kernel's messages about this daemon's tables, chains and rules hold: names end in a zero byte. */
export const ruleMarks = (instance: string): Buffer[] => [
  Buffer.from(`${tableName(instance)}\0`),
  ruleOwner(tableName(instance)),
  ...Object.values<string>({ ...chainNames(instance) }).map((name) => Buffer.from(`${name}\0`)),
];

/** Works in the network namespace that the process is in at the first call. */
export function createFirewall({ backend, settings, log }: FirewallOptions): Firewall {
  const conntrack = createConntrack();
  const forget = (flows: StaleFlows): void => {
    if (flows.length === 0) return;
    conntrack.forget(flows).catch((error: unknown) => {
      log.warn('UDP clients of a port that changed may be led where it led before', { error: messageOf(error) });
    });
  };
  if (backend === 'iptables') return createIptablesFirewall({ run: runProgram, bridgeFilter, forget }, settings, log);
  const socket = lazySocket();
  return createNftablesFirewall(
    {
      run: runNft,
      contents: (table, userChain) => tableContents(socket(), table, userChain),
      setListed: (owner, rules) => setListedRules(socket(), owner, rules),
      change: (owner, { remove, add }) =>
        changeListedRules(socket(), owner, {
          remove: remove.rules,
          add: add.rules,
          with: [
            ...elementRequests(owner, 'delete', remove.elements, setTypes),
            ...elementRequests(owner, 'add', add.elements, setTypes),
          ],
        }),
      bridgeFilter,
      forget,
    },
    settings,
    log,
  );
}

/**
 * The firewall by nftables: own tables through libnftables, and the few rules that `iptables` shall list through
 * nfnetlink. No process is spawned.
 */
import { messageOf, unavailable } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import { compatRules } from '../compat.ts';
import type { CompatRule, Firewall } from '../firewall.ts';
import { removalScript, rulesScript, tableName } from './rules.ts';

/** What the backend asks of the kernel; implemented in linux/nftables.ts and linux/nfnetlink.ts. */
export interface NftablesKernel {
  /** Carries a script out as one transaction. */
  run(script: string): void;
  /** Makes the rules marked with `owner` exactly these, in the tables of iptables. */
  setCompat(owner: string, rules: readonly CompatRule[]): void;
}

export function createNftablesFirewall(kernel: NftablesKernel, instance: string, log: Logger): Firewall {
  const table = tableName(instance);
  let warned = false;

  /** True when the kernel took them. */
  const setCompat = (rules: readonly CompatRule[]): boolean => {
    try {
      kernel.setCompat(table, rules);
      return true;
    } catch (error) {
      if (!warned) {
        log.warn('the kernel refuses rules in the form of iptables; `iptables -S` will not list them', {
          error: messageOf(error),
        });
      }
      warned = true;
      return false;
    }
  };
  const run = (script: string): void => {
    try {
      kernel.run(script);
    } catch (error) {
      throw unavailable(
        `the firewall rules could not be made (nftables): ${messageOf(error)}. ` +
          'Is nf_tables in the kernel? --iptables=false does without rules, --firewall-backend=iptables uses iptables',
        error,
      );
    }
  };

  return {
    async set(networks) {
      const listed = setCompat(compatRules(networks));
      run(rulesScript(networks, { table, masquerade: !listed }));
    },
    async remove() {
      setCompat([]);
      run(removalScript(table));
    },
  };
}

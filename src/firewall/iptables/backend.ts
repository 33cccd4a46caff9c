/**
 * The firewall by iptables (--firewall-backend=iptables), for hosts whose administrator wants the rules there. One
 * iptables-restore for each family that a change touches, 20–30 ms, however many ports the change has.
 */
import { messageOf, unavailable } from '../../errors.ts';
import type { BridgeFilter } from '../../linux/bridge-filter.ts';
import type { Logger } from '../../log.ts';
import type { Firewall, FirewallSettings, FirewallState } from '../firewall.ts';
import { serial } from '../serial.ts';
import { staleFlows } from '../stale-flows.ts';
import type { StaleFlows } from '../stale-flows.ts';
import { DesiredState, familyOf } from '../state.ts';
import { changeText, removalText, setText } from './restore.ts';
import type { RuleOptions } from './rules.ts';

export interface IptablesHost {
  run(argv: readonly [string, ...string[]], input?: string): Promise<{ code: number; stdout: string; stderr: string }>;
  bridgeFilter(): BridgeFilter;
  /** Returns at once; conntrack's entries go some time later. */
  forget(flows: StaleFlows): void;
}

const PROGRAMS = { 4: 'iptables', 6: 'ip6tables' } as const;
const FAMILIES = [4, 6] as const;

export function createIptablesFirewall(host: IptablesHost, settings: FirewallSettings, log: Logger): Firewall {
  const inOrder = serial();
  let desired = new DesiredState();
  /** Families whose chains are there, with the jumps into them. */
  let ready = new Set<4 | 6>();

  const must = async (argv: readonly [string, ...string[]], input?: string): Promise<string> => {
    const { code, stdout, stderr } = await host.run(argv, input).catch((error: unknown) => {
      throw unavailable(`${argv[0]} cannot be run: ${messageOf(error)}. Install iptables, or use nftables`, error);
    });
    if (code !== 0) throw unavailable(`the firewall rules could not be made (${argv.join(' ')}): ${stderr.trim()}`);
    return stdout;
  };
  /** Waits for the lock of another iptables (xtables.lock) rather than fail. */
  const restore = async (family: 4 | 6, text: string): Promise<unknown> =>
    text === '' ? undefined : must([`${PROGRAMS[family]}-restore`, '--noflush', '-w'], text);
  /** '' where the program is missing or the kernel has no such family: then there is nothing of ours. */
  const save = async (family: 4 | 6): Promise<string> =>
    host.run([`${PROGRAMS[family]}-save`]).then(
      ({ code, stdout }) => (code === 0 ? stdout : ''),
      () => '',
    );

  const options = (): RuleOptions => ({ ...settings, bridged: host.bridgeFilter() });

  const setFamily = async (state: FirewallState, family: 4 | 6): Promise<void> => {
    const saved = await save(family);
    if (uses(state, family)) {
      await restore(family, setText(state, options(), family, saved));
      ready.add(family);
    } else {
      // Not even the chains, where nobody uses the family; but an earlier run may have.
      await restore(family, removalText(settings, family, saved));
      ready.delete(family);
    }
  };
  const setAll = async (state: DesiredState): Promise<void> => {
    for (const family of FAMILIES) await setFamily(state, family);
    desired = state;
  };

  return {
    set: async (state) => inOrder(async () => setAll(new DesiredState(state))),
    change: async (change) =>
      inOrder(async () => {
        const planned = desired.plan(change);
        const next = new DesiredState(desired);
        next.commit(planned);
        const touched = FAMILIES.filter((family) =>
          [planned.removed, planned.added].some(
            (part) => uses(part, family) || part.ports.some(({ address }) => familyOf(address) === family),
          ),
        );
        const done: (4 | 6)[] = [];
        try {
          for (const family of touched) {
            // The first network (or host) of a family brings its chains and jumps, the last one takes them along.
            const goesOn = ready.has(family) && uses(next, family);
            if (goesOn) await restore(family, changeText(next, options(), family));
            else await setFamily(next, family);
            done.push(family);
          }
          desired = next;
        } catch (error) {
          for (const family of done) await setFamily(desired, family);
          throw error;
        }
        host.forget(staleFlows(planned));
      }),
    remove: async () =>
      inOrder(async () => {
        for (const family of FAMILIES) await restore(family, removalText(settings, family, await save(family)));
        desired = new DesiredState();
        ready = new Set();
        log.debug('the rules in the tables of iptables are removed');
      }),
  };
}

/** Whether there is anything for the family's chains: without, they are not made. */
const uses = ({ networks, hosts = [] }: FirewallState, family: 4 | 6): boolean =>
  networks.some((network) => network.family === family) || hosts.some(({ address }) => familyOf(address) === family);

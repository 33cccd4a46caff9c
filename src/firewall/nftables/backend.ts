/**
 * The firewall by nftables: an own table through libnftables, and the few rules that `iptables` shall list through
 * nfnetlink. No process is spawned.
 */
import { setTimeout } from 'node:timers/promises';
import type { NetworkRules } from '../../drivers/plan.ts';
import { BerthError, messageOf, unavailable } from '../../errors.ts';
import type { BridgeFilter } from '../../linux/bridge-filter.ts';
import type { PlacedRule } from '../../linux/listed-rules.ts';
import type { TableContents } from '../../linux/nfnetlink.ts';
import type { SetElement } from '../../linux/nft-elements.ts';
import type { ListedRule } from '../../linux/nft-expressions.ts';
import type { Logger } from '../../log.ts';
import { forwardRule, listedRules } from '../compat.ts';
import type { Firewall, FirewallSettings, FirewallState } from '../firewall.ts';
import { serial } from '../serial.ts';
import { staleFlows } from '../stale-flows.ts';
import type { StaleFlows } from '../stale-flows.ts';
import { DesiredState, familyOf, networkKey } from '../state.ts';
import type { PlannedChange } from '../state.ts';
import { tableName, USER_CHAIN } from './definitions.ts';
import { ElementLedger, hostElements, networkElements, portElements } from './elements.ts';
import { removalScript, setScript } from './script.ts';

/** What the backend asks of the kernel; index.ts takes it from linux/. */
export interface NftablesKernel {
  /** Carries a script out as one transaction. */
  run(script: string): Promise<void>;
  contents(table: string, userChain: string): TableContents | undefined;
  /** Makes the rules marked with `owner` exactly these, in the tables of iptables. */
  setListed(owner: string, rules: readonly ListedRule[]): PlacedRule[];
  /** All of it in one transaction; returns what `add` has become. */
  change(owner: string, change: KernelChange): PlacedRule[];
  bridgeFilter(): BridgeFilter;
  /** Returns at once; conntrack's entries go some time later. */
  forget(flows: StaleFlows): void;
}

/**
 * Milliseconds. What nf_tables deletes it frees after an RCU grace period, and a new rule in iptables' form waits for that inside
 * the call (nft_compat_wait_for_destructors in net/netfilter/nft_compat.c): 20 ms were measured. The main thread shall not.
 */
const SETTLING = 25;

/** Ports of a change. A netlink message of more does not fit into the socket's 208 KiB (EMSGSIZE): then everything is made anew. */
const MOST_PORTS = 800;

export interface KernelChange {
  remove: { rules: readonly PlacedRule[]; elements: readonly SetElement[] };
  add: { rules: readonly ListedRule[]; elements: readonly SetElement[] };
}

export function createNftablesFirewall(kernel: NftablesKernel, settings: FirewallSettings, log: Logger): Firewall {
  const table = tableName(settings.instance);
  const inOrder = serial();
  let desired = new DesiredState();
  let ledger = new ElementLedger();
  /** By networkKey. */
  let placed = new Map<string, PlacedRule[]>();
  /** Families whose filter FORWARD has the one rule. */
  let forward = new Set<4 | 6>();
  /** Whether the kernel takes rules in iptables' form; found out by set(). */
  let listed = true;
  let warned = false;
  /** As it was at the last set(): what a port has put in must be known when it goes. */
  let bridged: BridgeFilter = { 4: false, 6: false };
  /** performance.now() of the last time that something was deleted. */
  let deletedAt = Number.NEGATIVE_INFINITY;

  /** `state`: where the networks of the ports are found, unless they come with them. */
  const elementsOf = ({ networks, ports, hosts = [] }: FirewallState, state: DesiredState): SetElement[] => {
    const near = new Map(networks.map((network) => [networkKey(network), network]));
    return [
      ...networks.flatMap((network) => networkElements(network, { listed })),
      ...ports.flatMap((port) => {
        const key = networkKey({ family: familyOf(port.address), bridge: port.bridge });
        return portElements(port, near.get(key) ?? state.networkOf(port), { bridged });
      }),
      ...hosts.flatMap(hostElements),
    ];
  };

  const setListed = (networks: readonly NetworkRules[]): void => {
    const families = [...new Set(networks.map(({ family }) => family))];
    const rules = [
      ...families.map((family) => ({ key: `forward ${family}`, rule: forwardRule(family) })),
      ...networks.flatMap((network) => listedRules(network).map((rule) => ({ key: networkKey(network), rule }))),
    ];
    placed = new Map();
    forward = new Set();
    try {
      const done = kernel.setListed(
        table,
        rules.map(({ rule }) => rule),
      );
      for (const [index, { key }] of rules.entries()) {
        const one = done[index];
        if (one) placed.set(key, [...(placed.get(key) ?? []), one]);
      }
      forward = new Set(families);
      listed = true;
    } catch (error) {
      listed = false;
      if (warned) return;
      warned = true;
      log.warn('the kernel refuses rules in the form of iptables; `iptables -S` will not list them', {
        error: messageOf(error),
      });
    }
  };

  const setAll = async (state: DesiredState): Promise<void> => {
    const { networks, ports, hosts } = state;
    // Refuses bad names before anything is done.
    for (const network of networks) networkElements(network, { listed });
    setListed(networks);
    bridged = kernel.bridgeFilter();
    const fresh = new ElementLedger();
    const elements = fresh.add(elementsOf({ networks, ports, hosts }, state));
    await kernel.run(setScript(settings, kernel.contents(table, USER_CHAIN), elements));
    ledger = fresh;
    desired = state;
  };

  const carryOut = ({ removed, added }: PlannedChange): void => {
    // Refuses bad names before anything is done.
    const leaving = elementsOf(removed, desired);
    const coming = elementsOf(added, desired);
    const families = new Set(listed ? added.networks.map(({ family }) => family) : []);
    const newFamilies = [...families].filter((family) => !forward.has(family));
    const listedByKey = added.networks.map((network) => ({
      key: networkKey(network),
      rules: listed ? listedRules(network) : [],
    }));
    const goneKeys = removed.networks.map(networkKey);
    const remove = {
      rules: goneKeys.flatMap((key) => placed.get(key) ?? []),
      elements: ledger.remove(leaving),
    };
    const add = {
      rules: [...newFamilies.map(forwardRule), ...listedByKey.flatMap(({ rules }) => rules)],
      elements: ledger.add(coming),
    };
    let done: PlacedRule[];
    try {
      done = kernel.change(table, { remove, add });
      if (remove.elements.length > 0) deletedAt = performance.now();
    } catch (error) {
      ledger.remove(coming);
      ledger.add(leaving);
      throw error;
    }
    for (const family of newFamilies) forward.add(family);
    for (const key of goneKeys) placed.delete(key);
    let next = newFamilies.length;
    for (const { key, rules } of listedByKey) {
      placed.set(key, done.slice(next, next + rules.length));
      next += rules.length;
    }
  };

  const settle = async ({ added }: PlannedChange): Promise<void> => {
    const rest = deletedAt + SETTLING - performance.now();
    if (rest > 0 && listed && added.networks.length > 0) await setTimeout(rest);
  };

  return {
    set: async (state) =>
      inOrder(async () => {
        await setAll(new DesiredState(state)).catch(refuse);
      }),
    change: async (change) =>
      inOrder(async () => {
        const planned = desired.plan(change);
        const anew = async (): Promise<void> => {
          const next = new DesiredState(desired);
          next.commit(planned);
          await setAll(next).catch(refuse);
        };
        if (planned.removed.ports.length + planned.added.ports.length > MOST_PORTS) await anew();
        else {
          try {
            await settle(planned);
            carryOut(planned);
            desired.commit(planned);
          } catch (error) {
            if (error instanceof BerthError) throw error;
            // Somebody else has deleted what the change builds on, or put something in: everything is made anew, with it.
            log.warn('the firewall rules are not as they were left; they are made anew', { error: messageOf(error) });
            await anew();
          }
        }
        kernel.forget(staleFlows(planned));
      }),
    remove: async () =>
      inOrder(async () => {
        try {
          kernel.setListed(table, []);
        } catch (error) {
          log.debug('no rules in the form of iptables to remove', { error: messageOf(error) });
        }
        try {
          const script = removalScript(settings.instance, kernel.contents(table, USER_CHAIN));
          if (script !== '') await kernel.run(script);
        } catch (error) {
          refuse(error);
        }
        desired = new DesiredState();
        ledger = new ElementLedger();
        placed = new Map();
        forward = new Set();
      }),
  };
}

function refuse(error: unknown): never {
  if (error instanceof BerthError) throw error;
  throw unavailable(
    `the firewall rules could not be made (nftables): ${messageOf(error)}. ` +
      'Is nf_tables in the kernel? --iptables=false does without rules, --firewall-backend=iptables uses iptables',
    error,
  );
}

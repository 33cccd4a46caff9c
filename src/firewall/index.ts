/** The firewall of this machine, by the backend that was asked for. Nothing of it is loaded before it is needed. */
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import { createNfnetlink } from '../linux/nfnetlink.ts';
import { runNft } from '../linux/nftables.ts';
import type { Firewall } from './firewall.ts';
import { createIptablesFirewall } from './iptables/backend.ts';
import { runProgram } from './iptables/program.ts';
import { createNftablesFirewall } from './nftables/backend.ts';

export interface FirewallOptions {
  backend: 'nftables' | 'iptables';
  /** Names this daemon's tables and chains: network/controller.ts, instanceName(). */
  instance: string;
  log: Logger;
}

/** 'none': --iptables=false. */
export type FirewallChoice = FirewallOptions['backend'] | 'none';

/**
 * Takes away what the backend of the last start left when this one is another: rules stay while containers run on. `last`
 * is remembered by the caller once this has returned.
 */
export async function leaveBackend(
  last: FirewallChoice | undefined,
  now: FirewallChoice,
  { instance, log }: Omit<FirewallOptions, 'backend'>,
): Promise<void> {
  if (last === undefined || last === 'none' || last === now) return;
  try {
    await createFirewall({ backend: last, instance, log }).remove();
  } catch (error) {
    log.warn(`rules of the backend ${last} may be left`, { error: messageOf(error) });
  }
}

/** Works in the network namespace that the process is in. */
export function createFirewall({ backend, instance, log }: FirewallOptions): Firewall {
  if (backend === 'iptables') return createIptablesFirewall(runProgram, instance);
  return createNftablesFirewall({ run: runNft, setCompat: createNfnetlink() }, instance, log);
}

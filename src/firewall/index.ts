/** The firewall of this machine, by the backend that was asked for. Nothing of it is loaded before it is needed. */
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

/** Works in the network namespace that the process is in. */
export function createFirewall({ backend, instance, log }: FirewallOptions): Firewall {
  if (backend === 'iptables') return createIptablesFirewall(runProgram, instance);
  return createNftablesFirewall({ run: runNft, setCompat: createNfnetlink() }, instance, log);
}

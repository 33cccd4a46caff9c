/**
 * The network of one host: what the engine and the API see of it, and its start and end. Pure: kernel, firewall, files,
 * randomness and clock come in.
 */
import { NetworkContext } from './context.ts';
import type { NetworkDeps } from './context.ts';
import { NetworkController } from './networks.ts';
import type { Networks, Sandboxes } from './port.ts';
import { shutdownNetworks } from './restore.ts';
import { SandboxController } from './sandboxes.ts';

export type { NetworkDeps } from './context.ts';

export interface NetworkParts {
  /** restore() comes first: it makes the predefined networks. */
  sandboxes: Sandboxes;
  networks: Networks;
  /**
   * `keep`: containers run on, everything stays as it is. Otherwise bridge, rules and directories that are ours go, so
   * that an orderly stop leaves nothing behind.
   */
  shutdown: (this: void, options: { keep: boolean }) => Promise<void>;
}

export function createNetworkController(deps: NetworkDeps): NetworkParts {
  const context = new NetworkContext(deps);
  return {
    sandboxes: new SandboxController(context),
    networks: new NetworkController(context),
    shutdown: async ({ keep }) => shutdownNetworks(context, keep),
  };
}

/** Names this daemon's rules; several daemons on one host have different roots. '/run/berth' → 'berth'. */
export function instanceName(execRoot: string): string {
  if (execRoot === '/run/berth' || execRoot === '/var/run/berth') return 'berth';
  // FNV-1a, 32 bits: short and the same at every start.
  let hash = 0x811c9dc5;
  for (const char of execRoot) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return `berth-${hash.toString(16).padStart(8, '0')}`;
}

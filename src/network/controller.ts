/**
 * The network of one host: what the engine and the API see of it, and its start and end. Pure: kernel, firewall, attendant, files,
 * randomness and clock come in.
 */
import { NetworkContext } from './context.ts';
import type { NetworkDeps } from './context.ts';
import { watchLeases } from './dhcp.ts';
import { Healer } from './heal.ts';
import { NetworkController } from './networks.ts';
import type { Networks, Sandboxes } from './port.ts';
import { shutdownNetworks } from './restore.ts';
import { SandboxController } from './sandboxes.ts';

export type { NetworkDeps } from './context.ts';
export { instanceName } from './instance.ts';

export interface NetworkParts {
  /** restore() comes first: it makes the networks. */
  sandboxes: Sandboxes;
  networks: Networks;
  /** Containers on networks that span hosts, by name. */
  onSharedNetworks: (this: void) => string[];
  /** After restore(): what others take away is put right from now on. */
  watch: (this: void) => void;
  /**
   * `keep`: containers run on, everything stays as it is. Otherwise bridges, rules and directories that are ours go, so
   * that an orderly stop leaves nothing behind.
   */
  shutdown: (this: void, options: { keep: boolean }) => Promise<void>;
}

export function createNetworkController(deps: NetworkDeps): NetworkParts {
  const context = new NetworkContext(deps);
  watchLeases(context);
  const healer = new Healer(context);
  return {
    sandboxes: new SandboxController(context),
    networks: new NetworkController(context),
    onSharedNetworks: () => context.overlays.containers(),
    watch: () => healer.watch(),
    async shutdown({ keep }) {
      healer.end();
      await shutdownNetworks(context, keep);
    },
  };
}

/** What an ipvlan network needs on the host: its parent, where that is not there yet. */
import type { NetworkConfig } from '../driver.ts';
import { parentLinks } from '../parent-link.ts';
import type { NetworkPlan } from '../plan.ts';

export const planNetwork = (network: NetworkConfig): NetworkPlan => ({
  bridge: undefined,
  needs: 'ipvlan',
  links: parentLinks('ipvlan', network),
  sysctls: [],
  rules: [],
});

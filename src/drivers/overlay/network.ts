/** The bridge and the tunnel of an overlay network. */
import type { NetworkPlan } from '../plan.ts';

export const planNetwork = (): NetworkPlan => ({ bridge: undefined, sysctls: [], rules: [] });

/** The host's own network: nothing is made, nothing is changed. */
import type { NetworkPlan } from '../plan.ts';

export const planNetwork = (): NetworkPlan => ({ bridge: undefined, sysctls: [], rules: [] });

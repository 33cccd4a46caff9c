/** No network: nothing on the host. */
import type { NetworkPlan } from '../plan.ts';

export const planNetwork = (): NetworkPlan => ({ bridge: undefined, sysctls: [], rules: [] });

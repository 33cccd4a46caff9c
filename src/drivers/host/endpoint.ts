/** The container sees the host's interfaces; it gets none of its own. */
import type { InterfacePlan } from '../plan.ts';

export const planEndpoint = (): readonly InterfacePlan[] => [];

/** Nothing but lo, which every namespace has. */
import type { InterfacePlan } from '../plan.ts';

export const planEndpoint = (): readonly InterfacePlan[] => [];

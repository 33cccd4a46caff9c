/** A network that is a bridge and nothing more. */
import { planBridged } from '../bridged-network.ts';
import type { NetworkConfig } from '../driver.ts';
import type { NetworkPlan } from '../plan.ts';
import { bridgeOptions } from './options.ts';

export const planNetwork = (network: NetworkConfig): NetworkPlan =>
  planBridged(network, bridgeOptions(network.options));

/** One container of an overlay network on this host. */
import { planVeth } from '../bridged-endpoint.ts';
import type { EndpointConfig, NetworkConfig } from '../driver.ts';
import type { VethPlan } from '../plan.ts';
import { optionsOf } from './network.ts';

export const planEndpoint = (network: NetworkConfig, endpoint: EndpointConfig): VethPlan =>
  planVeth(network, endpoint, optionsOf(network));

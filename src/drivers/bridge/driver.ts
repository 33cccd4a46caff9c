/** `bridge`: a Linux bridge on the host, and a veth pair for each container. */
import type { Driver } from '../driver.ts';
import { checkOptions } from './check.ts';
import { planEndpoint } from './endpoint.ts';
import { planNetwork } from './network.ts';

export const bridgeDriver: Driver = { type: 'bridge', ownNamespace: true, checkOptions, planNetwork, planEndpoint };

/** `ipvlan`: each container has a link on a link of the host, whose MAC all share; frames are told apart by their address. */
import type { Driver } from '../driver.ts';
import { planEndpoint } from './endpoint.ts';
import { planNetwork } from './network.ts';
import { checkOptions } from './options.ts';

export const ipvlanDriver: Driver = { type: 'ipvlan', ownNamespace: true, checkOptions, planNetwork, planEndpoint };

/** `macvlan`: each container has a link with a MAC of its own on a link of the host, as if it stood in the LAN itself. */
import type { Driver } from '../driver.ts';
import { planEndpoint } from './endpoint.ts';
import { planNetwork } from './network.ts';
import { checkOptions } from './options.ts';

export const macvlanDriver: Driver = { type: 'macvlan', ownNamespace: true, checkOptions, planNetwork, planEndpoint };

/** `overlay`: on each host a Linux bridge, and a VXLAN device behind which the containers on the other hosts are. */
import type { Driver } from '../driver.ts';
import { checkOptions } from './check.ts';
import { planEndpoint } from './endpoint.ts';
import { planNetwork } from './network.ts';

export const overlayDriver: Driver = { type: 'overlay', ownNamespace: true, checkOptions, planNetwork, planEndpoint };

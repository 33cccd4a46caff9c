/** `none`: a namespace of its own with nothing but lo. The API calls the driver 'null'. */
import type { Driver } from '../driver.ts';
import { planEndpoint } from './endpoint.ts';
import { planNetwork } from './network.ts';
import { checkOptions } from './options.ts';

export const noneDriver: Driver = { type: 'null', ownNamespace: true, checkOptions, planNetwork, planEndpoint };

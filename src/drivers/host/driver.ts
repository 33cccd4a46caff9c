/** `host`: the container shares the host's network namespace. */
import type { Driver } from '../driver.ts';
import { planEndpoint } from './endpoint.ts';
import { planNetwork } from './network.ts';
import { checkOptions } from './options.ts';

export const hostDriver: Driver = { type: 'host', ownNamespace: false, checkOptions, planNetwork, planEndpoint };

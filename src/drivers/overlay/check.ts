/** Options of a network that is to be made, checked. */
import { invalidParameter } from '../../errors.ts';
import { ADVERTISE_COUNT, ADVERTISE_INTERVAL, CONTAINER_PREFIX, DRIVER_MTU } from '../network-options.ts';
import { announceCount, announceInterval, checkEach, mtu, prefix } from '../option-checks.ts';
import type { Check } from '../option-checks.ts';
import { VXLAN_IDS } from './options.ts';

/** 24 bits (RFC 7348 section 5); 0 is no network's. */
const LAST_VNI = 0xff_ffff;

/** libnetwork's words. */
const vxlanIds: Check = (_, value) => {
  for (const text of value.split(',')) {
    const vni = /^\d{1,8}$/.test(text) ? Number(text) : 0;
    if (vni < 1 || vni > LAST_VNI) throw invalidParameter(`invalid vxlan id value ${JSON.stringify(text)} passed`);
  }
};

const CHECKS: ReadonlyMap<string, Check> = new Map([
  [DRIVER_MTU, mtu],
  [VXLAN_IDS, vxlanIds],
  [CONTAINER_PREFIX, prefix],
  [ADVERTISE_COUNT, announceCount],
  [ADVERTISE_INTERVAL, announceInterval],
]);

export const checkOptions = (options: Readonly<Record<string, string>>): void => checkEach(CHECKS, options);

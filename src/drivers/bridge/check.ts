/** Options of a network that is to be made, checked. What Docker does not know it ignores, and so does this. */
import { parseAddress } from '../../ipam/address.ts';
import { isInterfaceName } from '../names.ts';
import { announceCount, announceInterval, checkEach, mtu, prefix, refuse } from '../option-checks.ts';
import type { Check } from '../option-checks.ts';
import type { GatewayMode } from '../plan.ts';
import * as option from './options.ts';

const bool: Check = (name, value) => {
  if (option.parseBool(value) === undefined) {
    refuse(name, value, `strconv.ParseBool: parsing ${JSON.stringify(value)}: invalid syntax`);
  }
};

const ip =
  (family: 4 | 6 | undefined): Check =>
  (name, value) => {
    const address = parseAddress(value);
    if (!address) refuse(name, value, 'nil ip');
    if (family !== undefined && address.family !== family) refuse(name, value, `it must be an IPv${family} address`);
  };

const mode: Check = (name, value) => {
  if (!option.GATEWAY_MODES.includes(value as GatewayMode)) refuse(name, value, `unknown gateway mode ${value}`);
};

const bridge: Check = (name, value) => {
  if (value !== '' && !isInterfaceName(value)) refuse(name, value, 'no name of an interface');
};

const trusted: Check = (name, value) => {
  const wrong = value.split(':').find((one) => one !== '' && !isInterfaceName(one));
  if (wrong !== undefined) refuse(name, value, `no name of an interface: ${wrong}`);
};

const CHECKS: ReadonlyMap<string, Check> = new Map([
  [option.BRIDGE_NAME, bridge],
  [option.DRIVER_MTU, mtu],
  [option.ENABLE_MASQUERADE, bool],
  [option.ENABLE_ICC, bool],
  [option.INHIBIT_IPV4, bool],
  [option.DEFAULT_BRIDGE, bool],
  [option.GATEWAY_MODE_4, mode],
  [option.GATEWAY_MODE_6, mode],
  [option.TRUSTED_INTERFACES, trusted],
  [option.HOST_BINDING, ip(undefined)],
  [option.CONTAINER_PREFIX, prefix],
  [option.HOST_IPV4, ip(4)],
  [option.HOST_IPV6, ip(6)],
  [option.ADVERTISE_COUNT, announceCount],
  [option.ADVERTISE_INTERVAL, announceInterval],
]);

export const checkOptions = (options: Readonly<Record<string, string>>): void => checkEach(CHECKS, options);

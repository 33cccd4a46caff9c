/** Options of a network that is to be made, checked. What Docker does not know it ignores, and so does this. */
import { invalidParameter } from '../../errors.ts';
import { parseAddress } from '../../ipam/address.ts';
import { isInterfaceName } from '../names.ts';
import type { GatewayMode } from '../plan.ts';
import * as option from './options.ts';

type Check = (name: string, value: string) => void;

/** The text that libnetwork's bridge driver has for all of them. */
function refuse(name: string, value: string, why: string): never {
  throw invalidParameter(`failed to parse ${name} value: ${value} (${why})`);
}

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

const mtu: Check = (name, value) => {
  if (!/^[+-]?\d+$/.test(value)) {
    refuse(name, value, `strconv.Atoi: parsing ${JSON.stringify(value)}: invalid syntax`);
  }
  const bytes = Number(value);
  // 68 is the least that IPv4 carries (RFC 791), 65535 the most that a veth takes. 0 is no choice.
  if (bytes < 0 || (bytes > 0 && bytes < 68) || bytes > 65535) throw invalidParameter(`invalid MTU number: ${bytes}`);
};

const bridge: Check = (name, value) => {
  if (value !== '' && !isInterfaceName(value)) refuse(name, value, 'no name of an interface');
};

const trusted: Check = (name, value) => {
  const wrong = value.split(':').find((one) => one !== '' && !isInterfaceName(one));
  if (wrong !== undefined) refuse(name, value, `no name of an interface: ${wrong}`);
};

/** A number is put behind it, and 15 bytes are the most that the kernel takes. */
const prefix: Check = (name, value) => {
  if (value !== '' && (!isInterfaceName(value) || value.length > 12)) refuse(name, value, 'no beginning of a name');
};

/** Ranges as libnetwork's osl has them: RFC 5227 section 1.1 and RFC 4861 section 10 send at most three. */
const count: Check = (name, value) => {
  if (!/^[+-]?\d+$/.test(value)) {
    throw invalidParameter(`value for option ${name} ${JSON.stringify(value)} must be an integer`);
  }
  if (Number(value) < 0 || Number(value) > 3) throw invalidParameter(`${name} must be in the range 0 to 3`);
};

const interval: Check = (name, value) => {
  if (!/^[+-]?\d+$/.test(value)) {
    throw invalidParameter(`value for option ${name} ${JSON.stringify(value)} must be integer milliseconds`);
  }
  if (Number(value) < 100 || Number(value) > 2000) throw invalidParameter(`${name} must be in the range 100 to 2000`);
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
  [option.ADVERTISE_COUNT, count],
  [option.ADVERTISE_INTERVAL, interval],
]);

export function checkOptions(options: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(options)) CHECKS.get(name)?.(name, value);
}

/** The macvlan driver's options: Docker's names, and two of Berth's own. */
import { invalidParameter } from '../../errors.ts';
import { parseAddress } from '../../ipam/address.ts';
import { parseBool } from '../network-options.ts';
import { checkMtu, checkParent } from '../parent-link.ts';
import type { MacvlanMode } from '../plan.ts';

export const MACVLAN_MODE = 'macvlan_mode';
/** The host gets a link on the same parent, by which it and the network's containers talk. */
export const HOST_SHIM = 'com.berth.host_shim';
/** The shim's address, of each family at most one, separated by commas; the network's choice where none is given. */
export const HOST_SHIM_ADDRESS = 'com.berth.host_shim_address';

const MODES: readonly MacvlanMode[] = ['bridge', 'private', 'vepa', 'passthru'];

type Options = Readonly<Record<string, string>>;

export const modeOf = (options: Options): MacvlanMode =>
  MODES.find((mode) => mode === options[MACVLAN_MODE]) ?? 'bridge';

export const hasShim = (options: Options): boolean => parseBool(options[HOST_SHIM] ?? '') ?? false;

/** Without prefix. */
export const shimAddresses = (options: Options): readonly string[] =>
  (options[HOST_SHIM_ADDRESS] ?? '').split(',').filter(Boolean);

export function checkOptions(options: Options): void {
  const mode = options[MACVLAN_MODE] ?? '';
  if (mode !== '' && !MODES.includes(mode as MacvlanMode)) {
    throw invalidParameter(
      `requested macvlan mode '${mode}' is not valid, 'bridge' mode is the macvlan driver default`,
    );
  }
  checkParent('macvlan', options);
  checkMtu(options);
  checkShim(options);
}

function checkShim(options: Options): void {
  const asked = options[HOST_SHIM];
  if (asked !== undefined && parseBool(asked) === undefined) {
    throw invalidParameter(`driver-opt "${HOST_SHIM}" is not a valid bool`);
  }
  const addresses = shimAddresses(options);
  if (!hasShim(options)) {
    if (addresses.length > 0) throw invalidParameter(`${HOST_SHIM_ADDRESS} is for networks with ${HOST_SHIM}=true`);
    return;
  }
  const mode = modeOf(options);
  if (mode !== 'bridge') {
    // macvlan_queue_xmit in the kernel hands frames over between links in mode bridge only.
    throw invalidParameter(
      `${HOST_SHIM} is for mode bridge: in mode ${mode} the containers do not talk to the host's links`,
    );
  }
  const families = addresses.map((text) => {
    const address = parseAddress(text);
    if (!address) throw invalidParameter(`${HOST_SHIM_ADDRESS}: ${JSON.stringify(text)} is no IP address`);
    return address.family;
  });
  if (new Set(families).size < families.length) {
    throw invalidParameter(`${HOST_SHIM_ADDRESS}: one address of each family is the most`);
  }
}

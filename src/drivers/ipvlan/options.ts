/** The ipvlan driver's options, under Docker's names. */
import { invalidParameter } from '../../errors.ts';
import { checkMtu, checkParent } from '../parent-link.ts';
import type { IpvlanFlag, IpvlanMode } from '../plan.ts';

export const IPVLAN_MODE = 'ipvlan_mode';
export const IPVLAN_FLAG = 'ipvlan_flag';

const MODES: readonly IpvlanMode[] = ['l2', 'l3', 'l3s'];
const FLAGS: readonly IpvlanFlag[] = ['bridge', 'private', 'vepa'];

type Options = Readonly<Record<string, string>>;

export const modeOf = (options: Options): IpvlanMode => MODES.find((mode) => mode === options[IPVLAN_MODE]) ?? 'l2';
export const flagOf = (options: Options): IpvlanFlag => FLAGS.find((flag) => flag === options[IPVLAN_FLAG]) ?? 'bridge';

export function checkOptions(options: Options): void {
  const mode = options[IPVLAN_MODE] ?? '';
  if (mode !== '' && !MODES.includes(mode as IpvlanMode)) {
    throw invalidParameter(`requested ipvlan mode '${mode}' is not valid, 'l2' mode is the ipvlan driver default`);
  }
  const flag = options[IPVLAN_FLAG] ?? '';
  if (flag !== '' && !FLAGS.includes(flag as IpvlanFlag)) {
    throw invalidParameter(`requested ipvlan flag '${flag}' is not valid, 'bridge' is the ipvlan driver default`);
  }
  checkParent('ipvlan', options);
  checkMtu(options);
  if ('com.berth.host_shim' in options) {
    throw invalidParameter('com.berth.host_shim is for networks of driver macvlan');
  }
}

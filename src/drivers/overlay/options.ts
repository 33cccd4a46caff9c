/** The overlay driver's options, under the names that Docker gave them. */
import { DRIVER_MTU, parseBool } from '../network-options.ts';

/** VXLAN network identifiers, separated by commas. */
export const VXLAN_IDS = 'com.docker.network.driver.overlay.vxlanid_list';
/** What goes from host to host is encrypted. `docker network create -o encrypted` gives it without a value. */
export const ENCRYPTED = 'encrypted';

type Options = Readonly<Record<string, string>>;

/** Those that were asked for; checked by checkOptions(). */
export const vxlanIds = (options: Options): readonly number[] =>
  (options[VXLAN_IDS] ?? '').split(',').filter(Boolean).map(Number);

/** Any value but a plain no: who asks for it must not go without. */
export const isEncrypted = (options: Options): boolean =>
  options[ENCRYPTED] !== undefined && parseBool(options[ENCRYPTED]) !== false;

/** Bytes; 0 for what the underlay leaves. */
export const askedMtu = (options: Options): number => Number(options[DRIVER_MTU] ?? 0);

/** Options of an overlay network. */
export const checkOptions = (): void => {};

/** Docker's: VXLAN network identifiers, separated by commas. */
export const VXLAN_IDS = 'com.docker.network.driver.overlay.vxlanid_list';

/** Those that were asked for; checked by checkOptions(). */
export const vxlanIds = (options: Readonly<Record<string, string>>): readonly number[] =>
  (options[VXLAN_IDS] ?? '').split(',').filter(Boolean).map(Number);

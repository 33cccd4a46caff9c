/** Options of a network that are the same for several drivers. */

export const DRIVER_MTU = 'com.docker.network.driver.mtu';
export const CONTAINER_PREFIX = 'com.docker.network.container_iface_prefix';
export const ADVERTISE_COUNT = 'com.docker.network.advertise_addr_nmsgs';
export const ADVERTISE_INTERVAL = 'com.docker.network.advertise_addr_ms';

type Options = Readonly<Record<string, string>>;

/** Go's strconv.ParseBool, by which Docker reads booleans. */
export function parseBool(text: string): boolean | undefined {
  if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(text)) return true;
  if (['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(text)) return false;
  return undefined;
}

/** How often, and milliseconds apart, a new address is announced: three times, a second apart, as Docker does. */
export const announceOf = (options: Options): { count: number; interval: number } => ({
  count: Number(options[ADVERTISE_COUNT] ?? 3),
  interval: Number(options[ADVERTISE_INTERVAL] ?? 1000),
});

/** Names of interfaces in containers: this and a number. */
export const containerPrefixOf = (options: Options): string => options[CONTAINER_PREFIX] || 'eth';

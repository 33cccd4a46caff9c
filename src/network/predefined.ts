/** The networks that every host has: bridge, host, none. Pure. */
import type { Logger } from '../log.ts';
import { defaultBridge } from './default-bridge.ts';
import type { Survey } from './kernel.ts';
import type { NetworkRecord } from './records.ts';
import type { NetworkSettings } from './settings.ts';

export interface PredefinedContext {
  settings: NetworkSettings;
  /** The mark on the default bridge. */
  owner: string;
  survey: Survey;
  /** Records of an earlier run, user-defined networks included. */
  stored: readonly NetworkRecord[];
  /** Hex digits of so many random bytes. */
  randomHex: (this: void, bytes: number) => string;
  /** RFC 3339. */
  now: string;
  log: Logger;
}

export const isPredefined = (name: string): boolean => ['bridge', 'host', 'none', 'default'].includes(name);

/** Their IDs and subnets stay as they were, where the settings allow it. */
export function predefinedNetworks(context: PredefinedContext): NetworkRecord[] {
  const host = plain(context, 'host', 'host');
  const none = plain(context, 'none', 'null');
  if (context.settings.bridge === 'none') return [host, none];
  return [defaultBridge(context, host.id.slice(0, 10)), host, none];
}

function plain({ stored, randomHex, now }: PredefinedContext, name: string, driver: 'host' | 'null'): NetworkRecord {
  const before = stored.find((record) => record.name === name);
  return {
    id: before?.id ?? randomHex(32),
    name,
    driver,
    created: before?.created ?? now,
    ipv4: true,
    ipv6: false,
    internal: false,
    attachable: false,
    configOnly: false,
    configFrom: '',
    ipam: { driver: 'default', options: null },
    subnets: [],
    options: {},
    labels: {},
    mac: '',
    bridge: '',
    foreignBridge: false,
  };
}

/** Which networks `POST /networks/prune` may remove. Pure. */
import { invalidParameter } from '../errors.ts';
import type { Filters } from '../model/json.ts';
import { hasLabels } from './lookup.ts';
import { isPredefined } from './predefined.ts';
import type { NetworkRecord } from './records.ts';

/** Whether they are in use is not looked at. `now` is RFC 3339. */
export function prunable(
  networks: readonly NetworkRecord[],
  filters: Filters,
  { now }: { now: string },
): NetworkRecord[] {
  const until = filters.get('until') ?? [];
  if (until.length > 1) throw invalidParameter('more than one until filter specified');
  const before = until[0] === undefined ? Infinity : timeOf(until[0], Date.parse(now));
  const labels = filters.get('label') ?? [];
  const not = filters.get('label!') ?? [];
  return networks.filter(
    (network) =>
      !isPredefined(network.name) &&
      // Nothing is ever connected to it, and yet others may be made from it.
      !network.configOnly &&
      Date.parse(network.created) <= before &&
      hasLabels(network.labels, labels) &&
      (not.length === 0 || !hasLabels(network.labels, not)),
  );
}

/** Units of Go's time.ParseDuration, in milliseconds. */
const UNITS: Readonly<Record<string, number>> = {
  h: 3_600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
  us: 1e-3,
  µs: 1e-3,
  ns: 1e-6,
};

/** Milliseconds since 1970 of a time, seconds since 1970, or a span before now ('10m', '1h30m'). */
function timeOf(text: string, now: number): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  if (/^(\d+(\.\d+)?(h|ms|us|µs|ns|m|s))+$/.test(text)) {
    const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(h|ms|us|µs|ns|m|s)/g)];
    return now - parts.reduce((sum, [, number, unit = '']) => sum + Number(number) * (UNITS[unit] ?? 0), 0);
  }
  const time = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time)) throw invalidParameter(`failed to parse value as time or duration: ${JSON.stringify(text)}`);
  return time;
}

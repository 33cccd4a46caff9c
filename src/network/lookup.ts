/** Finding networks by what a user writes, and filtering lists of them. Pure. */
import { invalidParameter, notFound } from '../errors.ts';
import type { Filters } from '../model/json.ts';
import { isPredefined } from './predefined.ts';
import type { NetworkRecord } from './records.ts';

/** Full ID, then name, then a prefix of an ID: dockerd's order. */
export function findNetwork(networks: readonly NetworkRecord[], ref: string): NetworkRecord {
  const exact = networks.find(({ id }) => id === ref) ?? networks.find(({ name }) => name === ref);
  if (exact) return exact;
  const byPrefix = ref === '' ? [] : networks.filter(({ id }) => id.startsWith(ref));
  if (byPrefix.length > 1) {
    throw invalidParameter(`network ${ref} is ambiguous (${byPrefix.length} matches found based on ID prefix)`);
  }
  const [found] = byPrefix;
  if (!found) throw notFound(`network ${ref} not found`);
  return found;
}

/** Values of one filter are alternatives (labels: conditions), filters are conditions; an absent filter holds. */
export function filterNetworks(
  networks: readonly NetworkRecord[],
  filters: Filters,
  inUse: (network: NetworkRecord) => boolean,
): NetworkRecord[] {
  const values = (name: string): readonly string[] => filters.get(name) ?? [];
  for (const type of values('type')) {
    if (type !== 'builtin' && type !== 'custom') throw invalidParameter(`invalid filter: 'type'='${type}'`);
  }
  const dangling = danglingOf(values('dangling'));
  const [ids, names] = [values('id').map(matcher), values('name').map(matcher)];
  const some = <T>(wanted: readonly T[], holds: (value: T) => boolean): boolean =>
    wanted.length === 0 || wanted.some(holds);
  return networks.filter(
    (network) =>
      some(ids, (matches) => matches(network.id)) &&
      some(names, (matches) => matches(network.name)) &&
      some(values('driver'), (value) => network.driver === value) &&
      some(values('scope'), (value) => value === 'local') &&
      some(values('type'), (value) => (value === 'builtin') === isPredefined(network.name)) &&
      hasLabels(network.labels, values('label')) &&
      // Predefined networks are never dangling.
      (dangling === undefined || dangling === (!isPredefined(network.name) && !inUse(network))),
  );
}

function danglingOf(values: readonly string[]): boolean | undefined {
  if (values.length > 1) throw invalidParameter('got more than one value for filter key "dangling"');
  const [value] = values;
  if (value === undefined) return undefined;
  if (value === '1' || value === 'true') return true;
  if (value === '0' || value === 'false') return false;
  throw invalidParameter(`invalid value for filter 'dangling', must be "true" (or "1"), or "false" (or "0")`);
}

/** Look-around and back references: Go's regular expressions lack them, and here they take exponential time (src/berthd.ts). */
const BACKTRACKING = /\(\?[=!<]|\\(?:[1-9]|k<)/;

/** The text itself, or a regular expression that matches some of it; a pattern that is none matches nothing else. */
function matcher(pattern: string): (text: string) => boolean {
  if (BACKTRACKING.test(pattern)) return (text) => text === pattern;
  try {
    const expression = new RegExp(pattern);
    return (text) => text === pattern || expression.test(text);
  } catch {
    return (text) => text === pattern;
  }
}

/** 'key' or 'key=value', all of them. */
export function hasLabels(labels: Readonly<Record<string, string>>, wanted: readonly string[]): boolean {
  return wanted.every((text) => {
    const at = text.indexOf('=');
    const key = at < 0 ? text : text.slice(0, at);
    return Object.hasOwn(labels, key) && (at < 0 || labels[key] === text.slice(at + 1));
  });
}

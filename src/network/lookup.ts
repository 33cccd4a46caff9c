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
    throw invalidParameter(`network ${ref} is ambiguous (${byPrefix.length} matches found on ID prefix)`);
  }
  const [found] = byPrefix;
  if (!found) throw notFound(`network ${ref} not found`);
  return found;
}

/** Values of one filter are alternatives, filters are conditions; an absent filter holds. */
export function filterNetworks(
  networks: readonly NetworkRecord[],
  filters: Filters,
  inUse: (network: NetworkRecord) => boolean,
): NetworkRecord[] {
  const values = (name: string): readonly string[] => filters.get(name) ?? [];
  const some = (name: string, holds: (value: string) => boolean): boolean => {
    const wanted = values(name);
    return wanted.length === 0 || wanted.some(holds);
  };
  for (const type of values('type')) {
    if (type !== 'builtin' && type !== 'custom') throw invalidParameter(`invalid filter: 'type'='${type}'`);
  }
  const dangling = values('dangling').map((value) => booleanOf('dangling', value));
  return networks.filter(
    (network) =>
      some('id', (value) => matches(network.id, value)) &&
      some('name', (value) => matches(network.name, value)) &&
      some('driver', (value) => network.driver === value) &&
      some('scope', (value) => value === 'local') &&
      some('type', (value) => (value === 'builtin') === isPredefined(network.name)) &&
      values('label').every((value) => hasLabel(network.labels, value)) &&
      // Predefined networks are never dangling.
      dangling.every((wanted) => wanted === (!isPredefined(network.name) && !inUse(network))),
  );
}

/** A part of the text, or the whole where ^ and $ say so: what of dockerd's regular expressions people write. */
function matches(text: string, pattern: string): boolean {
  const atStart = pattern.startsWith('^');
  const atEnd = pattern.endsWith('$');
  const part = pattern.slice(atStart ? 1 : 0, atEnd ? -1 : undefined);
  if (atStart && atEnd) return text === part;
  if (atStart) return text.startsWith(part);
  return atEnd ? text.endsWith(part) : text.includes(part);
}

function hasLabel(labels: Readonly<Record<string, string>>, wanted: string): boolean {
  const equals = wanted.indexOf('=');
  if (equals === -1) return Object.hasOwn(labels, wanted);
  const key = wanted.slice(0, equals);
  return Object.hasOwn(labels, key) && labels[key] === wanted.slice(equals + 1);
}

/** Go's strconv.ParseBool, as the API reads booleans in filters. */
function booleanOf(filter: string, value: string): boolean {
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(value)) return true;
  if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(value)) return false;
  throw invalidParameter(`invalid filter '${filter}=${value}'`);
}

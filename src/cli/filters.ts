/** --filter, shared by everything that lists or prunes. Pure. */
import type { Flag } from './command.ts';

export const filterFlag = (help: string, short?: string): Flag => ({
  name: 'filter',
  ...(short === undefined ? {} : { short }),
  type: 'list',
  placeholder: 'filter',
  help,
  check(value) {
    if (value !== '' && !value.includes('=')) throw new Error('bad format of filter (expected name=value)');
  },
});

/** ['label=a', 'label=b=c'] → '{"label":{"a":true,"b=c":true}}', undefined for none. */
export function encodeFilters(filters: readonly string[]): string | undefined {
  const encoded = new Map<string, Map<string, true>>();
  for (const filter of filters) {
    if (filter === '') continue;
    const equals = filter.indexOf('=');
    const name = filter.slice(0, equals).trim().toLowerCase();
    const values = encoded.get(name) ?? new Map<string, true>();
    encoded.set(name, values.set(filter.slice(equals + 1).trim(), true));
  }
  if (encoded.size === 0) return undefined;
  const sorted = [...encoded].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(Object.fromEntries(sorted.map(([name, values]) => [name, Object.fromEntries(values)])));
}

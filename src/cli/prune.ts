/** What the prune commands share. */
import type { Context, Flag, Values } from './command.ts';
import { confirm } from './confirm.ts';
import { encodeFilters, filterFlag } from './filters.ts';

export const pruneFlags: readonly Flag[] = [
  filterFlag('Provide filter values (e.g. "until=<timestamp>")'),
  { name: 'force', short: 'f', type: 'bool', help: 'Do not prompt for confirmation' },
];

/** Undefined when the user did not agree. `kind` as the API's path names it. */
export async function prune<T>(
  context: Context,
  values: Values,
  kind: 'containers' | 'images' | 'networks',
  warning: string,
  filters: readonly string[] = [],
): Promise<T | undefined> {
  if (!values.bool('force') && !(await confirm(context, warning))) return undefined;
  return context.client.json<T>('POST', `/${kind}/prune`, {
    query: { filters: encodeFilters([...values.list('filter'), ...filters]) },
  });
}

/** The lines of what is gone under their heading; nothing when nothing is. */
export const removedText = (heading: string, lines: readonly string[]): string =>
  lines.length === 0 ? '' : `${heading}:\n${lines.map((line) => `${line}\n`).join('')}\n`;

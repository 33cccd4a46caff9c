import type { Command } from '../command.ts';
import { encodeFilters, filterFlag } from '../filters.ts';
import { formatListFlag, noTruncFlag, quietFlag } from '../format/flags.ts';
import { asksFor, printList } from '../format/print.ts';
import { type ContainerSummary, containerListing } from '../lists/containers.ts';

export const command: Command = {
  path: 'ps',
  aliases: ['container ls', 'container list', 'container ps'],
  usage: '[OPTIONS]',
  summary: 'List containers',
  flags: [
    { name: 'all', short: 'a', type: 'bool', help: 'Show all containers (default shows just running)' },
    filterFlag('Filter output based on conditions provided', 'f'),
    formatListFlag,
    {
      name: 'last',
      short: 'n',
      type: 'int',
      default: -1,
      help: 'Show n last created containers (includes all states)',
    },
    { name: 'latest', short: 'l', type: 'bool', help: 'Show the latest created container (includes all states)' },
    noTruncFlag,
    quietFlag('Only display container IDs'),
    { name: 'size', short: 's', type: 'bool', help: 'Display total file sizes' },
  ],
  args: { min: 0, max: 0 },
  async run(context, values) {
    const last = values.int('last');
    const limit = values.bool('latest') && last === -1 ? 1 : last;
    const size = values.bool('size');
    const query = {
      all: values.bool('all') ? 1 : undefined,
      limit: limit > 0 ? limit : undefined,
      size: size || asksFor(values.string('format'), 'Size') ? 1 : undefined,
      filters: encodeFilters(values.list('filter')),
    };
    const listing = containerListing({ truncate: !values.bool('no-trunc'), size, now: Date.now() });
    return printList(context, values, listing, async () =>
      context.client.json<ContainerSummary[]>('GET', '/containers/json', { query }),
    );
  },
};

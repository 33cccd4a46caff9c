import type { Command } from '../command.ts';
import { encodeFilters, filterFlag } from '../filters.ts';
import { formatListFlag, noTruncFlag, quietFlag } from '../format/flags.ts';
import { asksFor, printList } from '../format/print.ts';
import { imageListing, imageRows, type ImageSummary } from '../lists/images.ts';

export const command: Command = {
  path: 'images',
  aliases: ['image ls', 'image list'],
  usage: '[OPTIONS] [REPOSITORY[:TAG]]',
  summary: 'List images',
  flags: [
    { name: 'all', short: 'a', type: 'bool', help: 'Show all images (default hides intermediate images)' },
    { name: 'digests', type: 'bool', help: 'Show digests' },
    filterFlag('Filter output based on conditions provided', 'f'),
    formatListFlag,
    noTruncFlag,
    quietFlag('Only show image IDs'),
  ],
  args: { min: 0, max: 1 },
  complete: 'image',
  async run(context, values, [name]) {
    const filters = [...values.list('filter'), ...(name === undefined ? [] : [`reference=${name}`])];
    const query = { all: values.bool('all') ? 1 : undefined, filters: encodeFilters(filters) };
    const digests = values.bool('digests');
    const listing = imageListing({ truncate: !values.bool('no-trunc'), digests, now: Date.now() });
    return printList(context, values, listing, async () =>
      imageRows(
        await context.client.json<ImageSummary[]>('GET', '/images/json', { query }),
        digests || asksFor(values.string('format'), 'Digest'),
      ),
    );
  },
};

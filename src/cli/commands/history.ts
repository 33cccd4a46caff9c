import type { Command } from '../command.ts';
import { formatListFlag, noTruncFlag, quietFlag } from '../format/flags.ts';
import { printList } from '../format/print.ts';
import { type HistoryItem, historyListing } from '../lists/history.ts';
import { pathOf } from '../path.ts';

export const command: Command = {
  path: 'history',
  aliases: ['image history'],
  usage: '[OPTIONS] IMAGE',
  summary: 'Show the history of an image',
  flags: [
    formatListFlag,
    {
      name: 'human',
      short: 'H',
      type: 'bool',
      default: true,
      help: 'Print sizes and dates in human readable format',
    },
    noTruncFlag,
    quietFlag('Only show image IDs'),
  ],
  args: { min: 1, max: 1 },
  complete: 'image',
  async run(context, values, [name = '']) {
    const truncate = !values.bool('no-trunc');
    const listing = historyListing({ truncate, human: values.bool('human'), now: Date.now() });
    return printList(context, values, listing, async () =>
      context.client.json<HistoryItem[]>('GET', `${pathOf('image', name)}/history`),
    );
  },
};

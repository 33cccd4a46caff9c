import type { Command } from '../command.ts';
import { encodeFilters, filterFlag } from '../filters.ts';
import { formatListFlag, noTruncFlag, quietFlag } from '../format/flags.ts';
import { printList } from '../format/print.ts';
import { compareNatural } from '../format/text.ts';
import { networkListing, type NetworkSummary } from '../lists/networks.ts';

export const command: Command = {
  path: 'network ls',
  aliases: ['network list'],
  usage: '[OPTIONS]',
  summary: 'List networks',
  flags: [
    filterFlag('Provide filter values (e.g. "driver=bridge")', 'f'),
    formatListFlag,
    noTruncFlag,
    quietFlag('Only display network IDs'),
  ],
  args: { min: 0, max: 0 },
  async run(context, values) {
    const query = { filters: encodeFilters(values.list('filter')) };
    return printList(context, values, networkListing(!values.bool('no-trunc')), async () => {
      const networks = await context.client.json<NetworkSummary[]>('GET', '/networks', { query });
      return networks.toSorted((a, b) => compareNatural(a.Name, b.Name));
    });
  },
};

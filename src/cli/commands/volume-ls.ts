import type { Command } from '../command.ts';
import { encodeFilters, filterFlag } from '../filters.ts';
import { formatListFlag, quietFlag } from '../format/flags.ts';
import { printer } from '../format/listing.ts';
import { compareNatural } from '../format/text.ts';
import { volumeListing, type VolumeSummary } from '../lists/volumes.ts';
import { outputOf } from '../streams/output.ts';

export const command: Command = {
  path: 'volume ls',
  aliases: ['volume list'],
  usage: '[OPTIONS]',
  summary: 'List volumes',
  flags: [
    filterFlag('Provide filter values (e.g. "dangling=true")', 'f'),
    formatListFlag,
    quietFlag('Only display volume names'),
  ],
  args: { min: 0, max: 0 },
  async run({ client, stdout }, values) {
    const format = values.string('format');
    // A format of one's own says already what is wanted.
    const quiet = values.bool('quiet') && ['', 'table'].includes(format);
    const print = await printer(volumeListing, quiet ? '{{.Name}}' : format);
    const query = { filters: encodeFilters(values.list('filter')) };
    const { Volumes } = await client.json<{ Volumes: VolumeSummary[] | null }>('GET', '/volumes', { query });
    await outputOf(stdout).write(print((Volumes ?? []).toSorted((a, b) => compareNatural(a.Name, b.Name))));
    return 0;
  },
};

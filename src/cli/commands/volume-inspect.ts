import type { Command } from '../command.ts';
import { formatFlag } from '../format/flags.ts';
import { inspectAll, readText } from '../format/objects.ts';
import { pathOf } from '../path.ts';

export const command: Command = {
  path: 'volume inspect',
  usage: '[OPTIONS] VOLUME [VOLUME...]',
  summary: 'Display detailed information on one or more volumes',
  flags: [formatFlag('f')],
  args: { min: 1 },
  complete: 'volume',
  run: async (context, values, names) =>
    inspectAll(context, names, values.string('format'), async (name) =>
      readText(context.client, pathOf('volume', name)),
    ),
};

import type { Command } from '../command.ts';
import { formatFlag } from '../format/flags.ts';
import { inspectAll, readText } from '../format/objects.ts';
import { pathOf } from '../path.ts';

export const command: Command = {
  path: 'image inspect',
  usage: '[OPTIONS] IMAGE [IMAGE...]',
  summary: 'Display detailed information on one or more images',
  flags: [formatFlag('f')],
  args: { min: 1 },
  complete: 'image',
  async run(context, values, names) {
    return inspectAll(context, names, values.string('format'), async (name) =>
      readText(context.client, `${pathOf('image', name)}/json`),
    );
  },
};

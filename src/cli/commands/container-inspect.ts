import type { Command } from '../command.ts';
import { formatFlag } from '../format/flags.ts';
import { inspectAll, readText } from '../format/objects.ts';
import { pathOf } from '../path.ts';

export const command: Command = {
  path: 'container inspect',
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  summary: 'Display detailed information on one or more containers',
  flags: [formatFlag('f'), { name: 'size', short: 's', type: 'bool', help: 'Display total file sizes' }],
  args: { min: 1 },
  complete: 'container',
  async run(context, values, names) {
    return inspectAll(context, names, values.string('format'), async (name) =>
      readText(context.client, `${pathOf('container', name)}/json`, values.bool('size') ? { size: 1 } : {}),
    );
  },
};

import type { Command } from '../command.ts';
import { pathOf } from '../path.ts';
import { forEach } from '../run/each.ts';

export const command: Command = {
  path: 'volume rm',
  aliases: ['volume remove'],
  usage: '[OPTIONS] VOLUME [VOLUME...]',
  summary: 'Remove one or more volumes',
  flags: [{ name: 'force', short: 'f', type: 'bool', help: 'Force the removal of one or more volumes' }],
  args: { min: 1 },
  complete: 'volume',
  async run(context, values, names) {
    const query = { force: values.bool('force') ? 1 : undefined };
    const failed = await forEach(context, names, async (name) => {
      await context.client.json('DELETE', pathOf('volume', name), { query });
      return name;
    });
    return failed.length === 0 ? 0 : 1;
  },
};

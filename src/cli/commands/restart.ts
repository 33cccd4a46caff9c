import type { Command } from '../command.ts';
import { containerPath, forEach } from '../run/each.ts';
import { stopFlags, stopQuery } from '../run/stop-flags.ts';

export const command: Command = {
  path: 'restart',
  aliases: ['container restart'],
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  summary: 'Restart one or more containers',
  flags: stopFlags,
  args: { min: 1 },
  complete: 'container',
  async run(context, values, args) {
    const query = stopQuery(values);
    const failed = await forEach(context, args, async (name) => {
      await context.client.json('POST', `${containerPath(name)}/restart`, { query });
      return name;
    });
    return failed.length === 0 ? 0 : 1;
  },
};

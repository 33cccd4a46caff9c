import type { Command } from '../command.ts';
import { containerPath, forEach } from '../run/each.ts';

export const command: Command = {
  path: 'unpause',
  aliases: ['container unpause'],
  usage: 'CONTAINER [CONTAINER...]',
  summary: 'Unpause all processes within one or more containers',
  flags: [],
  args: { min: 1 },
  complete: 'running-container',
  async run(context, _values, args) {
    const failed = await forEach(context, args, async (name) => {
      await context.client.json('POST', `${containerPath(name)}/unpause`);
      return name;
    });
    return failed.length === 0 ? 0 : 1;
  },
};

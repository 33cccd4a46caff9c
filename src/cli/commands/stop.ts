import type { Command } from '../command.ts';
import { containerPath, forEach } from '../run/each.ts';
import { stopFlags, stopQuery } from '../run/stop-flags.ts';

export const command: Command = {
  path: 'stop',
  aliases: ['container stop'],
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  summary: 'Stop one or more running containers',
  flags: stopFlags,
  args: { min: 1 },
  complete: 'running-container',
  async run(context, values, args) {
    const query = stopQuery(values);
    const failed = await forEach(context, args, async (name) => {
      await context.client.json('POST', `${containerPath(name)}/stop`, { query });
      return name;
    });
    return failed.length === 0 ? 0 : 1;
  },
};

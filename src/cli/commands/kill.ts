import type { Command } from '../command.ts';
import { containerPath, forEach } from '../run/each.ts';

export const command: Command = {
  path: 'kill',
  aliases: ['container kill'],
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  summary: 'Kill one or more running containers',
  flags: [
    {
      name: 'signal',
      short: 's',
      type: 'string',
      help: 'Signal to send to the container',
      complete: ['HUP', 'INT', 'QUIT', 'KILL', 'USR1', 'USR2', 'TERM', 'CONT', 'STOP'],
    },
  ],
  args: { min: 1 },
  complete: 'running-container',
  async run(context, values, args) {
    const query = { signal: values.string('signal') || undefined };
    const failed = await forEach(context, args, async (name) => {
      await context.client.json('POST', `${containerPath(name)}/kill`, { query });
      return name;
    });
    return failed.length === 0 ? 0 : 1;
  },
};

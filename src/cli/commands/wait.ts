import type { Command } from '../command.ts';
import { containerPath, forEach } from '../run/each.ts';

export const command: Command = {
  path: 'wait',
  aliases: ['container wait'],
  usage: 'CONTAINER [CONTAINER...]',
  summary: 'Block until one or more containers stop, then print their exit codes',
  flags: [],
  args: { min: 1 },
  complete: 'container',
  async run(context, _values, args) {
    const failed = await forEach(context, args, async (name) => {
      const path = `${containerPath(name)}/wait`;
      const { StatusCode, Error: error } = await context.client.json<{
        StatusCode: number;
        Error?: { Message: string } | null;
      }>('POST', path);
      if (error?.Message) throw new Error(error.Message);
      return String(StatusCode);
    });
    return failed.length === 0 ? 0 : 1;
  },
};

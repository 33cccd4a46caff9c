import type { Command } from '../command.ts';
import { createBody } from '../run/body.ts';
import { createContainer, surroundings } from '../run/create.ts';
import { createFlags } from '../run/flags.ts';
import { withHelp, withUsage } from '../run/report.ts';
import { FlagError } from '../run/values.ts';
import { outputOf } from '../streams/output.ts';

const usage = '[OPTIONS] IMAGE [COMMAND] [ARG...]';

export const command: Command = {
  path: 'create',
  aliases: ['container create'],
  usage,
  summary: 'Create a new container',
  flags: createFlags,
  args: { min: 1 },
  interspersed: false,
  complete: 'image',
  async run(context, values, args) {
    let request: ReturnType<typeof createBody>;
    try {
      request = createBody(values, args, surroundings(context));
    } catch (error) {
      const text =
        error instanceof FlagError
          ? withUsage(error.message, 'create', usage)
          : `berth: ${withHelp((error as Error).message, 'create')}`;
      await outputOf(context.stderr).write(text);
      return 125;
    }
    const id = await createContainer(context, values, request);
    await outputOf(context.stdout).write(`${id}\n`);
    return 0;
  },
};

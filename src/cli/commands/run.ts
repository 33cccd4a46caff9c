import type { Command, Context, Values } from '../command.ts';
import { createBody } from '../run/body.ts';
import { createContainer, surroundings } from '../run/create.ts';
import { containerPath } from '../run/each.ts';
import { runFlags } from '../run/flags.ts';
import { runForeground, StartError } from '../run/foreground.ts';
import { NO_TERMINAL } from '../run/inspect.ts';
import { daemonText, exitCodeOf, withHelp, withUsage } from '../run/report.ts';
import { FlagError } from '../run/values.ts';
import { outputOf } from '../streams/output.ts';

const usage = '[OPTIONS] IMAGE [COMMAND] [ARG...]';

export const command: Command = {
  path: 'run',
  aliases: ['container run'],
  usage,
  summary: 'Create and run a new container from an image',
  flags: runFlags,
  args: { min: 1 },
  interspersed: false,
  complete: 'image',
  async run(context, values, args) {
    const say = async (text: string, code: number): Promise<number> => {
      await outputOf(context.stderr).write(text);
      return code;
    };
    try {
      return await start(context, values, args, say);
    } catch (error) {
      if (error instanceof FlagError) return say(withUsage(error.message, 'run', usage), 125);
      const [cause, code] = error instanceof StartError ? [error.cause, exitCodeOf(error.cause)] : [error, 125];
      return say(`berth: ${withHelp(daemonText(cause), 'run')}`, code);
    }
  },
};

async function start(
  context: Context,
  values: Values,
  args: readonly string[],
  say: (text: string, code: number) => Promise<number>,
): Promise<number> {
  const { client, stdin, stdout } = context;
  const detach = values.bool('detach');
  const request = createBody(values, args, surroundings(context), detach);
  const { attach, tty } = request;
  if (detach && values.list('attach').length > 0) {
    return say('conflicting options: cannot specify both --attach and --detach\n', 1);
  }
  if (attach.stdin && tty && !stdin.isTTY) return say(`${NO_TERMINAL}\n`, 1);
  const id = await createContainer(context, values, request);
  if (detach) {
    try {
      await client.json('POST', `${containerPath(id)}/start`);
    } catch (error) {
      // The container stays, as with docker, and so its ID is told.
      if (!request.autoRemove) await outputOf(stdout).write(`${id}\n`);
      throw new StartError(error);
    }
    await outputOf(stdout).write(`${id}\n`);
    return 0;
  }
  return runForeground(context, {
    id,
    tty,
    attach,
    detachKeys: values.string('detach-keys'),
    sigProxy: values.bool('sig-proxy'),
    condition: request.autoRemove ? 'removed' : 'next-exit',
    start: true,
  });
}

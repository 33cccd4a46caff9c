import type { Command } from '../command.ts';
import { containerPath, forEach } from '../run/each.ts';
import { runForeground, StartError } from '../run/foreground.ts';
import { inspect, NO_TERMINAL } from '../run/inspect.ts';
import { daemonText } from '../run/report.ts';
import { outputOf } from '../streams/output.ts';

export const command: Command = {
  path: 'start',
  aliases: ['container start'],
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  summary: 'Start one or more stopped containers',
  flags: [
    { name: 'attach', short: 'a', type: 'bool', help: 'Attach STDOUT/STDERR and forward signals' },
    { name: 'detach-keys', type: 'string', help: 'Override the key sequence for detaching a container' },
    { name: 'interactive', short: 'i', type: 'bool', help: "Attach container's STDIN" },
  ],
  args: { min: 1 },
  complete: 'container',
  async run(context, values, args) {
    const { client, stdin, stderr } = context;
    const interactive = values.bool('interactive');
    if (!values.bool('attach') && !interactive) {
      const failed = await forEach(context, args, async (name) => {
        await client.json('POST', `${containerPath(name)}/start`);
        return name;
      });
      if (failed.length === 0) return 0;
      await outputOf(stderr).write(`failed to start containers: ${failed.join(', ')}\n`);
      return 1;
    }
    const [name = '', ...more] = args;
    if (more.length > 0) throw new Error('you cannot start and attach multiple containers at once');
    const { Id, Config, HostConfig } = await inspect(client, name);
    const withInput = interactive && Config.OpenStdin;
    if (withInput && Config.Tty && !stdin.isTTY) throw new Error(NO_TERMINAL);
    try {
      return await runForeground(context, {
        id: Id,
        tty: Config.Tty,
        attach: { stdin: withInput, stdout: true, stderr: true },
        detachKeys: values.string('detach-keys'),
        sigProxy: true,
        condition: HostConfig.AutoRemove ? 'removed' : 'next-exit',
        start: true,
      });
    } catch (error) {
      if (!(error instanceof StartError)) throw error;
      await outputOf(stderr).write(`${daemonText(error.cause)}\n`);
      return 1;
    }
  },
};

import type { Command } from '../command.ts';
import { runForeground } from '../run/foreground.ts';
import { inspect, NO_TERMINAL } from '../run/inspect.ts';

export const command: Command = {
  path: 'attach',
  aliases: ['container attach'],
  usage: '[OPTIONS] CONTAINER',
  summary: 'Attach local standard input, output, and error streams to a running container',
  flags: [
    { name: 'detach-keys', type: 'string', help: 'Override the key sequence for detaching a container' },
    { name: 'no-stdin', type: 'bool', help: 'Do not attach STDIN' },
    { name: 'sig-proxy', type: 'bool', default: true, help: 'Proxy all received signals to the process' },
  ],
  args: { min: 1, max: 1 },
  complete: 'running-container',
  async run(context, values, [name = '']) {
    const { client, stdin } = context;
    const { Id, State, Config } = await inspect(client, name);
    if (!State.Running) throw new Error('cannot attach to a stopped container, start it first');
    if (State.Paused) throw new Error('cannot attach to a paused container, unpause it first');
    if (State.Restarting) throw new Error('cannot attach to a restarting container, wait until it is running');
    const withInput = Config.OpenStdin && !values.bool('no-stdin');
    if (withInput && Config.Tty && !stdin.isTTY) throw new Error(NO_TERMINAL);
    return runForeground(context, {
      id: Id,
      tty: Config.Tty,
      attach: { stdin: withInput, stdout: true, stderr: true },
      detachKeys: values.string('detach-keys'),
      sigProxy: values.bool('sig-proxy'),
      condition: 'not-running',
      start: false,
    });
  },
};

import type { Command } from '../command.ts';
import { scripts } from '../completion/scripts.ts';
import { outputOf } from '../streams/output.ts';

export const command: Command = {
  path: 'completion',
  usage: 'bash|zsh',
  summary: 'Print the completion script of a shell: source <(berth completion bash)',
  flags: [],
  args: { min: 1, max: 1 },
  async run({ stdout }, _values, [shell = '']) {
    const script = Object.hasOwn(scripts, shell) ? scripts[shell] : undefined;
    if (script === undefined) {
      throw new Error(
        `no completion for ${JSON.stringify(shell)}: there is one for ${Object.keys(scripts).join(' and ')}`,
      );
    }
    await outputOf(stdout).write(script);
    return 0;
  },
};

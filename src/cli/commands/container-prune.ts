import type { Command } from '../command.ts';
import { pruneCommand, pruneFlags } from '../prune.ts';

export const command: Command = {
  path: 'container prune',
  usage: '[OPTIONS]',
  summary: 'Remove all stopped containers',
  flags: pruneFlags(),
  args: { min: 0, max: 0 },
  run: async (context, values) =>
    pruneCommand(context, values, 'containers', 'This will remove all stopped containers.'),
};

import type { Command } from '../command.ts';
import { pruneCommand, pruneFlags } from '../prune.ts';

const WARNING = 'This will remove all custom networks not used by at least one container.';

export const command: Command = {
  path: 'network prune',
  usage: '[OPTIONS]',
  summary: 'Remove all unused networks',
  flags: pruneFlags(),
  args: { min: 0, max: 0 },
  run: async (context, values) => pruneCommand(context, values, 'networks', WARNING),
};

import type { Command } from '../command.ts';
import { pruneCommand, pruneFlags } from '../prune.ts';

export const command: Command = {
  path: 'image prune',
  usage: '[OPTIONS]',
  summary: 'Remove unused images',
  flags: [
    { name: 'all', short: 'a', type: 'bool', help: 'Remove all unused images, not just dangling ones' },
    ...pruneFlags(),
  ],
  args: { min: 0, max: 0 },
  async run(context, values) {
    const all = values.bool('all');
    const warning = all
      ? 'This will remove all images without at least one container associated to them.'
      : 'This will remove all dangling images.';
    return pruneCommand(context, values, 'images', warning, [`dangling=${!all}`]);
  },
};

import type { Command } from '../command.ts';
import { pruneCommand, pruneFlags } from '../prune.ts';

export const command: Command = {
  path: 'volume prune',
  usage: '[OPTIONS]',
  summary: 'Remove unused local volumes',
  flags: [
    { name: 'all', short: 'a', type: 'bool', help: 'Remove all unused volumes, not just anonymous ones' },
    ...pruneFlags('label=<label>'),
  ],
  args: { min: 0, max: 0 },
  async run(context, values) {
    const all = values.bool('all');
    if (all && values.list('filter').some((filter) => filter.startsWith('all='))) {
      throw new Error('conflicting options: cannot specify both --all and --filter all=1');
    }
    const warning = `This will remove ${all ? 'all' : 'anonymous'} local volumes not used by at least one container.`;
    return pruneCommand(context, values, 'volumes', warning, all ? ['all=true'] : []);
  },
};

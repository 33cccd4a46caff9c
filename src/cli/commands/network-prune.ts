import type { Command } from '../command.ts';
import { prune, pruneFlags, removedText } from '../prune.ts';
import { outputOf } from '../streams/output.ts';

export const command: Command = {
  path: 'network prune',
  usage: '[OPTIONS]',
  summary: 'Remove all unused networks',
  flags: pruneFlags,
  args: { min: 0, max: 0 },
  async run(context, values) {
    const done = await prune<{ NetworksDeleted: string[] | null }>(
      context,
      values,
      'networks',
      'This will remove all custom networks not used by at least one container.',
    );
    if (done === undefined) return 0;
    await outputOf(context.stdout).write(removedText('Deleted Networks', done.NetworksDeleted ?? []));
    return 0;
  },
};

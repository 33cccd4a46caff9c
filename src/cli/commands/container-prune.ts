import type { Command } from '../command.ts';
import { humanSize } from '../format/units.ts';
import { prune, pruneFlags, removedText } from '../prune.ts';
import { outputOf } from '../streams/output.ts';

export const command: Command = {
  path: 'container prune',
  usage: '[OPTIONS]',
  summary: 'Remove all stopped containers',
  flags: pruneFlags,
  args: { min: 0, max: 0 },
  async run(context, values) {
    const done = await prune<{ ContainersDeleted: string[] | null; SpaceReclaimed: number }>(
      context,
      values,
      'containers',
      'This will remove all stopped containers.',
    );
    if (done === undefined) return 0;
    const removed = removedText('Deleted Containers', done.ContainersDeleted ?? []);
    await outputOf(context.stdout).write(`${removed}Total reclaimed space: ${humanSize(done.SpaceReclaimed, 4)}\n`);
    return 0;
  },
};

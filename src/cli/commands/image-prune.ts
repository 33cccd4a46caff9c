import type { Command } from '../command.ts';
import { humanSize } from '../format/units.ts';
import { prune, pruneFlags, removedText } from '../prune.ts';
import { outputOf } from '../streams/output.ts';

interface Pruned {
  ImagesDeleted: { Untagged?: string; Deleted?: string }[] | null;
  SpaceReclaimed: number;
}

export const command: Command = {
  path: 'image prune',
  usage: '[OPTIONS]',
  summary: 'Remove unused images',
  flags: [
    { name: 'all', short: 'a', type: 'bool', help: 'Remove all unused images, not just dangling ones' },
    ...pruneFlags,
  ],
  args: { min: 0, max: 0 },
  async run(context, values) {
    const all = values.bool('all');
    const warning = all
      ? 'This will remove all images without at least one container associated to them.'
      : 'This will remove all dangling images.';
    const done = await prune<Pruned>(context, values, 'images', warning, [`dangling=${!all}`]);
    if (done === undefined) return 0;
    const lines = (done.ImagesDeleted ?? []).map(({ Untagged, Deleted = '' }) =>
      Untagged === undefined ? `deleted: ${Deleted}` : `untagged: ${Untagged}`,
    );
    const removed = removedText('Deleted Images', lines);
    await outputOf(context.stdout).write(`${removed}Total reclaimed space: ${humanSize(done.SpaceReclaimed, 4)}\n`);
    return 0;
  },
};

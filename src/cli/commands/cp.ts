import type { Command } from '../command.ts';
import { copyFromContainer } from '../files/from-container.ts';
import { splitArgument } from '../files/paths.ts';
import { CopyProgress } from '../files/progress.ts';
import { copyToContainer } from '../files/to-container.ts';
import { humanSize } from '../format/units.ts';

export const command: Command = {
  path: 'cp',
  aliases: ['container cp'],
  usage: '[OPTIONS] CONTAINER:SRC_PATH DEST_PATH|-\n\tberth cp [OPTIONS] SRC_PATH|- CONTAINER:DEST_PATH',
  summary: 'Copy files/folders between a container and the local filesystem',
  flags: [
    { name: 'archive', short: 'a', type: 'bool', help: 'Archive mode (copy all uid/gid information)' },
    { name: 'follow-link', short: 'L', type: 'bool', help: 'Always follow symbol link in SRC_PATH' },
    {
      name: 'quiet',
      short: 'q',
      type: 'bool',
      help: 'Suppress progress output during copy. Progress output is automatically suppressed if no terminal is attached',
    },
  ],
  args: { min: 2, max: 2 },
  complete: ['container', 'file'],
  async run(context, values, [from = '', to = '']) {
    if (from === '') throw new Error('source can not be empty');
    if (to === '') throw new Error('destination can not be empty');
    const source = splitArgument(from);
    const destination = splitArgument(to);
    const quiet = values.given('quiet') ? values.bool('quiet') : !context.stdout.isTTY;
    const progress = (header: string): CopyProgress | undefined =>
      quiet ? undefined : new CopyProgress(context.stderr, header, humanSize);
    const followLink = values.bool('follow-link');
    if (source.container !== '' && destination.container !== '') {
      throw new Error('copying between containers is not supported');
    }
    if (source.container !== '') {
      const request = { container: source.container, source: source.path, destination: destination.path, followLink };
      await copyFromContainer(context, request, progress);
    } else if (destination.container !== '') {
      const copyUIDGID = values.bool('archive');
      const { container, path } = destination;
      await copyToContainer(
        context,
        { container, source: source.path, destination: path, followLink, copyUIDGID },
        progress,
      );
    } else throw new Error('must specify at least one container source');
    return 0;
  },
};

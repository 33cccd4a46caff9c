import { ApiError } from '../client.ts';
import type { Command } from '../command.ts';
import { daemonText } from '../run/report.ts';
import { outputOf } from '../streams/output.ts';
import { pathOf } from '../path.ts';

interface Deleted {
  Untagged?: string;
  Deleted?: string;
}

export const command: Command = {
  path: 'rmi',
  aliases: ['image rm', 'image remove'],
  usage: '[OPTIONS] IMAGE [IMAGE...]',
  summary: 'Remove one or more images',
  flags: [
    { name: 'force', short: 'f', type: 'bool', help: 'Force removal of the image' },
    { name: 'no-prune', type: 'bool', help: 'Do not delete untagged parents' },
  ],
  args: { min: 1 },
  complete: 'image',
  async run({ client, stdout, stderr }, values, names) {
    const force = values.bool('force');
    const query = { force: force ? 1 : undefined, noprune: values.bool('no-prune') ? 1 : undefined };
    let serious = 0;
    // One after another: images share layers, and what the first removal untags decides about the second.
    for (const name of names) {
      try {
        const done = await client.json<Deleted[]>('DELETE', pathOf('image', name), { query });
        const lines = done.map(({ Untagged, Deleted = '' }) =>
          Untagged === undefined ? `Deleted: ${Deleted}\n` : `Untagged: ${Untagged}\n`,
        );
        await outputOf(stdout).write(lines.join(''));
      } catch (error) {
        if (!force || !(error instanceof ApiError) || error.status !== 404) serious += 1;
        await outputOf(stderr).write(`${daemonText(error)}\n`);
      }
    }
    return serious === 0 ? 0 : 1;
  },
};

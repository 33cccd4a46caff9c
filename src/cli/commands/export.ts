import type { Command } from '../command.ts';
import { writeOutput } from '../images/archive.ts';
import { pathOf } from '../path.ts';

export const command: Command = {
  path: 'export',
  aliases: ['container export'],
  usage: '[OPTIONS] CONTAINER',
  summary: "Export a container's filesystem as a tar archive",
  flags: [{ name: 'output', short: 'o', type: 'string', help: 'Write to a file, instead of STDOUT', complete: 'file' }],
  args: { min: 1, max: 1 },
  complete: 'container',
  async run({ client, stdout }, values, [name = '']) {
    const path = values.string('output');
    if (path === '' && stdout.isTTY) {
      throw new Error('cowardly refusing to save to a terminal. Use the -o flag or redirect');
    }
    await writeOutput(await client.stream('GET', `${pathOf('container', name)}/export`), path, stdout);
    return 0;
  },
};

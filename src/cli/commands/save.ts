import type { Command } from '../command.ts';
import { writeOutput } from '../images/archive.ts';

export const command: Command = {
  path: 'save',
  aliases: ['image save'],
  usage: '[OPTIONS] IMAGE [IMAGE...]',
  summary: 'Save one or more images to a tar archive (streamed to STDOUT by default)',
  flags: [{ name: 'output', short: 'o', type: 'string', help: 'Write to a file, instead of STDOUT', complete: 'file' }],
  args: { min: 1 },
  complete: 'image',
  async run({ client, stdout }, values, args) {
    const path = values.string('output');
    if (path === '' && stdout.isTTY) {
      throw new Error('cowardly refusing to save to a terminal. Use the -o flag or redirect');
    }
    const names = args.map((name) => `names=${encodeURIComponent(name)}`).join('&');
    await writeOutput(await client.stream('GET', `/images/get?${names}`), path, stdout);
    return 0;
  },
};

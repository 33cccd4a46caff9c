import type { Command } from '../command.ts';
import { openInput } from '../images/archive.ts';
import { showProgress } from '../streams/show-progress.ts';

export const command: Command = {
  path: 'load',
  aliases: ['image load'],
  usage: '[OPTIONS]',
  summary: 'Load an image from a tar archive or STDIN',
  flags: [
    {
      name: 'input',
      short: 'i',
      type: 'string',
      help: 'Read from tar archive file, instead of STDIN',
      complete: 'file',
    },
    { name: 'quiet', short: 'q', type: 'bool', help: 'Suppress the load output' },
  ],
  args: { min: 0, max: 0 },
  async run({ client, stdin, stdout }, values) {
    const path = values.string('input');
    if (path === '' && stdin.isTTY) throw new Error('requested load from stdin, but stdin is empty');
    const answer = await client.stream('POST', '/images/load', {
      query: { quiet: values.bool('quiet') || !stdout.isTTY },
      stream: path === '' ? stdin : await openInput(path),
    });
    await showProgress(answer, stdout);
    return 0;
  },
};

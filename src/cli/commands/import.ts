import type { Command } from '../command.ts';
import { openInput } from '../images/archive.ts';
import { splitReference } from '../images/reference.ts';
import { showProgress } from '../streams/show-progress.ts';

export const command: Command = {
  path: 'import',
  aliases: ['image import'],
  usage: '[OPTIONS] file|URL|- [REPOSITORY[:TAG]]',
  summary: 'Import the contents from a tarball to create a filesystem image',
  flags: [
    { name: 'change', short: 'c', type: 'list', help: 'Apply Dockerfile instruction to the created image' },
    { name: 'message', short: 'm', type: 'string', help: 'Set commit message for imported image' },
    { name: 'platform', type: 'string', help: 'Set platform if server is multi-platform capable' },
  ],
  args: { min: 1, max: 2 },
  complete: 'file',
  async run({ client, stdin, stdout }, values, [source = '', name = '']) {
    const { repository, tag } = splitReference(name);
    const changes = values.list('change').map((change) => `changes=${encodeURIComponent(change)}`);
    const url = /^https?:\/\//.test(source);
    const stream = url ? undefined : source === '-' ? stdin : await openInput(source);
    const answer = await client.stream('POST', `/images/create${changes.length > 0 ? `?${changes.join('&')}` : ''}`, {
      query: {
        fromSrc: url ? source : '-',
        repo: repository || undefined,
        tag: tag || undefined,
        message: values.string('message') || undefined,
        platform: values.string('platform') || undefined,
      },
      ...(stream === undefined ? {} : { stream }),
    });
    await showProgress(answer, stdout);
    return 0;
  },
};

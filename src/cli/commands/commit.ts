import type { Command } from '../command.ts';
import { splitReference } from '../images/reference.ts';
import { outputOf } from '../streams/output.ts';

export const command: Command = {
  path: 'commit',
  aliases: ['container commit'],
  usage: '[OPTIONS] CONTAINER [REPOSITORY[:TAG]]',
  summary: "Create a new image from a container's changes",
  flags: [
    {
      name: 'author',
      short: 'a',
      type: 'string',
      help: 'Author (e.g., "John Hannibal Smith <hannibal@a-team.com>")',
    },
    { name: 'change', short: 'c', type: 'list', help: 'Apply Dockerfile instruction to the created image' },
    { name: 'message', short: 'm', type: 'string', help: 'Commit message' },
    { name: 'pause', short: 'p', type: 'bool', default: true, help: 'Pause container during commit' },
  ],
  args: { min: 1, max: 2 },
  complete: ['container', 'image'],
  async run({ client, stdout }, values, [container = '', name = '']) {
    const { repository, tag } = splitReference(name);
    const changes = values.list('change').map((change) => `changes=${encodeURIComponent(change)}`);
    const { Id } = await client.json<{ Id: string }>(
      'POST',
      `/commit${changes.length > 0 ? `?${changes.join('&')}` : ''}`,
      {
        query: {
          container,
          repo: repository || undefined,
          tag: tag || undefined,
          comment: values.string('message') || undefined,
          author: values.string('author') || undefined,
          pause: values.bool('pause') ? undefined : 0,
        },
      },
    );
    await outputOf(stdout).write(`${Id}\n`);
    return 0;
  },
};

import type { Command } from '../command.ts';

/** Flags are docker's matter here: whatever follows, the answer is the same. */
export const command: Command = {
  path: 'build',
  aliases: ['image build'],
  usage: '[OPTIONS] PATH | URL | -',
  summary: 'Build an image from a Dockerfile (not here: Buildah does)',
  flags: [
    { name: 'file', short: 'f', type: 'string', help: 'Name of the Dockerfile', complete: 'file' },
    { name: 'tag', short: 't', type: 'list', help: 'Name and optionally a tag (format: "name:tag")' },
  ],
  args: { min: 0 },
  complete: 'file',
  async run(_context, values, [path = '.']) {
    const tags = values.list('tag').map((tag) => ` -t ${tag}`);
    const file = values.string('file');
    throw new Error(
      `Berth does not build images. Buildah does, and what it builds is at once an image of Berth:

  buildah bud${file === '' ? '' : ` -f ${file}`}${tags.join('')} ${path}

Install it with 'apt-get install buildah'.`,
    );
  },
};

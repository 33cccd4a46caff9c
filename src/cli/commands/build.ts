import type { Command, Flag } from '../command.ts';

const bool = (name: string): Flag => ({ name, type: 'bool', help: 'A flag of docker build', hidden: true });
const list = (name: string): Flag => ({ name, type: 'list', help: 'A flag of docker build', hidden: true });

/** Known so that the answer is the one below and not that a flag is unknown. */
const OTHERS: readonly Flag[] = [
  ...['force-rm', 'load', 'no-cache', 'pull', 'push', 'quiet', 'rm', 'squash'].map(bool),
  ...['add-host', 'build-arg', 'cache-from', 'cache-to', 'iidfile', 'label', 'network', 'output'].map(list),
  ...['platform', 'progress', 'secret', 'ssh', 'target'].map(list),
];

export const command: Command = {
  path: 'build',
  aliases: ['image build'],
  usage: '[OPTIONS] PATH | URL | -',
  summary: 'Build an image from a Dockerfile (not here: Buildah does)',
  flags: [
    { name: 'file', short: 'f', type: 'string', help: 'Name of the Dockerfile', complete: 'file' },
    { name: 'tag', short: 't', type: 'list', help: 'Name and optionally a tag (format: "name:tag")' },
    ...OTHERS,
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

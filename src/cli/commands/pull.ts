import type { Command } from '../command.ts';
import { pullImage } from '../images/pull.ts';
import { canonicalReference, hasTag } from '../images/reference.ts';
import { outputOf } from '../streams/output.ts';

export const command: Command = {
  path: 'pull',
  aliases: ['image pull'],
  usage: '[OPTIONS] NAME[:TAG|@DIGEST]',
  summary: 'Download an image from a registry',
  flags: [
    { name: 'all-tags', short: 'a', type: 'bool', help: 'Download all tagged images in the repository' },
    { name: 'disable-content-trust', type: 'bool', default: true, help: 'Skip image verification', hidden: true },
    { name: 'platform', type: 'string', help: 'Set platform if server is multi-platform capable' },
    { name: 'quiet', short: 'q', type: 'bool', help: 'Suppress verbose output' },
  ],
  args: { min: 1, max: 1 },
  complete: 'image',
  async run(context, values, [name = '']) {
    const { stdout } = context;
    const quiet = values.bool('quiet');
    const all = values.bool('all-tags');
    if (all && hasTag(name)) throw new Error("tag can't be used with --all-tags/-a");
    if (!all && !hasTag(name) && !quiet) await outputOf(stdout).write('Using default tag: latest\n');
    await pullImage(context, name, { platform: values.string('platform'), quiet, all, out: stdout });
    await outputOf(stdout).write(`${canonicalReference(name, !all)}\n`);
    return 0;
  },
};

import type { Command } from '../command.ts';
import { canonicalReference, splitReference } from '../images/reference.ts';
import { pathOf } from '../path.ts';

export const command: Command = {
  path: 'tag',
  aliases: ['image tag'],
  usage: 'SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]',
  summary: 'Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE',
  flags: [],
  args: { min: 2, max: 2 },
  complete: 'image',
  async run({ client }, _values, [source = '', target = '']) {
    for (const name of [source, target]) {
      if (name.trim() !== '') continue;
      throw new Error('Error parsing reference: "" is not a valid repository/tag: invalid reference format');
    }
    const { repository, tag, digest } = splitReference(target);
    if (digest !== '') throw new Error('refusing to create a tag with a digest reference');
    await client.json('POST', `${pathOf('image', source)}/tag`, {
      query: { repo: canonicalReference(repository, false), tag: tag || 'latest' },
    });
    return 0;
  },
};

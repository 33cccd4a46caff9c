import { ApiError } from '../client.ts';
import type { Command } from '../command.ts';
import { formatFlag } from '../format/flags.ts';
import { inspectAll, readText } from '../format/objects.ts';
import { outputOf } from '../streams/output.ts';
import { pathOf } from '../path.ts';

/** In the order in which a name is looked for. */
const PATHS: Readonly<Record<string, (name: string) => string>> = {
  container: (name) => `${pathOf('container', name)}/json`,
  image: (name) => `${pathOf('image', name)}/json`,
  network: (name) => pathOf('network', name),
  volume: (name) => pathOf('volume', name),
};
const TYPES = Object.keys(PATHS);
const ONE_OF = `must be one of ${TYPES.map((type) => JSON.stringify(type)).join(', ')}`;

export const command: Command = {
  path: 'inspect',
  usage: '[OPTIONS] NAME|ID [NAME|ID...]',
  summary: 'Return low-level information on containers, images, networks and volumes',
  flags: [
    formatFlag('f'),
    { name: 'size', short: 's', type: 'bool', help: 'Display total file sizes if the type is container' },
    { name: 'type', type: 'string', help: 'Only inspect objects of the given type', complete: TYPES },
  ],
  args: { min: 1 },
  complete: 'container',
  async run(context, values, names) {
    const { client, stderr } = context;
    const type = values.string('type');
    if (type === '' && values.given('type')) throw new Error(`type is empty: ${ONE_OF}`);
    if (type !== '' && !TYPES.includes(type)) {
      throw new Error(`unknown type: ${JSON.stringify(type)}: ${ONE_OF}`);
    }
    const size = values.bool('size');
    if (size && type !== '' && type !== 'container') {
      await outputOf(stderr).write(`WARNING: --size ignored for ${type}\n`);
    }
    return inspectAll(context, names, values.string('format'), async (name) => {
      for (const each of type === '' ? TYPES : [type]) {
        try {
          const query = size && each === 'container' ? { size: 1 } : {};
          return await readText(client, PATHS[each]?.(name) ?? '', query);
        } catch (error) {
          if (type !== '' || !(error instanceof ApiError) || error.status !== 404) throw error;
        }
      }
      throw new Error(`Error: No such object: ${name}`);
    });
  },
};

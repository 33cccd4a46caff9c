import type { Command } from '../command.ts';
import { harmless } from '../format/text.ts';
import { pathOf } from '../path.ts';
import { outputOf } from '../streams/output.ts';

/** By the API's number. */
const KINDS = ['C', 'A', 'D'];

export const command: Command = {
  path: 'diff',
  aliases: ['container diff'],
  usage: 'CONTAINER',
  summary: "Inspect changes to files or directories on a container's filesystem",
  flags: [],
  args: { min: 1, max: 1 },
  complete: 'container',
  async run({ client, stdout }, _values, [name = '']) {
    const changes = await client.json<{ Path: string; Kind: number }[] | null>(
      'GET',
      `${pathOf('container', name)}/changes`,
    );
    const output = outputOf(stdout);
    for (const { Path, Kind } of changes ?? []) await output.write(`${KINDS[Kind] ?? ''} ${harmless(Path)}\n`);
    return 0;
  },
};

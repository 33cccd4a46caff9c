import { ApiError } from '../client.ts';
import type { Command } from '../command.ts';
import { daemonText } from '../run/report.ts';
import { pathOf } from '../path.ts';

export const command: Command = {
  path: 'rename',
  aliases: ['container rename'],
  usage: 'CONTAINER NEW_NAME',
  summary: 'Rename a container',
  flags: [],
  args: { min: 2, max: 2 },
  complete: 'container',
  async run({ client }, _values, [from = '', to = '']) {
    if (from.trim() === '' || to.trim() === '') throw new Error('Error: Neither old nor new names may be empty');
    try {
      await client.json('POST', `${pathOf('container', from)}/rename`, { query: { name: to } });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      throw new Error(`${daemonText(error)}\nError: failed to rename container named ${from}`, { cause: error });
    }
    return 0;
  },
};

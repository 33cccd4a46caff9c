import type { Command } from '../command.ts';
import { alignColumns } from '../format/table.ts';
import { outputOf } from '../streams/output.ts';
import { pathOf } from '../path.ts';

export const command: Command = {
  path: 'top',
  aliases: ['container top'],
  usage: 'CONTAINER [ps OPTIONS]',
  summary: 'Display the running processes of a container',
  flags: [],
  args: { min: 1 },
  interspersed: false,
  complete: 'running-container',
  async run({ client, stdout }, _values, [name = '', ...options]) {
    const { Titles, Processes } = await client.json<{ Titles: string[]; Processes: string[][] | null }>(
      'GET',
      `${pathOf('container', name)}/top`,
      { query: { ps_args: options.length > 0 ? options.join(' ') : undefined } },
    );
    const text = [Titles, ...(Processes ?? [])].map((row) => `${row.join('\t')}\n`).join('');
    await outputOf(stdout).write(alignColumns(text, { minWidth: 20 }));
    return 0;
  },
};

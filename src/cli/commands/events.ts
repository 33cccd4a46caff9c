import { messageOf } from '../../errors.ts';
import type { Command } from '../command.ts';
import { encodeFilters, filterFlag } from '../filters.ts';
import { formatFlag } from '../format/flags.ts';
import { eventPrinter } from '../lists/events.ts';
import { outputOf } from '../streams/output.ts';
import { timestamp } from '../streams/timestamp.ts';

/** Docker's exit code for it, of sysexits.h. */
const WRONG_FORMAT = 64;

export const command: Command = {
  path: 'events',
  aliases: ['system events'],
  usage: '[OPTIONS]',
  summary: 'Get real time events from the server',
  flags: [
    filterFlag('Filter output based on conditions provided', 'f'),
    formatFlag(),
    { name: 'since', type: 'string', help: 'Show all events created since timestamp' },
    { name: 'until', type: 'string', help: 'Stream events until this timestamp' },
  ],
  args: { min: 0, max: 0 },
  async run({ client, stdout, stderr }, values) {
    let print: (line: string) => string;
    try {
      print = eventPrinter(values.string('format'));
    } catch (error) {
      await outputOf(stderr).write(`Error parsing format: ${messageOf(error)}\n`);
      return WRONG_FORMAT;
    }
    const moment = (flag: string): string | undefined =>
      values.string(flag) === '' ? undefined : timestamp(values.string(flag), Date.now());
    const stream = await client.stream('GET', '/events', {
      query: { filters: encodeFilters(values.list('filter')), since: moment('since'), until: moment('until') },
    });
    stream.setEncoding('utf8');
    const output = outputOf(stdout);
    let rest = '';
    for await (const part of stream as AsyncIterable<string>) {
      const lines = (rest + part).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line.trim() !== '') await output.write(`${print(line)}\n`);
    }
    if (rest.trim() !== '') await output.write(`${print(rest)}\n`);
    return 0;
  },
};

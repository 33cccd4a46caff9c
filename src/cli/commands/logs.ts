import type { Command } from '../command.ts';
import { containerPath } from '../run/each.ts';
import { inspect } from '../run/inspect.ts';
import { BrokenPipe } from '../streams/output.ts';
import { copyOutput } from '../streams/session.ts';
import { timestamp } from '../streams/timestamp.ts';

const moment = (flag: string, text: string): string | undefined => {
  if (text === '') return undefined;
  try {
    return timestamp(text, Date.now());
  } catch (error) {
    throw new Error(`invalid value for ${JSON.stringify(flag)}: ${(error as Error).message}`, { cause: error });
  }
};

const example = '(e.g. "2013-01-02T13:23:37Z") or relative (e.g. "42m" for 42 minutes)';

export const command: Command = {
  path: 'logs',
  aliases: ['container logs'],
  usage: '[OPTIONS] CONTAINER',
  summary: 'Fetch the logs of a container',
  flags: [
    { name: 'details', type: 'bool', help: 'Show extra details provided to logs' },
    { name: 'follow', short: 'f', type: 'bool', help: 'Follow log output' },
    { name: 'since', type: 'string', help: `Show logs since timestamp ${example}` },
    {
      name: 'tail',
      short: 'n',
      type: 'string',
      default: 'all',
      help: 'Number of lines to show from the end of the logs',
    },
    { name: 'timestamps', short: 't', type: 'bool', help: 'Show timestamps' },
    { name: 'until', type: 'string', help: `Show logs before a timestamp ${example}` },
  ],
  args: { min: 1, max: 1 },
  complete: 'container',
  async run(context, values, [name = '']) {
    const { client } = context;
    const since = moment('since', values.string('since'));
    const until = moment('until', values.string('until'));
    const { Id, Config } = await inspect(client, name);
    const stream = await client.stream('GET', `${containerPath(Id)}/logs`, {
      query: {
        stdout: true,
        stderr: true,
        follow: values.bool('follow'),
        timestamps: values.bool('timestamps'),
        details: values.bool('details'),
        tail: values.string('tail'),
        since,
        until,
      },
    });
    try {
      await copyOutput(stream, Config.Tty, context);
    } catch (error) {
      if (!(error instanceof BrokenPipe)) throw error;
      stream.destroy();
    }
    return 0;
  },
};

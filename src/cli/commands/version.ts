import { ConnectError } from '../client.ts';
import type { Command } from '../command.ts';
import { formatFlag } from '../format/flags.ts';
import { formatObject, parseObjectFormat, readText } from '../format/objects.ts';
import { clientVersion, type ServerVersion, versionText } from '../lists/version.ts';
import { outputOf } from '../streams/output.ts';

export const command: Command = {
  path: 'version',
  usage: '[OPTIONS]',
  summary: 'Show the version of the client and of the daemon',
  flags: [formatFlag('f')],
  args: { min: 0, max: 0 },
  async run({ client, stdout, stderr }, values) {
    const format = values.string('format');
    const template = format === '' ? undefined : parseObjectFormat(format === 'json' ? '{{json .}}' : format);
    let server: ServerVersion | null = null;
    let problem = '';
    try {
      server = JSON.parse(await readText(client, '/version')) as ServerVersion;
    } catch (error) {
      if (!(error instanceof ConnectError)) throw error;
      problem = `${error.message}\n`;
    }
    const own = clientVersion();
    const text =
      template === undefined
        ? versionText(own, server)
        : `${formatObject(template, JSON.stringify({ Client: own, Server: server }))}\n`;
    await outputOf(stdout).write(text);
    if (problem !== '') await outputOf(stderr).write(problem);
    return problem === '' ? 0 : 1;
  },
};

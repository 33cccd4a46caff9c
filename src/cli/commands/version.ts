import { ConnectError } from '../client.ts';
import type { Command } from '../command.ts';
import { formatFlag } from '../format/flags.ts';
import { formatObject, parseObjectFormat, readText } from '../format/objects.ts';
import { clientVersion, forTemplates, type ServerVersion, versionText } from '../lists/version.ts';
import { outputOf } from '../streams/output.ts';

export const command: Command = {
  path: 'version',
  usage: '[OPTIONS]',
  summary: 'Show the version of the client and of the daemon',
  flags: [formatFlag('f')],
  args: { min: 0, max: 0 },
  async run({ client, stdout, stderr }, values) {
    const format = values.string('format');
    const template = format === '' ? undefined : parseObjectFormat(format);
    let server: ServerVersion | null = null;
    let problem = '';
    try {
      server = JSON.parse(await readText(client, '/version')) as ServerVersion;
    } catch (error) {
      if (!(error instanceof ConnectError)) throw error;
      problem = `${error.message}\n`;
    }
    const own = clientVersion();
    let text: string;
    if (template === undefined) text = versionText(own, server);
    else if (format === 'json') text = `${JSON.stringify({ Client: own, Server: server })}\n`;
    else {
      const data = { Client: forTemplates(own), Server: forTemplates(server) };
      text = `${formatObject(template, JSON.stringify(data))}\n`;
    }
    await outputOf(stdout).write(text);
    if (problem !== '') await outputOf(stderr).write(problem);
    return problem === '' ? 0 : 1;
  },
};

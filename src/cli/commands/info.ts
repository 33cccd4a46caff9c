import { ConnectError } from '../client.ts';
import type { Command } from '../command.ts';
import { formatFlag } from '../format/flags.ts';
import { formatObject, parseObjectFormat, readText } from '../format/objects.ts';
import { type Info, infoText } from '../lists/info.ts';
import { outputOf } from '../streams/output.ts';
import { BERTH_VERSION } from '../version.ts';

export const command: Command = {
  path: 'info',
  aliases: ['system info'],
  usage: '[OPTIONS]',
  summary: 'Display system-wide information',
  flags: [formatFlag('f')],
  args: { min: 0, max: 0 },
  async run({ client, stdout, stderr }, values) {
    const format = values.string('format');
    const template = format === '' ? undefined : parseObjectFormat(format === 'json' ? '{{json .}}' : format);
    const output = outputOf(stdout);
    const own = `Client:\n Version:    ${BERTH_VERSION}\n\nServer:\n`;
    let text: string;
    try {
      text = await readText(client, '/info');
    } catch (error) {
      if (!(error instanceof ConnectError) || template !== undefined) throw error;
      await output.write(own);
      throw error;
    }
    if (template !== undefined) {
      await output.write(`${formatObject(template, text)}\n`);
      return 0;
    }
    const info = JSON.parse(text) as Info;
    await output.write(own + infoText(info));
    for (const warning of info.Warnings ?? []) await outputOf(stderr).write(`${warning}\n`);
    return 0;
  },
};

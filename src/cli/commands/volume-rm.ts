import type { Command } from '../command.ts';
import { pathOf } from '../path.ts';
import { daemonText } from '../run/report.ts';
import { outputOf } from '../streams/output.ts';

export const command: Command = {
  path: 'volume rm',
  aliases: ['volume remove'],
  usage: '[OPTIONS] VOLUME [VOLUME...]',
  summary: 'Remove one or more volumes',
  flags: [{ name: 'force', short: 'f', type: 'bool', help: 'Force the removal of one or more volumes' }],
  args: { min: 1 },
  complete: 'volume',
  async run({ client, stdout, stderr }, values, names) {
    const force = values.bool('force') ? 1 : undefined;
    let failed = 0;
    for (const name of names) {
      try {
        await client.json('DELETE', pathOf('volume', name), { query: { force } });
        await outputOf(stdout).write(`${name}\n`);
      } catch (error) {
        failed += 1;
        await outputOf(stderr).write(`${daemonText(error)}\n`);
      }
    }
    return failed === 0 ? 0 : 1;
  },
};

import { ApiError } from '../client.ts';
import type { Command } from '../command.ts';
import { daemonText } from '../run/report.ts';
import { outputOf } from '../streams/output.ts';
import { pathOf } from '../path.ts';

export const command: Command = {
  path: 'network rm',
  aliases: ['network remove'],
  usage: 'NETWORK [NETWORK...]',
  summary: 'Remove one or more networks',
  flags: [{ name: 'force', short: 'f', type: 'bool', help: 'Do not error if the network does not exist' }],
  args: { min: 1 },
  complete: 'network',
  async run({ client, stdout, stderr }, values, names) {
    let failed = 0;
    for (const name of names) {
      try {
        await client.json('DELETE', pathOf('network', name));
        await outputOf(stdout).write(`${name}\n`);
      } catch (error) {
        if (values.bool('force') && error instanceof ApiError && error.status === 404) continue;
        failed += 1;
        await outputOf(stderr).write(`${daemonText(error)}\n`);
      }
    }
    return failed === 0 ? 0 : 1;
  },
};

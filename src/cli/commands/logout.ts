import type { Command } from '../command.ts';
import { dropCredentials } from '../images/credentials.ts';
import { HUB_INDEX } from '../images/reference.ts';
import { outputOf } from '../streams/output.ts';

export const command: Command = {
  path: 'logout',
  usage: '[SERVER]',
  summary: 'Log out from a registry',
  flags: [],
  args: { min: 0, max: 1 },
  async run({ env, stdout }, _values, [server = HUB_INDEX]) {
    const dropped = dropCredentials(server, env);
    const text = dropped ? `Removing login credentials for ${server}` : `Not logged in to ${server}`;
    await outputOf(stdout).write(`${text}\n`);
    return 0;
  },
};

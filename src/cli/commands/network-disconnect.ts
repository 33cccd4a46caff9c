import type { Command } from '../command.ts';
import { pathOf } from '../path.ts';

export const command: Command = {
  path: 'network disconnect',
  usage: '[OPTIONS] NETWORK CONTAINER',
  summary: 'Disconnect a container from a network',
  flags: [{ name: 'force', short: 'f', type: 'bool', help: 'Force the container to disconnect from a network' }],
  args: { min: 2, max: 2 },
  complete: ['network', 'container'],
  async run({ client }, values, [network = '', container = '']) {
    if (container.trim() === '') throw new Error('invalid container name or ID: value is empty');
    await client.json('POST', `${pathOf('network', network)}/disconnect`, {
      body: { Container: container, Force: values.bool('force') },
    });
    return 0;
  },
};

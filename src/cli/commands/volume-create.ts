import type { Command } from '../command.ts';
import { pairs } from '../network/body.ts';
import { outputOf } from '../streams/output.ts';

export const command: Command = {
  path: 'volume create',
  usage: '[OPTIONS] [VOLUME]',
  summary: 'Create a volume',
  flags: [
    {
      name: 'driver',
      short: 'd',
      type: 'string',
      default: 'local',
      help: 'Specify volume driver name',
      complete: ['local'],
    },
    { name: 'label', type: 'list', help: 'Set metadata for a volume' },
    { name: 'name', type: 'string', help: 'Specify volume name', hidden: true },
    {
      name: 'opt',
      short: 'o',
      type: 'list',
      placeholder: 'map',
      help: 'Set driver specific options',
      complete: ['type=', 'device=', 'o='],
    },
  ],
  args: { min: 0, max: 1 },
  async run({ client, stdout }, values, [name]) {
    if (name !== undefined && values.given('name')) {
      throw new Error('conflicting options: cannot specify a volume-name through both --name and as a positional arg');
    }
    const { Name } = await client.json<{ Name: string }>('POST', '/volumes/create', {
      body: {
        Name: name ?? values.string('name'),
        Driver: values.string('driver'),
        DriverOpts: pairs(values.list('opt')),
        Labels: pairs(values.list('label')),
      },
    });
    await outputOf(stdout).write(`${Name}\n`);
    return 0;
  },
};

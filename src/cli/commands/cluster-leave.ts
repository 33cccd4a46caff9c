import type { Command } from '../command.ts';
import { writeNotes } from '../cluster/shared.ts';
import { outputOf } from '../streams/output.ts';

export const command: Command = {
  path: 'cluster leave',
  usage: '[OPTIONS]',
  summary: 'Go out of the cluster',
  flags: [
    {
      name: 'force',
      short: 'f',
      type: 'bool',
      help: 'Also when containers are cut off, when etcd does not answer, or when the cluster ends with this host',
    },
  ],
  args: { min: 0, max: 0 },
  async run(context, values) {
    const body = { Force: values.bool('force') };
    const { Notes } = await context.client.json<{ Notes: string[] }>('POST', '/berth/cluster/leave', { body });
    await outputOf(context.stdout).write('This host has left the cluster.\n');
    await writeNotes(context, Notes);
    return 0;
  },
};

import type { Command } from '../command.ts';
import { writeNotes } from '../cluster/shared.ts';
import { outputOf } from '../streams/output.ts';

export const command: Command = {
  path: 'cluster promote',
  usage: '[HOST]',
  summary: "Make a host (this one unless another is named) a voting member of the cluster's etcd",
  flags: [],
  args: { min: 0, max: 1 },
  async run(context, _values, [Host = '']) {
    const { Notes } = await context.client.json<{ Notes: string[] }>('POST', '/berth/cluster/promote', {
      body: { Host },
    });
    await outputOf(context.stdout).write(`${Host === '' ? 'This host' : Host} is a member of etcd.\n`);
    await writeNotes(context, Notes);
    return 0;
  },
};

import { writeNotes } from '../cluster/shared.ts';
import type { Command } from '../command.ts';
import { outputOf } from '../streams/output.ts';

export const command: Command = {
  path: 'cluster rm',
  usage: 'HOST',
  summary: 'Take a host that is gone for good out of etcd ("cluster leave" is for one that is there)',
  flags: [],
  args: { min: 1, max: 1 },
  async run(context, _values, [host = '']) {
    const path = `/berth/cluster/hosts/${encodeURIComponent(host)}`;
    const { Notes } = await context.client.json<{ Notes: string[] }>('DELETE', path);
    await outputOf(context.stdout).write(`${host}\n`);
    await writeNotes(context, Notes);
    return 0;
  },
};

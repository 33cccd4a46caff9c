import type { Command } from '../command.ts';
import { advertiseFlag, invitationText, type Invitation } from '../cluster/shared.ts';
import { outputOf } from '../streams/output.ts';

export const command: Command = {
  path: 'cluster init',
  usage: '[OPTIONS]',
  summary: 'Make a cluster of this host, with an etcd of its own, and print how others join it',
  flags: [advertiseFlag],
  args: { min: 0, max: 0 },
  async run({ client, stdout }, values) {
    const body = { AdvertiseAddr: values.string('advertise-addr') };
    const { Address, ...invitation } = await client.json<Invitation & { Address: string }>(
      'POST',
      '/berth/cluster/init',
      { body },
    );
    const text = `This host is the first one of a new cluster, at ${Address}.\n\n${invitationText(invitation)}`;
    await outputOf(stdout).write(text);
    return 0;
  },
};

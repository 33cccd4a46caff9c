import type { Command } from '../command.ts';
import { formatFlag } from '../format/flags.ts';
import { printer } from '../format/listing.ts';
import { formatObject, parseObjectFormat, readText } from '../format/objects.ts';
import { harmless } from '../format/text.ts';
import { type ClusterStatus, clusterText, hostListing } from '../lists/cluster.ts';
import { outputOf } from '../streams/output.ts';

export const command: Command = {
  path: 'cluster status',
  aliases: ['cluster ls'],
  usage: '[OPTIONS]',
  summary: 'Show the hosts of the cluster, the members of its etcd, and how they are',
  flags: [formatFlag('f')],
  args: { min: 0, max: 0 },
  async run({ client, stdout }, values) {
    const format = values.string('format');
    const template = format === '' ? undefined : parseObjectFormat(format === 'json' ? '{{json .}}' : format);
    const text = await readText(client, '/berth/cluster');
    const output = outputOf(stdout);
    if (template !== undefined) {
      await output.write(`${formatObject(template, text)}\n`);
      return 0;
    }
    const status = JSON.parse(text) as ClusterStatus;
    await output.write(harmless(clusterText(status)));
    if (status.Kind !== 'none') await output.write((await printer(hostListing, ''))(status.Hosts));
    return 0;
  },
};

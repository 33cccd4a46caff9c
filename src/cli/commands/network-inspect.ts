import type { Command } from '../command.ts';
import { formatFlag } from '../format/flags.ts';
import { inspectAll, readText } from '../format/objects.ts';
import { pathOf } from '../path.ts';

export const command: Command = {
  path: 'network inspect',
  usage: '[OPTIONS] NETWORK [NETWORK...]',
  summary: 'Display detailed information on one or more networks',
  flags: [formatFlag('f'), { name: 'verbose', short: 'v', type: 'bool', help: 'Verbose output for diagnostics' }],
  args: { min: 1 },
  complete: 'network',
  async run(context, values, names) {
    return inspectAll(context, names, values.string('format'), async (name) =>
      readText(context.client, pathOf('network', name), values.bool('verbose') ? { verbose: true } : {}),
    );
  },
};

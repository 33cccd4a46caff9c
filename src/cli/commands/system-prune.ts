import type { Command, Values } from '../command.ts';
import { compareNatural } from '../format/text.ts';
import { agreed, pruneAll, pruneFlags, type Prunable, totalText } from '../prune.ts';
import { outputOf } from '../streams/output.ts';

/** In this order: what the first no longer use, the others may remove. */
function steps(values: Values): [kind: Prunable, what: string][] {
  const all = values.bool('all');
  return [
    ['containers', 'all stopped containers'],
    ['networks', 'all networks not used by at least one container'],
    ...(values.bool('volumes')
      ? [['volumes', 'all anonymous volumes not used by at least one container'] satisfies [Prunable, string]]
      : []),
    ['images', all ? 'all images without at least one container associated to them' : 'all dangling images'],
    ['build', all ? 'all build cache' : 'unused build cache'],
  ];
}

function warningOf(values: Values): string {
  const list = (lines: readonly string[]): string => lines.map((line) => `  - ${line}\n`).join('');
  const filters = values.list('filter').filter((filter) => /^(label!?|until)=/.test(filter));
  const filtered =
    filters.length === 0
      ? ''
      : `\n  Items to be pruned will be filtered with:\n${list(filters.toSorted(compareNatural))}`;
  return `This will remove:\n${list(steps(values).map(([, what]) => what))}${filtered}`;
}

export const command: Command = {
  path: 'system prune',
  usage: '[OPTIONS]',
  summary: 'Remove unused data',
  flags: [
    { name: 'all', short: 'a', type: 'bool', help: 'Remove all unused images not just dangling ones' },
    { name: 'volumes', type: 'bool', help: 'Prune anonymous volumes' },
    ...pruneFlags('label=<key>=<value>'),
  ],
  args: { min: 0, max: 0 },
  async run(context, values) {
    const filters = values.list('filter');
    if (values.bool('volumes') && filters.some((filter) => filter.startsWith('until='))) {
      throw new Error('ERROR: The "until" filter is not supported with "--volumes"');
    }
    if (!(await agreed(context, values, warningOf(values)))) return 0;
    let total = 0;
    for (const [kind] of steps(values)) {
      const own = kind === 'images' ? [`dangling=${!values.bool('all')}`] : [];
      const { text, reclaimed } = await pruneAll(context.client, kind, [...filters, ...own], values.bool('all'));
      await outputOf(context.stdout).write(text);
      total += reclaimed;
    }
    await outputOf(context.stdout).write(totalText(total));
    return 0;
  },
};

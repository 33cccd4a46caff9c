/** docs/reference/cli.md, from the tables of commands and flags. */
import type { Command, Flag } from './command.ts';
import { globalFlags } from './globals.ts';
import { defaultOf, placeholderOf } from './help.ts';
import { loadAll } from './index.ts';

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '\\<').replaceAll('\n', '<br>');

function flagTable(flags: readonly Flag[]): string[] {
  const visible = flags.filter((flag) => !flag.hidden).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  if (visible.length === 0) return [];
  return [
    '| flag | value | meaning |',
    '| --- | --- | --- |',
    ...visible.map((flag) => {
      const name = `\`--${flag.name}\`${flag.short === undefined ? '' : `, \`-${flag.short}\``}`;
      return `| ${name} | ${cell(placeholderOf(flag))} | ${cell(flag.help + defaultOf(flag))} |`;
    }),
    '',
  ];
}

function section({ path, usage, summary, aliases = [], flags }: Command): string[] {
  const others = aliases.length === 0 ? [] : [`Also: ${aliases.map((name) => `\`berth ${name}\``).join(', ')}.`, ''];
  return [
    `## berth ${path}`,
    '',
    `${summary}.`,
    '',
    '```',
    `berth ${path} ${usage}`.trimEnd(),
    '```',
    '',
    ...others,
    ...flagTable(flags),
  ];
}

export async function referencePage(): Promise<string> {
  const commands = (await loadAll())
    .filter((command) => !command.hidden)
    .toSorted((a, b) => (a.path < b.path ? -1 : 1));
  return [
    '# berth',
    '',
    'Generated from the flag tables of the commands by `test/cli/reference.test.ts`; do not edit.',
    '',
    'Flags stand before or after the arguments, except for `run`, `create`, `exec` and `top`, where what follows the first',
    'argument belongs to the container. `--flag=value` and `--flag value` are the same, `-it` is `-i -t`. Wrong flags end with',
    'exit code 125, everything else that fails with 1.',
    '',
    '## Before the command',
    '',
    '```',
    'berth [OPTIONS] COMMAND',
    '```',
    '',
    ...flagTable(globalFlags),
    ...commands.flatMap(section),
  ].join('\n');
}

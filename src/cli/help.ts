/** Help texts in docker's layout, from the tables of commands and flags. Pure. */
import type { Command, Flag } from './command.ts';

/** Type as docker shows it after the flag's name; nothing for booleans. */
export function placeholderOf(flag: Flag): string {
  return flag.placeholder ?? (flag.type === 'bool' ? '' : flag.type);
}

/** ' (default "x")', nothing for false, 0 and the empty text. */
export function defaultOf({ type, default: value }: Flag): string {
  if (value === undefined || value === false || value === 0 || value === '') return '';
  return ` (default ${type === 'string' ? JSON.stringify(value) : String(value)})`;
}

/** Breaks lines at blanks so that none is longer than `width` where that can be. */
function wrap(text: string, width: number): string[] {
  return text.split('\n').flatMap((line) => {
    const lines: string[] = [];
    let left = line;
    while (left.length > width) {
      let at = left.lastIndexOf(' ', width);
      if (at <= 0) at = left.indexOf(' ');
      if (at < 0) break;
      lines.push(left.slice(0, at).trimEnd());
      left = left.slice(at + 1);
    }
    return [...lines, left];
  });
}

/** Below this there is no room for a column of explanations. */
const NARROW = 24;

export function flagLines(flags: readonly Flag[], columns: number): string {
  const visible = flags.filter((flag) => !flag.hidden).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const heads = visible.map((flag) => {
    const short = flag.short === undefined ? '    ' : `-${flag.short}, `;
    return `  ${short}--${flag.name} ${placeholderOf(flag)}`.trimEnd();
  });
  const indent = Math.max(...heads.map((head) => head.length)) + 3;
  const room = columns - indent < NARROW ? Infinity : columns - indent;
  return visible
    .map((flag, index) => {
      const text = wrap(flag.help + defaultOf(flag), room).join(`\n${' '.repeat(indent)}`);
      return `${(heads[index] ?? '').padEnd(indent)}${text}\n`;
    })
    .join('');
}

/** `name` is the one of the command's names that was typed. */
export function commandHelp(command: Command, name: string, columns: number): string {
  const { path, usage, summary, aliases = [], flags } = command;
  const parts = [`Usage:  berth ${name} ${usage}`.trimEnd(), '', summary];
  if (aliases.length > 0)
    parts.push('', 'Aliases:', `  ${[path, ...aliases].map((each) => `berth ${each}`).join(', ')}`);
  if (flags.some((flag) => !flag.hidden)) parts.push('', 'Options:', flagLines(flags, columns).trimEnd());
  return `${parts.join('\n')}\n`;
}

export interface Listed {
  name: string;
  summary: string;
}

const rows = (list: readonly Listed[], width: number): string =>
  list.map(({ name, summary }) => `  ${name.padEnd(width)}${summary}`).join('\n');

const widthOf = (list: readonly Listed[]): number => Math.max(0, ...list.map(({ name }) => name.length)) + 3;

export function groupHelp(name: string, summary: string, commands: readonly Listed[]): string {
  const list = rows(commands, widthOf(commands));
  return `Usage:  berth ${name} COMMAND

${summary}

Commands:
${list}

Run 'berth ${name} COMMAND --help' for more information on a command.
`;
}

export interface Overview {
  common: readonly Listed[];
  groups: readonly Listed[];
  commands: readonly Listed[];
}

export function overviewHelp(
  { common, groups, commands }: Overview,
  globals: readonly Flag[],
  columns: number,
): string {
  const width = widthOf([...common, ...groups, ...commands]);
  return `Usage:  berth [OPTIONS] COMMAND

Container networking for Linux, and the containers on it

Common Commands:
${rows(common, width)}

Management Commands:
${rows(groups, width)}

Commands:
${rows(commands, width)}

Global Options:
${flagLines(globals, columns)}
Run 'berth COMMAND --help' for more information on a command.
`;
}

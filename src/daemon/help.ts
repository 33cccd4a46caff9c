/** `berthd --help`, and the same table as a page of the reference. Pure. */
import { daemonFlags, keyOf } from './flags.ts';
import type { DaemonFlag } from './flags.ts';

const placeholders: Partial<Record<DaemonFlag['type'], string>> = { bool: '' };
const placeholderOf = (flag: DaemonFlag): string => flag.placeholder ?? placeholders[flag.type] ?? flag.type;

/** As pflag says it: nothing for false, 0 and the empty text; texts in quotes. */
function defaultOf(flag: DaemonFlag): string {
  if (flag.default === undefined || flag.default === false || flag.default === 0) return '';
  const quoted = typeof flag.default === 'string' && flag.type === 'string';
  return ` (default ${quoted ? JSON.stringify(flag.default) : String(flag.default)})`;
}

export function helpText(): string {
  const rows = daemonFlags
    .filter((flag) => !flag.hidden)
    .map((flag) => {
      const short = flag.short ? `-${flag.short}, ` : '    ';
      const left = `  ${short}--${flag.name} ${placeholderOf(flag)}`.trimEnd();
      const ignored = flag.ignored === undefined ? '' : ' (accepted, without effect)';
      return [left, flag.help + defaultOf(flag) + ignored] as const;
    });
  const width = Math.max(...rows.map(([left]) => left.length)) + 3;
  const options = rows.map(([left, right]) => left.padEnd(width) + right).join('\n');
  return `Usage:  berthd [OPTIONS]\n\nContainer networking, and the containers on it.\n\nOptions:\n${options}\n`;
}

/** docs/reference/berthd.md */
export function referencePage(): string {
  const cell = (text: string): string => text.replaceAll('|', '\\|');
  const row = (flag: DaemonFlag): string => {
    const name = `\`--${flag.name}\`${flag.short ? `, \`-${flag.short}\`` : ''}`;
    const key = keyOf(flag);
    const effect = flag.ignored === undefined ? '' : `. *Accepted, without effect: Berth has no ${flag.ignored}.*`;
    return `| ${name} | ${key === undefined ? '' : `\`${key}\``} | ${cell(flag.help + defaultOf(flag) + effect)} |`;
  };
  return [
    '# berthd',
    '',
    'Generated from the flag table of berthd by `test/daemon/reference.test.ts`; do not edit.',
    '',
    'A setting stands on the command line or in `daemon.json` (`--config-file`), never in both.',
    '`berthd --validate` checks both and starts nothing. SIGHUP reads `debug`, `log-level` and `labels` again.',
    '',
    '| flag | key in daemon.json | meaning |',
    '| --- | --- | --- |',
    ...daemonFlags.map(row),
    '',
  ].join('\n');
}

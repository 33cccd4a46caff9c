/** For unit tests: flags of `run` as Values, from argv in long form or with single short flags. */
import type { Values } from '../command.ts';
import { runFlags } from './flags.ts';

export function runValues(argv: readonly string[]): { values: Values; args: readonly string[] } {
  const found = new Map<string, string[]>();
  let at = 0;
  for (; argv[at]?.startsWith('-') === true; at++) {
    const word = argv[at] ?? '';
    const [name = '', inline] = word.startsWith('--')
      ? (/^--([^=]+)(?:=(.*))?$/s.exec(word)?.slice(1) ?? [])
      : [word.slice(1)];
    const flag = runFlags.find((flag) => (word.startsWith('--') ? flag.name === name : flag.short === name));
    if (flag === undefined) throw new Error(`unknown flag: ${word}`);
    const value = inline ?? (flag.type === 'bool' ? 'true' : (argv[(at += 1)] ?? ''));
    found.set(flag.name, [...(found.get(flag.name) ?? []), value]);
  }
  const defaultOf = (name: string): string => String(runFlags.find((flag) => flag.name === name)?.default ?? '');
  const last = (name: string): string => found.get(name)?.at(-1) ?? defaultOf(name);
  return {
    values: {
      given: (name) => found.has(name),
      bool: (name) => last(name) === 'true',
      string: last,
      int: (name) => Number(last(name) || 0),
      list: (name) => found.get(name) ?? [],
    },
    args: argv.slice(at),
  };
}

/** berthd's command line, read as dockerd (pflag) reads it. Pure. */
import { invalidParameter } from '../errors.ts';
import { daemonFlags, isRepeatable } from './flags.ts';
import type { DaemonFlag } from './flags.ts';

/** A flag's value; of repeatable flags the texts in their order. */
export type FlagValue = boolean | number | string | readonly string[];
export type FlagValues = ReadonlyMap<string, FlagValue>;

const byName = new Map(daemonFlags.map((flag) => [flag.name, flag]));
const byShort = new Map(daemonFlags.flatMap((flag) => (flag.short ? [[flag.short, flag] as const] : [])));
const help = "See 'berthd --help'.";

/** Only what was given. Throws InvalidParameter with pflag's texts. */
export function parseArgv(argv: readonly string[]): FlagValues {
  const given = new Map<string, FlagValue>();
  const rest = [...argv];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--' || !word.startsWith('-') || word === '-') {
      const extra = word === '--' ? rest.shift() : word;
      if (extra === undefined) break;
      throw invalidParameter(`"berthd" accepts no arguments, but was given "${extra}".\n${help}`);
    }
    if (word.startsWith('--')) long(word, rest, given);
    else short(word, rest, given);
  }
  return given;
}

function long(word: string, rest: string[], given: Map<string, FlagValue>): void {
  const equals = word.indexOf('=');
  const name = word.slice(2, equals < 0 ? undefined : equals);
  const flag = byName.get(name);
  if (!flag) throw invalidParameter(`unknown flag: --${name}\n${help}`);
  if (equals >= 0) return set(flag, `--${name}`, word.slice(equals + 1), given);
  if (flag.type === 'bool') return set(flag, `--${name}`, 'true', given);
  const value = rest.shift();
  if (value === undefined) throw invalidParameter(`flag needs an argument: --${name}\n${help}`);
  set(flag, `--${name}`, value, given);
}

/** '-D', '-DH unix:///x', '-l=debug', '-ldebug'. */
function short(word: string, rest: string[], given: Map<string, FlagValue>): void {
  for (let letters = word.slice(1); letters !== '';) {
    const letter = letters.slice(0, 1);
    const flag = byShort.get(letter);
    if (!flag) throw invalidParameter(`unknown shorthand flag: '${letter}' in ${word}\n${help}`);
    const label = `-${letter}, --${flag.name}`;
    letters = letters.slice(1);
    if (letters.startsWith('=')) return set(flag, label, letters.slice(1), given);
    if (flag.type === 'bool') {
      set(flag, label, 'true', given);
      continue;
    }
    const value = letters === '' ? rest.shift() : letters;
    if (value === undefined) throw invalidParameter(`flag needs an argument: '${letter}' in ${word}\n${help}`);
    return set(flag, label, value, given);
  }
}

function set(flag: DaemonFlag, label: string, text: string, given: Map<string, FlagValue>): void {
  const refuse = (reason: string): never => {
    throw invalidParameter(`invalid argument "${text}" for "${label}" flag: ${reason}\n${help}`);
  };
  if (isRepeatable(flag.type)) {
    const before = given.get(flag.name);
    given.set(flag.name, [...(Array.isArray(before) ? (before as string[]) : []), text]);
  } else if (flag.type === 'bool') {
    if (/^(1|t|T|true|TRUE|True)$/.test(text)) given.set(flag.name, true);
    else if (/^(0|f|F|false|FALSE|False)$/.test(text)) given.set(flag.name, false);
    else refuse(`strconv.ParseBool: parsing "${text}": invalid syntax`);
  } else if (flag.type === 'int') {
    if (!/^[+-]?\d{1,15}$/.test(text)) refuse(`strconv.ParseInt: parsing "${text}": invalid syntax`);
    given.set(flag.name, Number(text));
  } else {
    given.set(flag.name, text);
  }
}

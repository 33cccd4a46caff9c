/** argv → Values, as pflag reads it and in its words. Pure. */
import type { Flag, Values } from './command.ts';
import { closest } from './suggest.ts';

/** Something is wrong with a flag; the text is pflag's. */
export class FlagError extends Error {}

export interface Parsed {
  values: Values;
  args: readonly string[];
  /** --help was among the flags; nothing after it was looked at. */
  help: boolean;
}

const TRUE = ['1', 't', 'T', 'true', 'TRUE', 'True'];
const FALSE = ['0', 'f', 'F', 'false', 'FALSE', 'False'];

/** What pflag prints for a flag: '-n, --name'. */
export const spelling = ({ name, short }: Flag): string => (short === undefined ? `--${name}` : `-${short}, --${name}`);

/** Go's ParseInt with base 0: decimal, 0x, 0o, 0b and a leading 0 for octal. */
function parseInteger(text: string): number {
  const [, sign = '', digits = ''] = /^([+-]?)(.*)$/s.exec(text) ?? [];
  const octal = /^0[0-7]+$/.test(digits);
  if (!/^(\d+|0x[\da-f]+|0o[0-7]+|0b[01]+)$/i.test(digits) || (/^0\d/.test(digits) && !octal)) {
    throw new Error(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  }
  const value = Number(octal ? `0o${digits}` : digits) * (sign === '-' ? -1 : 1);
  if (!Number.isSafeInteger(value)) {
    throw new Error(`strconv.ParseInt: parsing ${JSON.stringify(text)}: value out of range`);
  }
  return value;
}

function parseBoolean(text: string): boolean {
  if (TRUE.includes(text)) return true;
  if (FALSE.includes(text)) return false;
  throw new Error(`strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`);
}

class Given implements Values {
  readonly #flags: ReadonlyMap<string, Flag>;
  readonly #values = new Map<string, string | number | boolean | string[]>();

  constructor(flags: ReadonlyMap<string, Flag>) {
    this.#flags = flags;
  }

  set(flag: Flag, text: string): void {
    try {
      flag.check?.(text);
      if (flag.type === 'bool') this.#values.set(flag.name, parseBoolean(text));
      else if (flag.type === 'int') this.#values.set(flag.name, parseInteger(text));
      else if (flag.type === 'list') this.#values.set(flag.name, [...this.list(flag.name), text]);
      else this.#values.set(flag.name, text);
    } catch (error) {
      throw new FlagError(
        `invalid argument ${JSON.stringify(text)} for "${spelling(flag)}" flag: ${(error as Error).message}`,
        { cause: error },
      );
    }
  }

  /** Asking for a flag that the table lacks is a mistake of the program, not of its user. */
  #value(name: string): string | number | boolean | string[] | undefined {
    const flag = this.#flags.get(name);
    if (flag === undefined) throw new TypeError(`there is no flag --${name}`);
    return this.#values.get(name) ?? flag.default;
  }

  given(name: string): boolean {
    return this.#values.has(name);
  }
  bool(name: string): boolean {
    return this.#value(name) === true;
  }
  string(name: string): string {
    return String(this.#value(name) ?? '');
  }
  int(name: string): number {
    return Number(this.#value(name) ?? 0);
  }
  list(name: string): readonly string[] {
    const value = this.#value(name);
    return Array.isArray(value) ? value : [];
  }
}

/** Flags of `flags` and --help; `interspersed` false stops at the first argument. Throws FlagError. */
export function parseFlags(flags: readonly Flag[], argv: readonly string[], interspersed = true): Parsed {
  const byName = new Map(flags.map((flag) => [flag.name, flag]));
  const byShort = new Map(flags.flatMap((flag) => (flag.short === undefined ? [] : [[flag.short, flag] as const])));
  const values = new Given(byName);
  const args: string[] = [];
  const rest = [...argv];

  /** Returns true for --help. */
  const long = (word: string): boolean => {
    const equals = word.indexOf('=');
    const name = word.slice(2, equals < 0 ? undefined : equals);
    const inline = equals < 0 ? undefined : word.slice(equals + 1);
    if (name === '' || name.startsWith('-')) throw new FlagError(`bad flag syntax: ${word}`);
    const flag = byName.get(name);
    if (flag === undefined) {
      if (name === 'help') return true;
      const visible = flags.filter((flag) => !flag.hidden).map((flag) => flag.name);
      const near = closest(name, visible);
      throw new FlagError(`unknown flag: --${name}${near === undefined ? '' : `; did you mean --${near}?`}`);
    }
    const value = inline ?? (flag.type === 'bool' ? 'true' : rest.shift());
    if (value === undefined) throw new FlagError(`flag needs an argument: --${name}`);
    values.set(flag, value);
    return false;
  };

  /** '-it', '-p80', '-p=80', '-p 80', '-t=false'. Returns true for the -h of --help. */
  const short = (word: string): boolean => {
    for (let letters = Array.from(word.slice(1)); letters.length > 0;) {
      const shown = `-${letters.join('')}`;
      const [letter = '', ...after] = letters;
      const flag = byShort.get(letter);
      if (flag === undefined) {
        if (letter === 'h') return true;
        throw new FlagError(`unknown shorthand flag: ${JSON.stringify(letter).replaceAll('"', "'")} in ${shown}`);
      }
      if (after[0] === '=') {
        values.set(flag, after.slice(1).join(''));
        return false;
      }
      if (flag.type === 'bool') {
        values.set(flag, 'true');
        letters = after;
        continue;
      }
      const value = after.length > 0 ? after.join('') : rest.shift();
      if (value === undefined) throw new FlagError(`flag needs an argument: '${letter}' in ${shown}`);
      values.set(flag, value);
      return false;
    }
    return false;
  };

  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--') {
      args.push(...rest);
      break;
    }
    if (!word.startsWith('-') || word === '-') {
      args.push(word);
      if (interspersed) continue;
      args.push(...rest);
      break;
    }
    if (word.startsWith('--') ? long(word) : short(word)) return { values, args, help: true };
  }
  return { values, args, help: false };
}

/** Undefined when the number of arguments is right, else docker's words for what it should be. */
export function wrongCount(given: number, { min, max }: { min: number; max?: number }): string | undefined {
  if (given >= min && (max === undefined || given <= max)) return undefined;
  const plural = (count: number): string => `${count} argument${count === 1 ? '' : 's'}`;
  if (max === 0) return 'accepts no arguments';
  if (min === max) return `requires ${plural(min)}`;
  if (max === undefined) return `requires at least ${plural(min)}`;
  if (min === 0) return `requires at most ${plural(max)}`;
  return `requires at least ${min} and at most ${plural(max)}`;
}

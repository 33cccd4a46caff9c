/** Go's fmt.Sprintf, Sprint and Sprintln for the values of templates. Pure. Source: https://pkg.go.dev/fmt */
import { floatText, isList, kindOf, pairsOf, plainText, typeOf, type Value } from './values.ts';

interface Spec {
  flags: string;
  width: number | undefined;
  precision: number | undefined;
}

/** Wider than any terminal; a template must not be able to ask for gigabytes of blanks. */
const WIDEST = 1_000_000;

const runes = (text: string): number => Array.from(text).length;

function pad(text: string, { flags, width = 0 }: Spec, zeros = false): string {
  const missing = width - runes(text);
  if (missing <= 0) return text;
  if (flags.includes('-')) return text + ' '.repeat(missing);
  if (!zeros || !flags.includes('0')) return ' '.repeat(missing) + text;
  const sign = /^[+\- ]/.exec(text)?.[0] ?? '';
  return sign + '0'.repeat(missing) + text.slice(sign.length);
}

const signed = (text: string, { flags }: Spec): string => {
  if (text.startsWith('-')) return text;
  if (flags.includes('+')) return `+${text}`;
  return flags.includes(' ') ? ` ${text}` : text;
};

const QUOTED: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
};

/** strconv.Quote. */
export function goQuote(text: string, mark = '"'): string {
  let out = mark;
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0;
    if (char === mark) out += `\\${char}`;
    else if (QUOTED[char] !== undefined) out += QUOTED[char];
    else if (code < 0x20 || code === 0x7f) out += `\\x${code.toString(16).padStart(2, '0')}`;
    else if (/[\p{C}\p{Zl}\p{Zp}]/u.test(char)) {
      out += code > 0xffff ? `\\U${code.toString(16).padStart(8, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
    } else out += char;
  }
  return out + mark;
}

const BASES: Readonly<Record<string, [base: number, prefix: string]>> = {
  d: [10, ''],
  b: [2, '0b'],
  o: [8, '0'],
  O: [8, '0o'],
  x: [16, '0x'],
  X: [16, '0X'],
};

function integer(value: bigint, verb: string, spec: Spec): string | undefined {
  if (verb === 'c' || verb === 'q' || verb === 'U') {
    const code = value >= 0n && value <= 0x10ffffn ? Number(value) : 0xfffd;
    if (verb === 'U') return pad(`U+${code.toString(16).toUpperCase().padStart(4, '0')}`, spec);
    const char = String.fromCodePoint(code);
    return pad(verb === 'c' ? char : goQuote(char, "'"), spec);
  }
  const base = BASES[verb === 'v' ? 'd' : verb];
  if (base === undefined) return undefined;
  const negative = value < 0n;
  let digits = (negative ? -value : value).toString(base[0]).padStart(spec.precision ?? 0, '0');
  if (verb === 'X') digits = digits.toUpperCase();
  if (spec.flags.includes('#') || verb === 'O') digits = base[1] + digits;
  return pad(signed(negative ? `-${digits}` : digits, spec), spec, spec.precision === undefined);
}

const exponent = (text: string): string => text.replace(/e([+-])(\d)$/, 'e$10$2');

function float(value: number, verb: string, spec: Spec): string | undefined {
  let text: string;
  const { precision } = spec;
  switch (verb.toLowerCase()) {
    case 'v':
      text = floatText(value);
      break;
    case 'g':
      if (precision === undefined) text = floatText(value);
      else {
        const exact = value.toPrecision(Math.min(Math.max(precision, 1), 100));
        text = exponent(exact.includes('.') ? exact.replace(/\.?0+(?=e|$)/, '') : exact);
      }
      break;
    case 'f':
      text = Math.abs(value) < 1e21 ? value.toFixed(Math.min(precision ?? 6, 100)) : BigInt(value).toString();
      break;
    case 'e':
      text = exponent(value.toExponential(Math.min(precision ?? 6, 100)));
      break;
    default:
      return undefined;
  }
  return pad(signed(verb === 'G' || verb === 'E' ? text.toUpperCase() : text, spec), spec, true);
}

function string(text: string, verb: string, spec: Spec): string | undefined {
  const cut = spec.precision === undefined ? text : Array.from(text).slice(0, spec.precision).join('');
  switch (verb) {
    case 'v':
    case 's':
      return pad(spec.flags.includes('#') && verb === 'v' ? goQuote(cut) : cut, spec);
    case 'q':
      return pad(goQuote(cut), spec);
    case 'x':
    case 'X': {
      const hex = [...new TextEncoder().encode(cut)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
      return pad(verb === 'X' ? hex.toUpperCase() : hex, spec);
    }
    default:
      return undefined;
  }
}

const wrong = (verb: string, value: Value): string => {
  const kind = kindOf(value);
  if (kind === 'nil' || kind === 'invalid') return `%!${verb}(<nil>)`;
  return `%!${verb}(${typeOf(value)}=${plainText(value)})`;
};

function one(verb: string, value: Value, spec: Spec): string {
  const kind = kindOf(value);
  if (verb === 'T') return pad(typeOf(value), spec);
  let text: string | undefined;
  switch (kind) {
    case 'invalid':
    case 'nil':
      text = verb === 'v' ? pad('<nil>', spec) : undefined;
      break;
    case 'bool':
      text = verb === 'v' || verb === 't' ? pad(plainText(value), spec) : undefined;
      break;
    case 'int':
      text =
        'eEfFgG'.includes(verb) && typeof value === 'number'
          ? wrong(verb, value)
          : integer(BigInt(value as number | bigint), verb, spec);
      break;
    case 'float':
      text = float(value as number, verb, spec);
      break;
    case 'string':
      text = string(value as string, verb, spec);
      break;
    case 'list':
      text = isList(value) ? `[${value.map((each) => one(verb, each, spec)).join(' ')}]` : undefined;
      break;
    case 'map':
      text = `map[${pairsOf(value)
        .map(([key, each]) => `${one(verb, key, spec)}:${one(verb, each, spec)}`)
        .join(' ')}]`;
      break;
    case 'struct':
      text = plainText(value);
      break;
  }
  return text ?? wrong(verb, value);
}

const DIRECTIVE = /%([+\-# 0]*)(\*|\d+)?(?:\.(\*|\d+)?)?(?:\[(\d+)\])?([\s\S])?/gu;

export function sprintf(format: string, args: readonly Value[]): string {
  let at = 0;
  /** Who takes arguments by number may leave some out. */
  let chosen = false;
  const out = format.replace(
    DIRECTIVE,
    (whole: string, flags: string, width?: string, precision?: string, place?: string, verb?: string) => {
      if (verb === undefined) return '%!(NOVERB)';
      if (verb === '%') return '%';
      const number = (text: string | undefined): number | undefined => {
        if (text === undefined) return undefined;
        const value = text === '*' ? args[at++] : Number(text);
        return typeof value === 'number' && Number.isInteger(value) && Math.abs(value) <= WIDEST ? value : undefined;
      };
      const spec: Spec = { flags, width: number(width), precision: number(precision) };
      if (spec.precision === undefined && /\.[^\d*]?$/.test(whole)) spec.precision = 0;
      if (spec.width !== undefined && spec.width < 0) {
        spec.flags += '-';
        spec.width = -spec.width;
      }
      if (spec.precision !== undefined && spec.precision < 0) spec.precision = undefined;
      if (place !== undefined) {
        at = Number(place) - 1;
        chosen = true;
        if (at < 0 || at >= args.length) return `%!${verb}(BADINDEX)`;
      }
      if (at >= args.length) return `%!${verb}(MISSING)`;
      return one(verb, args[at++], spec);
    },
  );
  if (chosen || at >= args.length) return out;
  const extra = args.slice(at).map((value) => {
    const kind = kindOf(value);
    return kind === 'nil' || kind === 'invalid' ? '<nil>' : `${typeOf(value)}=${plainText(value)}`;
  });
  return `${out}%!(EXTRA ${extra.join(', ')})`;
}

/** Blanks between operands of which neither is a text. */
export function sprint(args: readonly Value[]): string {
  let out = '';
  for (const [index, value] of args.entries()) {
    const blank = index > 0 && typeof value !== 'string' && typeof args[index - 1] !== 'string';
    out += (blank ? ' ' : '') + plainText(value);
  }
  return out;
}

export const sprintln = (args: readonly Value[]): string => `${args.map(plainText).join(' ')}\n`;

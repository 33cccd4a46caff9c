/** The functions of templates: those of text/template, and docker's. Pure. */
import { sprint, sprintf, sprintln } from './printf.ts';
import {
  isList,
  isTrue,
  jsonText,
  type Kind,
  kindOf,
  lookUp,
  pairsOf,
  plainText,
  typeOf,
  type Value,
} from './values.ts';

export interface TemplateFunction {
  /** 'string', 'int' or anything; checked before the call. */
  params: readonly ('string' | 'int' | 'list' | 'any')[];
  /** The last of `params` may be repeated, or left out. */
  variadic?: boolean;
  /** An Error says what the function does not like. */
  call(...args: Value[]): Value;
}

const text = (value: Value): string => (typeof value === 'string' ? value : plainText(value));

const comparable = (kind: Kind): Kind => (kind === 'float' ? 'int' : kind);

function equal(a: Value, b: Value): boolean {
  const [left, right] = [comparable(kindOf(a)), comparable(kindOf(b))];
  const missing = (kind: Kind): boolean => kind === 'nil' || kind === 'invalid';
  if (missing(left) || missing(right)) return missing(left) && missing(right);
  if (left !== right) throw new Error('incompatible types for comparison');
  if (left === 'list' || left === 'map' || left === 'struct') {
    throw new Error(`non-comparable type ${plainText(a)}: ${typeOf(a)}`);
  }
  // A double equals a bigint of the same value.
  return left === 'int' ? a == b : a === b;
}

function less(a: Value, b: Value): boolean {
  const [left, right] = [comparable(kindOf(a)), comparable(kindOf(b))];
  if (left !== right) throw new Error('incompatible types for comparison');
  if (left === 'int') return (a as number | bigint) < (b as number | bigint);
  if (left !== 'string') throw new Error('invalid type for comparison');
  return (a as string) < (b as string);
}

const compare = (call: (a: Value, b: Value) => boolean): TemplateFunction => ({
  params: ['any', 'any'],
  call: (a, b) => call(a, b),
});

const bytes = (value: string): Uint8Array => new TextEncoder().encode(value);

function position(index: Value, length: number): number {
  if (index === null || index === undefined) throw new Error('cannot index slice/array with nil');
  if (kindOf(index) !== 'int') throw new Error(`cannot index slice/array with type ${typeOf(index)}`);
  const at = Number(index);
  if (at < 0 || at > length) throw new Error(`index out of range: ${at}`);
  return at;
}

/** What a map of only texts gives for a key that it lacks: its zero value. */
const zeroOf = (map: Value): Value => (pairsOf(map).every(([, value]) => typeof value === 'string') ? '' : undefined);

function index(value: Value, ...keys: Value[]): Value {
  if (value === null || value === undefined) throw new Error('index of untyped nil');
  let at: Value = value;
  for (const key of keys) {
    if (at === null || at === undefined) throw new Error('index of nil pointer');
    if (isList(at) || typeof at === 'string') {
      const items: ArrayLike<Value> = isList(at) ? at : bytes(at);
      const place = position(key, items.length);
      if (place >= items.length) throw new Error(`index out of range: ${place}`);
      at = items[place];
    } else if (kindOf(at) === 'map') {
      if (typeof key !== 'string') throw new Error(`value has type ${typeOf(key)}; should be string`);
      const map: Value = at;
      at = lookUp(map, key) ?? (lookUp(map, key) === null ? null : zeroOf(map));
    } else {
      throw new Error(`can't index item of type ${typeOf(at)}`);
    }
  }
  return at;
}

function slice(value: Value, ...places: Value[]): Value {
  if (value === null || value === undefined) throw new Error('slice of untyped nil');
  if (places.length > 3) throw new Error(`too many slice indexes: ${places.length}`);
  if (typeof value !== 'string' && !isList(value)) throw new Error(`can't slice item of type ${typeOf(value)}`);
  if (typeof value === 'string' && places.length === 3) throw new Error('cannot 3-index slice a string');
  const items = typeof value === 'string' ? bytes(value) : value;
  const [from = 0, to = items.length] = places.map((place) => position(place, items.length));
  if (from > to) throw new Error(`invalid slice index: ${from} > ${to}`);
  const part = items.slice(from, to);
  return part instanceof Uint8Array ? new TextDecoder().decode(part) : part;
}

function length(value: Value): number {
  if (typeof value === 'string') return bytes(value).length;
  if (isList(value)) return value.length;
  if (value === null || value === undefined) throw new Error('len of nil pointer');
  if (kindOf(value) === 'map') return pairsOf(value).length;
  throw new Error(`len of type ${typeOf(value)}`);
}

const HTML: Readonly<Record<string, string>> = {
  '\0': '\uFFFD',
  '"': '&#34;',
  "'": '&#39;',
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
};
const escapeHtml = (value: string): string => value.replace(/[\0"'&<>]/g, (char) => HTML[char] ?? char);

const JS: Readonly<Record<string, string>> = { '\\': '\\\\', "'": "\\'", '"': '\\"' };
const escapeJs = (value: string): string =>
  value.replace(/[\\'"<>&=\p{C}]/gu, (char) => {
    const code = (char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
    return JS[char] ?? `\\u${code}`;
  });

const escapeQuery = (value: string): string =>
  encodeURIComponent(value.toWellFormed())
    .replaceAll('%20', '+')
    .replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);

/** More blanks than this no line of a terminal has. */
const WIDEST_PAD = 10_000;

const blanks = (count: Value): string => {
  const number = Number(count);
  if (number < 0) throw new Error('negative Repeat count');
  return ' '.repeat(Math.min(number, WIDEST_PAD));
};

const onText = (call: (value: string) => string): TemplateFunction => ({
  params: ['string'],
  call: (value) => call(value as string),
});
const onAll = (call: (args: Value[]) => Value): TemplateFunction => ({
  params: ['any'],
  variadic: true,
  call: (...args) => call(args),
});

/** `and` and `or` are in the evaluator, because they do not look at all of their arguments. */
export const functions: ReadonlyMap<string, TemplateFunction> = new Map(
  Object.entries<TemplateFunction>({
    not: { params: ['any'], call: (value) => !isTrue(value) },
    eq: {
      params: ['any', 'any'],
      variadic: true,
      call: (value, ...others) => {
        if (others.length === 0) throw new Error('missing argument for comparison');
        return others.some((other) => equal(value, other));
      },
    },
    ne: compare((a, b) => !equal(a, b)),
    lt: compare(less),
    le: compare((a, b) => less(a, b) || equal(a, b)),
    gt: compare((a, b) => !less(a, b) && !equal(a, b)),
    ge: compare((a, b) => !less(a, b)),
    len: { params: ['any'], call: length },
    index: { params: ['any', 'any'], variadic: true, call: index },
    slice: { params: ['any', 'any'], variadic: true, call: slice },
    print: onAll(sprint),
    println: onAll(sprintln),
    printf: {
      params: ['string', 'any'],
      variadic: true,
      call: (format, ...args) => sprintf(format as string, args),
    },
    html: onAll((args) => escapeHtml(sprint(args))),
    js: onAll((args) => escapeJs(sprint(args))),
    urlquery: onAll((args) => escapeQuery(sprint(args))),
    json: { params: ['any'], call: jsonText },
    split: { params: ['string', 'string'], call: (value, by) => (value as string).split(by as string) },
    join: {
      params: ['list', 'string'],
      call: (list, by) => ((list ?? []) as readonly Value[]).map(text).join(by as string),
    },
    title: onText((value) =>
      value.replace(
        /(^|[^\p{L}\p{N}_])(\p{L})/gu,
        (_, before: string, letter: string) => before + letter.toUpperCase(),
      ),
    ),
    lower: onText((value) => value.toLowerCase()),
    upper: onText((value) => value.toUpperCase()),
    pad: {
      params: ['string', 'int', 'int'],
      call: (value, before, after) => (value === '' ? '' : blanks(before) + text(value) + blanks(after)),
    },
    truncate: {
      params: ['string', 'int'],
      call: (value, count) => (value as string).slice(0, Math.max(Number(count), 0)),
    },
  }),
);

/** Docker's functions as the row of headers sees them: a header is a text, whatever its column holds. */
export const headerFunctions: ReadonlyMap<string, TemplateFunction> = new Map(
  ['json', 'split', 'join', 'title', 'lower', 'upper', 'pad', 'truncate'].map((name) => [
    name,
    { params: ['any', 'any'], variadic: true, call: (value: Value) => value },
  ]),
);

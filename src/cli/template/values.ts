/** What a template works on, and how Go would print it. Pure. */
import { quote } from './error.ts';

export type Value =
  /** No value at all: a key that a map lacks. */
  | undefined
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly Value[]
  /** A JSON object: asking for a field that it lacks is an error. */
  | { readonly [name: string]: Value }
  /** A map in Go's sense: a key that it lacks has no value. */
  | ReadonlyMap<string, Value>
  | Struct;

export type Method = (...args: Value[]) => Value;

/** A row of a list: its fields are worked out when they are asked for. */
export class Struct {
  /** As errors name it: '*formatter.ContainerContext'. */
  readonly type: string;
  readonly fields: Readonly<Record<string, () => Value>>;
  /** Fields with arguments: {{.Label "x"}}. */
  readonly methods: Readonly<Record<string, Method>>;
  /** What {{json .}} gives when that is not simply the fields. */
  readonly json: string | undefined;
  constructor(type: string, fields: Struct['fields'], methods: Struct['methods'] = {}, json?: string) {
    this.type = type;
    this.json = json;
    this.fields = fields;
    this.methods = methods;
  }
}

export type Kind = 'invalid' | 'nil' | 'bool' | 'int' | 'float' | 'string' | 'list' | 'map' | 'struct';

export const isMap = (value: Value): value is ReadonlyMap<string, Value> => value instanceof Map;
export const isList = (value: Value): value is readonly Value[] => Array.isArray(value);

export function kindOf(value: Value): Kind {
  if (value === undefined) return 'invalid';
  if (value === null) return 'nil';
  switch (typeof value) {
    case 'boolean':
      return 'bool';
    case 'bigint':
      return 'int';
    case 'number':
      return Number.isInteger(value) ? 'int' : 'float';
    case 'string':
      return 'string';
    default:
      if (isList(value)) return 'list';
      return value instanceof Struct ? 'struct' : 'map';
  }
}

const GO_TYPES: Readonly<Record<Kind, string>> = {
  invalid: '<nil>',
  nil: '<nil>',
  bool: 'bool',
  int: 'int',
  float: 'float64',
  string: 'string',
  list: '[]interface {}',
  map: 'map[string]interface {}',
  struct: 'struct',
};

/** The type's name as Go prints it. */
export const typeOf = (value: Value): string => (value instanceof Struct ? value.type : GO_TYPES[kindOf(value)]);

/** Pairs of a map or JSON object, sorted by key as Go iterates over them in templates. */
export function pairsOf(value: Value): [string, Value][] {
  const pairs = isMap(value) ? [...value] : Object.entries(value as object as Record<string, Value>);
  return pairs.toSorted(([a], [b]) => (a < b ? -1 : 1));
}

export function lookUp(value: Value, key: string): Value {
  if (isMap(value)) return value.get(key);
  return Object.hasOwn(value as object, key) ? (value as Record<string, Value>)[key] : undefined;
}

export function isTrue(value: Value): boolean {
  switch (kindOf(value)) {
    case 'list':
      return (value as readonly Value[]).length > 0;
    case 'map':
      return pairsOf(value).length > 0;
    default:
      return Boolean(value);
  }
}

/** Go's %v of a float: the shortest text that reads back, with an exponent from 1e21 on and below 1e-4. */
export function floatText(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e21 || size < 1e-4)) {
    return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
  }
  return String(value);
}

/** Go's %v inside other values, where a nil is '<nil>'. */
export function plainText(value: Value): string {
  switch (kindOf(value)) {
    case 'invalid':
    case 'nil':
      return '<nil>';
    case 'float':
      return floatText(value as number);
    case 'list':
      return `[${(value as readonly Value[]).map(plainText).join(' ')}]`;
    case 'map':
      return `map[${pairsOf(value)
        .map(([key, each]) => `${key}:${plainText(each)}`)
        .join(' ')}]`;
    case 'struct': {
      const { fields } = value as Struct;
      return `{${Object.values(fields)
        .map((field) => plainText(field()))
        .join(' ')}}`;
    }
    default:
      return String(value as string);
  }
}

/** As an action prints its result. */
export const resultText = (value: Value): string => (value === undefined ? '<no value>' : plainText(value));

const SEPARATORS = /[\u2028\u2029]/g;

const jsonString = (text: string): string =>
  JSON.stringify(text).replace(SEPARATORS, (char) => `\\u${char.charCodeAt(0).toString(16)}`);

/** Compact JSON as Go writes it. Objects keep their order, maps and rows of lists are sorted. */
export function jsonText(value: Value): string {
  const object = (pairs: readonly [string, Value][]): string =>
    `{${pairs.map(([key, each]) => `${jsonString(key)}:${jsonText(each)}`).join(',')}}`;
  if (typeof value === 'string') return jsonString(value);
  if (typeof value === 'bigint') return value.toString();
  if (isList(value)) return `[${value.map(jsonText).join(',')}]`;
  if (isMap(value)) return object(pairsOf(value));
  if (value instanceof Struct) {
    if (value.json !== undefined) return value.json;
    const names = Object.keys(value.fields).toSorted();
    // Docker makes rows safe for HTML, and rows only.
    return object(names.map((name) => [name, value.fields[name]?.()])).replace(
      /[<>&]/g,
      (char) => `\\u00${char.charCodeAt(0).toString(16)}`,
    );
  }
  if (typeof value === 'object' && value !== null) return object(Object.entries(value));
  return JSON.stringify(value ?? null);
}

/** As an error message shows a constant. */
export const constantText = (value: Value): string => (typeof value === 'string' ? quote(value) : plainText(value));

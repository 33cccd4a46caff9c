/**
 * Decoders from untrusted JSON to typed values, with the rules of Go's encoding/json that clients rely on: unknown
 * fields are ignored, names match without regard to case, null and absent mean the zero value, and a wrong type is
 * refused with Go's text, which names the field.
 */
import { invalidParameter, type BerthError } from '../../errors.ts';

/** `path` names the value in messages: 'CreateRequest.HostConfig.Memory'. */
export type Decoder<T> = (value: unknown, path: string) => T;

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'boolean') return 'bool';
  return typeof value;
}

export function mismatch(value: unknown, path: string, goType: string): BerthError {
  const literal = typeof value === 'number' && /^u?int/.test(goType) ? ` ${value}` : '';
  const where = path.includes('.') ? `struct field ${path}` : 'value';
  return invalidParameter(
    `invalid JSON: json: cannot unmarshal ${kindOf(value)}${literal} into Go ${where} of type ${goType}`,
  );
}

/** A body that must be there; `{}` is one. */
export const present =
  <T>(decode: Decoder<T>): Decoder<T> =>
  (value, path) => {
    if (value === undefined) throw invalidParameter('invalid JSON: got EOF while reading request body');
    return decode(value, path);
  };

const absent = (value: unknown): value is null | undefined => value === null || value === undefined;

/** What the kernel takes ends at a NUL: it would silently do something else than was asked. */
function withoutNul(text: string, path: string): string {
  if (text.includes('\0')) throw invalidParameter(`invalid JSON: ${path} has a NUL character in it`);
  return text;
}

export const string: Decoder<string> = (value, path) => {
  if (typeof value === 'string') return withoutNul(value, path);
  if (absent(value)) return '';
  throw mismatch(value, path, 'string');
};

export const bool: Decoder<boolean> = (value, path) => {
  if (typeof value === 'boolean') return value;
  if (absent(value)) return false;
  throw mismatch(value, path, 'bool');
};

const RANGES = {
  int: [-(2 ** 63), 2 ** 63],
  int64: [-(2 ** 63), 2 ** 63],
  uint16: [0, 2 ** 16 - 1],
  uint32: [0, 2 ** 32 - 1],
  uint: [0, 2 ** 64],
} as const;

/** Whole numbers. Beyond 2⁵³ they lose precision, which no field of the API minds ("unlimited" is written that way). */
export function integer(goType: keyof typeof RANGES): Decoder<number> {
  const [least, most] = RANGES[goType];
  return (value, path) => {
    if (absent(value)) return 0;
    if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most) {
      throw mismatch(value, path, goType);
    }
    return value === 0 ? 0 : value;
  };
}

/** null and absent stay what they are in the API: null. */
export function nullable<T>(decoder: Decoder<T>): Decoder<T | null> {
  return (value, path) => (absent(value) ? null : decoder(value, path));
}

/** The field is left out when the client left it out (or sent null). */
export function optional<T>(decoder: Decoder<T>): Decoder<T | undefined> {
  return (value, path) => (absent(value) ? undefined : decoder(value, path));
}

export function list<T>(item: Decoder<T>, goType = '[]string'): Decoder<T[]> {
  return (value, path) => {
    if (absent(value)) return [];
    if (!Array.isArray(value)) throw mismatch(value, path, goType);
    return value.map((element: unknown) => item(element, path));
  };
}

export const strings = list(string);

/** Go's strslice: one string stands for a list of one. */
export const stringOrStrings: Decoder<string[]> = (value, path) =>
  typeof value === 'string' ? [value] : strings(value, path);

function fieldsOf(value: unknown, path: string, goType: string): [string, unknown][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw mismatch(value, path, goType);
  return Object.entries(value);
}

/** Any keys. Made with Object.fromEntries, which stores '__proto__' as the plain key that it is. */
export function record<T>(item: Decoder<T>, goType = 'map[string]string'): Decoder<Record<string, T>> {
  return (value, path) =>
    absent(value)
      ? {}
      : Object.fromEntries(
          fieldsOf(value, path, goType).map(([key, entry]) => [withoutNul(key, path), item(entry, path)]),
        );
}

/** An object of which only the keys count: {"80/tcp": {}}. */
export const emptyObject: Decoder<object> = (value, path) => {
  if (!absent(value)) fieldsOf(value, path, 'struct {}');
  return {};
};

export function object<T extends object>(
  goType: string,
  spec: { readonly [K in keyof T]-?: Decoder<T[K]> },
): Decoder<T> {
  const names = Object.keys(spec) as (keyof T & string)[];
  const exact = new Map<string, keyof T & string>(names.map((name) => [name, name]));
  const folded = new Map(names.map((name) => [name.toLowerCase(), name]));
  return (value, path) => {
    const given = new Map<keyof T, unknown>();
    for (const [key, entry] of absent(value) ? [] : fieldsOf(value, path, goType)) {
      const name = exact.get(key) ?? folded.get(key.toLowerCase());
      if (name !== undefined) given.set(name, entry);
    }
    const result: Partial<T> = {};
    for (const name of names) {
      const decoded = spec[name](given.get(name), `${path}.${name}`);
      if (decoded !== undefined) result[name] = decoded;
    }
    return result as T;
  };
}

/** Parses a request's body. The text of a refusal holds nothing of the body: it may have credentials in it. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : '';
    const at = /at position (\d+)/.exec(reason)?.[1];
    if (reason.startsWith('Unexpected end') || Number(at) >= text.length) {
      throw invalidParameter('invalid JSON: unexpected EOF');
    }
    if (reason.startsWith('Unexpected non-whitespace')) throw invalidParameter('unexpected content after JSON');
    const token = /^Unexpected token '(.{1,2})'/su.exec(reason)?.[1];
    if (token !== undefined) throw invalidParameter(`invalid JSON: invalid character '${token}' in the request body`);
    throw invalidParameter(`invalid JSON: malformed request body${at === undefined ? '' : ` at position ${at}`}`);
  }
}

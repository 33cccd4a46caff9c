/** Fields of values, and what may be handed to functions; errors in Go's words, without the place. Pure. */
import { constantText, isMap, kindOf, lookUp, Struct, typeOf, type Value } from './values.ts';

/** `absent`: fields that an object may leave out, with what they are then. Throws an Error with the text. */
export function fieldOf(value: Value, name: string, absent: ReadonlyMap<string, Value> | undefined): Value {
  if (value instanceof Struct) {
    const field = Object.hasOwn(value.fields, name) ? value.fields[name] : undefined;
    if (field === undefined) throw new Error(`can't evaluate field ${name} in type ${value.type}`);
    return field();
  }
  if (value === undefined) throw new Error(`nil data; no entry for key ${constantText(name)}`);
  if (value === null) throw new Error(`nil pointer evaluating interface {}.${name}`);
  if (kindOf(value) !== 'map') throw new Error(`can't evaluate field ${name} in type interface {}`);
  if (isMap(value) || Object.hasOwn(value as object, name)) return lookUp(value, name);
  if (absent?.has(name) === true) return absent.get(name);
  throw new Error(`map has no entry for key ${constantText(name)}`);
}

const CONSTANTS = ['number', 'string', 'bool'];

/** What is wrong with an argument, if something is. `node`: how it stands in the template. */
export function typeProblem(param: 'string' | 'int' | 'list' | 'any', value: Value, node: string): string | undefined {
  if (param === 'any' || kindOf(value) === param) return undefined;
  // The list that the daemon left empty.
  if (param === 'list' && value === null) return undefined;
  const expected = param === 'list' ? '[]string' : param;
  return CONSTANTS.includes(node)
    ? `expected ${expected}; found ${constantText(value)}`
    : `wrong type for value; expected ${expected}; got ${typeOf(value)}`;
}

/** JSON of the daemon: shown as it came, and as data for templates. Pure. */
import type { Value } from '../template/values.ts';

/** Objects whose keys are data rather than names of fields: a template may ask for a key that is not there. */
const MAPS: ReadonlySet<string> = new Set([
  'Annotations',
  'Attributes',
  'AuxiliaryAddresses',
  'Containers',
  'Details',
  'DriverOpts',
  'ExposedPorts',
  'IndexConfigs',
  'Labels',
  'Networks',
  'Options',
  'PortBindings',
  'Ports',
  'Runtimes',
  'StorageOpt',
  'Sysctls',
  'Tmpfs',
  'Volumes',
]);

const isObject = (value: unknown): value is Record<string, Value> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Integers that a double cannot hold become bigints; objects that are maps become maps. */
export function parseValue(text: string): Value {
  return JSON.parse(text, (key: string, value: Value, context?: { source?: string }) => {
    if (typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? '')) {
      return BigInt(context?.source ?? 0);
    }
    return MAPS.has(key) && isObject(value) ? new Map(Object.entries(value)) : value;
  }) as Value;
}

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

/** Valid JSON with line breaks and 4 blanks a level; numbers and texts stay as they are written. */
export function indentJson(text: string, level = 0): string {
  let depth = level;
  let out = '';
  const line = (): string => `\n${'    '.repeat(depth)}`;
  let before = '';
  for (const [token] of text.matchAll(TOKEN)) {
    const closes = token === '}' || token === ']';
    if (closes) depth -= 1;
    if (before === '{' || before === '[') out += closes ? '' : line();
    else if (closes) out += line();
    if (token === '{' || token === '[') depth += 1;
    out += token;
    if (token === ',') out += line();
    else if (token === ':') out += ' ';
    before = token;
  }
  return out;
}

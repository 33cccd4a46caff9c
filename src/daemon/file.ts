/**
 * daemon.json: its text brought to the same values as the command line's, with dockerd's refusals. Pure.
 */
import { invalidParameter, messageOf } from '../errors.ts';
import type { FlagValue, FlagValues } from './argv.ts';
import { daemonFlags, isRepeatable, keyOf } from './flags.ts';
import type { DaemonFlag } from './flags.ts';

const byKey = new Map(
  daemonFlags.flatMap((flag) => {
    const key = keyOf(flag);
    return key === undefined ? [] : [[key, flag] as const];
  }),
);
/** Older spelling of one key (dockerd before 28). */
const hostGateway = byKey.get('host-gateway-ips');
if (hostGateway) byKey.set('host-gateway-ip', hostGateway);

/** Values by flag name. Throws InvalidParameter; the caller puts the file's name before the text. */
export function parseDaemonJson(text: string, flags: FlagValues): FlagValues {
  const object = parseObject(text);
  const unknown = Object.keys(object).filter((key) => !byKey.has(key));
  if (unknown.length > 0) {
    throw invalidParameter(
      `the following directives don't match any configuration option: ${unknown.toSorted().join(', ')}`,
    );
  }
  const values = new Map<string, FlagValue>();
  const conflicts: string[] = [];
  for (const [key, raw] of Object.entries(object)) {
    const flag = byKey.get(key);
    if (!flag || raw === null) continue;
    const fromFlag = flags.get(flag.name);
    if (fromFlag !== undefined) {
      conflicts.push(`${key}: (from flag: ${show(fromFlag)}, from file: ${show(raw)})`);
      continue;
    }
    values.set(flag.name, convert(flag, key, raw));
  }
  if (conflicts.length > 0) {
    throw invalidParameter(
      `the following directives are specified both as a flag and in the configuration file: ${conflicts.join(', ')}`,
    );
  }
  return values;
}

function parseObject(text: string): Record<string, unknown> {
  // An empty file configures nothing.
  if (text.trim() === '') return {};
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw invalidParameter(`the file is no valid JSON: ${messageOf(error)}`, error);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw invalidParameter('the file is no JSON object');
  }
  return parsed as Record<string, unknown>;
}

/** As Go prints it: lists in brackets, without quotes. */
const show = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.join(' ')}]`;
  return typeof value === 'string' ? value : JSON.stringify(value);
};

function convert(flag: DaemonFlag, key: string, raw: unknown): FlagValue {
  const refuse = (wanted: string): never => {
    throw invalidParameter(`"${key}" must be ${wanted}, not ${JSON.stringify(raw)}`);
  };
  // What has no effect is not looked at: its shape belongs to a part that Berth does not have.
  if (flag.ignored !== undefined) return isRepeatable(flag.type) ? [] : '';
  switch (flag.type) {
    case 'bool':
      return typeof raw === 'boolean' ? raw : refuse('true or false');
    case 'int':
      return Number.isSafeInteger(raw) ? (raw as number) : refuse('a whole number');
    case 'bytes':
      return typeof raw === 'string' || Number.isSafeInteger(raw) ? String(raw) : refuse('a size such as "64M"');
    case 'string':
    case 'ip':
      return typeof raw === 'string' ? raw : refuse('a string');
    case 'list':
      return Array.isArray(raw) && raw.every((item) => typeof item === 'string')
        ? (raw as string[])
        : refuse('an array of strings');
    case 'pool-options':
      return Array.isArray(raw) ? raw.map(poolText) : refuse('an array of {"base", "size"}');
    case 'ulimit':
      return isObject(raw) ? Object.entries(raw).map(ulimitText) : refuse('an object of {"Name", "Soft", "Hard"}');
    case 'map':
      return isObject(raw) ? Object.entries(raw).map(([k, v]) => `${k}=${show(v)}`) : refuse('an object');
    case 'map-map': {
      const wanted = 'an object of objects of strings';
      return Object.entries(isObject(raw) ? raw : refuse(wanted)).flatMap(([root, inner]) =>
        Object.entries(isObject(inner) ? inner : refuse(wanted)).map(([key, value]) =>
          typeof value === 'string' ? `${root}=${key}=${value}` : refuse(wanted),
        ),
      );
    }
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function poolText(pool: unknown): string {
  const { base, size } = isObject(pool) ? pool : {};
  return `base=${String(base)},size=${String(size)}`;
}

function ulimitText([name, limit]: [string, unknown]): string {
  const { Soft, Hard } = isObject(limit) ? limit : {};
  return `${name}=${String(Soft)}:${String(Hard)}`;
}

/** Answers without what is different at each run: IDs, times, paths of the daemon, hardware addresses. Pure. */

export interface Known {
  /** What stands for what: IDs by name, directories of the daemon. Longer ones are replaced first. */
  words: ReadonlyMap<string, string>;
}

const RULES: readonly (readonly [RegExp, string])[] = [
  [/\b0001-01-01T00:00:00Z\b/g, '<never>'],
  [/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)/g, '<time>'],
  [/\b(\d+ seconds?|Less than a second|About a minute|\d+ minutes)(?= ago| \(|$)/g, '<moments>'],
  [/\b[0-9a-f]{64}\b/g, '<id>'],
  [/(?<=\/netns\/)[0-9a-f]{12}\b/g, '<sandbox>'],
  [/\b(02:42:[0-9a-f]{2}|[0-9a-f][26ae](:[0-9a-f]{2}){2})(:[0-9a-f]{2}){3}\b/g, '<mac>'],
];

export function normalText(text: string, { words }: Known): string {
  let result = text;
  for (const [word, name] of [...words].toSorted(([a], [b]) => b.length - a.length)) {
    result = result.replaceAll(word, name);
  }
  for (const [pattern, name] of RULES) result = result.replace(pattern, name);
  return result;
}

/** Numbers that are of the moment. */
const MOMENTS = new Set(['Created', 'Pid', 'time', 'timeNano', 'SizeRw', 'SizeRootFs', 'LastTagTime']);

/** A process as `top` shows it: PIDs and times of the day go. */
const withoutNumbers = (cells: unknown): unknown =>
  Array.isArray(cells) ? cells.map((cell) => (/^[\d:]+$/.test(`${cell}`) ? '<number>' : (cell as unknown))) : cells;

/** Of `shape`: arrays are their first element, values are their types. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, 1).map(shapeOf);
  if (typeof value !== 'object' || value === null) return value === null ? null : `<${typeof value}>`;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, shapeOf(part)]));
}

/**
 * Lists in which the order says nothing are compared as tables: by what their elements are called. The name of the field, '' for the answer
 * itself, and the fields that tell its elements apart; none for words.
 */
const UNORDERED: readonly { field: string; by: readonly string[] }[] = [
  { field: '', by: ['Name', 'Driver'] }, // networks
  { field: '', by: ['Type', 'Action'] }, // events
  { field: 'Volumes', by: ['Name'] },
  { field: 'Mounts', by: ['Type', 'Destination'] },
  { field: 'Ports', by: ['IP', 'PrivatePort', 'Type'] },
  ...['MaskedPaths', 'ReadonlyPaths', 'Aliases', 'DNSNames', 'RepoTags', 'RepoDigests'].map((field) => ({
    field,
    by: [],
  })),
  ...['ContainersDeleted', 'VolumesDeleted', 'NetworksDeleted'].map((field) => ({ field, by: [] })),
];

const isTree = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

/** The second of a name is 'name #2'. */
function numbered(entries: readonly (readonly [string, unknown])[]): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [name, value] of entries) {
    const count = Object.keys(result).filter((other) => other === name || other.startsWith(`${name} #`)).length;
    result[count === 0 ? name : `${name} #${count + 1}`] = value;
  }
  return result;
}

/** The table of an unordered list, else the list. */
function tabled(field: string, list: readonly unknown[]): unknown {
  for (const { by } of UNORDERED.filter((each) => each.field === field)) {
    if (by.length === 0 && list.every((part) => typeof part === 'string')) {
      return Object.fromEntries(list.map((part) => [part, true]));
    }
    const rows = list.filter(isTree);
    // An address that is left out is one that is not there.
    if (by.length > 0 && rows.length === list.length && rows.every((row) => by.slice(-1).every((key) => key in row))) {
      return numbered(rows.map((row) => [by.map((key) => String(row[key]).trim()).join(' '), row]));
    }
  }
  return list;
}

export function normalValue(value: unknown, known: Known, field = ''): unknown {
  if (typeof value === 'string') return normalText(value, known);
  if (Array.isArray(value)) {
    const list = value.map((part) => normalValue(part, known));
    return field === 'Processes' ? list.map(withoutNumbers) : tabled(field, list);
  }
  if (!isTree(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => {
      const moment = MOMENTS.has(key) && typeof part === 'number' && part > 0;
      return [normalText(key, known), moment ? '<number>' : normalValue(part, known, key)];
    }),
  );
}

export interface Answered {
  status: number;
  headers: Readonly<Record<string, string>>;
  body: unknown;
}

/** Those that clients read. */
const HEADERS = [
  'content-type',
  'api-version',
  'docker-experimental',
  'ostype',
  'builder-version',
  'cache-control',
  'location',
  'upgrade',
  'x-docker-container-path-stat',
];

export function normalHeaders(headers: Readonly<Record<string, string | string[] | undefined>>): Answered['headers'] {
  return Object.fromEntries(
    HEADERS.flatMap((name) => {
      const value = headers[name];
      if (value === undefined) return [];
      const encoded = name === 'x-docker-container-path-stat';
      const text = encoded ? Buffer.from(String(value), 'base64').toString() : String(value);
      return [[name, normalText(text, { words: new Map() })]];
    }),
  );
}

/**
 * What the bytes of an answer say: JSON; a list of it where there is one on each line; what was written to stdout and stderr of a
 * multiplexed stream, in the order of each; 'archive' for one; else the text.
 */
export function meaningOf(bytes: Buffer, contentType: string): unknown {
  if (contentType.includes('x-tar'))
    return bytes.subarray(257, 262).toString() === 'ustar' ? '<archive>' : '<no archive>';
  const text = bytes.toString();
  if (text === '') return '';
  const frames = framesOf(bytes);
  if (frames !== undefined) return frames;
  const lines = text.trim().split(/\r?\n/);
  try {
    const parsed = lines.map((line) => JSON.parse(line) as unknown);
    return parsed.length === 1 ? parsed[0] : parsed;
  } catch {
    return text;
  }
}

function framesOf(bytes: Buffer): Record<string, string> | undefined {
  const streams: Record<string, string> = {};
  for (let at = 0; at < bytes.length;) {
    const [stream, ...zeros] = bytes.subarray(at, at + 4);
    if (stream === undefined || stream > 3 || zeros.length < 3 || zeros.some(Boolean) || bytes.length < at + 8)
      return undefined;
    const end = at + 8 + bytes.readUInt32BE(at + 4);
    const name = ['stdin', 'stdout', 'stderr', 'system error'][stream] ?? '';
    streams[name] = (streams[name] ?? '') + bytes.subarray(at + 8, end).toString();
    at = end;
  }
  return streams;
}

export function normalBody(bytes: Buffer, contentType: string, known: Known, shape: boolean): unknown {
  const meaning = meaningOf(bytes, contentType);
  return shape ? shapeOf(meaning) : normalValue(meaning, known);
}

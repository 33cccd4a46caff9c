/** The filters of `images` and `image prune`, as Docker reads them. Pure: the clock comes in as a number. */
import { invalidParameter } from '../../errors.ts';
import type { Filters } from '../../model/json.ts';
import { parseGlob } from './glob.ts';
import type { Glob } from './glob.ts';
import { familiar, familiarRepository, tryParse } from './reference.ts';

/** Whether a stored name is one that `pattern` means: with its tag, or its repository alone. */
export function matchesReference(pattern: Glob, name: string): boolean {
  const reference = tryParse(name);
  if (reference === undefined) return false;
  return pattern(familiar(reference)) || pattern(familiarRepository(reference));
}

/** 'a' asks for the key, 'a=b' for the value too. */
export function matchesLabel(wanted: string, labels: Readonly<Record<string, string>>): boolean {
  const equals = wanted.indexOf('=');
  const key = equals < 0 ? wanted : wanted.slice(0, equals);
  if (!Object.hasOwn(labels, key)) return false;
  return equals < 0 || labels[key] === wanted.slice(equals + 1);
}

const UNITS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** Go's duration ('1h30m') in ms, undefined when it is none. */
export function parseDuration(text: string): number | undefined {
  if (!/^(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+$/.test(text)) return undefined;
  let total = 0;
  for (const [, number, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)) {
    total += Number(number) * (UNITS[unit ?? ''] ?? 0);
  }
  return total;
}

/** A moment in ms since 1970: a Unix time, RFC 3339 (date alone allowed), or a duration before `now`. */
export function parseMoment(text: string, now: number): number {
  const ago = parseDuration(text);
  if (ago !== undefined) return now - ago;
  if (/^\d+(?:\.\d+)?$/.test(text)) return Number(text) * 1000;
  const time = /^\d{4}-\d\d-\d\d(?:T\d\d(?::\d\d(?::\d\d(?:\.\d+)?)?)?(?:Z|[+-]\d\d:\d\d)?)?$/.test(text)
    ? Date.parse(/^\d{4}-\d\d-\d\dT\d\d(?:Z|[+-]\d\d:\d\d)?$/.test(text) ? text.replace(/T\d\d/, '$&:00') : text)
    : NaN;
  if (Number.isNaN(time)) throw invalidParameter(`failed to parse value as time or duration: "${text}"`);
  return time;
}

/** undefined when the filter is not given. */
export function parseBoolean(filters: Filters, name: string): boolean | undefined {
  const values = filters.get(name);
  if (values === undefined || values.length === 0) return undefined;
  const truths = values.map((value) => {
    if (/^(?:1|t|true)$/i.test(value)) return true;
    if (/^(?:0|f|false)$/i.test(value)) return false;
    throw invalidParameter(`invalid filter '${name}=${value}'`);
  });
  if (new Set(truths).size > 1) throw invalidParameter(`invalid filter '${name}=[${values.join(' ')}]'`);
  return truths[0];
}

export function checkNames(filters: Filters, known: readonly string[]): void {
  for (const name of filters.keys()) if (!known.includes(name)) throw invalidParameter(`invalid filter '${name}'`);
}

/** What a filter needs to know of an image. */
export interface Candidate {
  /** ms since 1970 */
  created: number;
  names: readonly string[];
  labels: Readonly<Record<string, string>>;
}

const isTagged = (image: Candidate): boolean => image.names.some((name) => !name.includes('@'));

/** Which names of an image `reference` asks for; without that filter all of them. */
export function namesFilter(filters: Filters): (name: string) => boolean {
  const globs = (filters.get('reference') ?? []).map(parseGlob);
  return (name) => globs.length === 0 || globs.some((glob) => matchesReference(glob, name));
}

/** `before` and `since` name images, whose creation times `timeOf` gives. */
export function listFilter(
  filters: Filters,
  now: number,
  timeOf: (ref: string) => number,
): (image: Candidate) => boolean {
  checkNames(filters, ['dangling', 'label', 'label!', 'before', 'since', 'reference', 'until']);
  const dangling = parseBoolean(filters, 'dangling');
  const all = (name: string): readonly string[] => filters.get(name) ?? [];
  const before = Math.min(...all('before').map(timeOf), ...all('until').map((text) => parseMoment(text, now)));
  const since = Math.max(...all('since').map(timeOf));
  const named = namesFilter(filters);
  return (image) =>
    (dangling === undefined || isTagged(image) !== dangling) &&
    all('label').every((label) => matchesLabel(label, image.labels)) &&
    !all('label!').some((label) => matchesLabel(label, image.labels)) &&
    image.created < before &&
    image.created > since &&
    (all('reference').length === 0 || image.names.some(named));
}

export function pruneFilter(filters: Filters, now: number): (image: Candidate) => boolean {
  checkNames(filters, ['dangling', 'label', 'label!', 'until']);
  const danglingOnly = parseBoolean(filters, 'dangling') ?? true;
  const untils = filters.get('until') ?? [];
  if (untils.length > 1) throw invalidParameter('more than one until filter specified');
  const until = Math.min(...untils.map((text) => parseMoment(text, now)));
  return (image) =>
    (!danglingOnly || !isTagged(image)) &&
    image.created < until &&
    (filters.get('label') ?? []).every((label) => matchesLabel(label, image.labels)) &&
    !(filters.get('label!') ?? []).some((label) => matchesLabel(label, image.labels));
}

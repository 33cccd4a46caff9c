/** The query string, read as dockerd reads it. */
import { invalidParameter } from '../errors.ts';
import type { Filters } from '../model/json.ts';

const FALSE = new Set(['', '0', 'no', 'false', 'none']);
const TIMESTAMP = /^-?\d{1,15}(?:\.\d{1,9})?$/;
const INTEGER = /^[+-]?\d{1,15}$/;

export class Query {
  readonly #values: URLSearchParams;

  constructor(text: string) {
    this.#values = new URLSearchParams(text);
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** '' when absent. */
  string(name: string): string {
    return this.#values.get(name) ?? '';
  }

  strings(name: string): string[] {
    return this.#values.getAll(name);
  }

  /** Whatever is not a word for no means yes. */
  bool(name: string, absent = false): boolean {
    const value = this.#values.get(name);
    return value === null ? absent : !FALSE.has(value.trim().toLowerCase());
  }

  /** undefined when absent or empty. */
  integer(name: string): number | undefined {
    const value = this.string(name);
    if (value === '') return undefined;
    if (!INTEGER.test(value)) throw invalidParameter(`strconv.Atoi: parsing ${JSON.stringify(value)}: invalid syntax`);
    return Number(value);
  }

  /** Seconds since 1970, with a fraction of up to nine digits; absent, empty and 0 mean no limit. */
  timestamp(name: string): number | undefined {
    const value = this.string(name);
    if (value === '' || value === '0') return undefined;
    if (!TIMESTAMP.test(value)) {
      throw invalidParameter(`invalid value for "${name}": ${JSON.stringify(value)} is not a unix timestamp`);
    }
    return Number(value);
  }

  /** Both forms: {"label":["a"]} and the older {"label":{"a":true}}. `known` undefined: any name. */
  filters(known: ReadonlySet<string> | undefined): Filters {
    const text = this.string('filters');
    const filters = text === '' ? new Map<string, string[]>() : parseFilters(text);
    for (const name of filters.keys()) {
      if (known !== undefined && !known.has(name)) throw invalidParameter(`invalid filter '${name}'`);
    }
    return filters;
  }
}

function parseFilters(text: string): Map<string, string[]> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw invalidParameter('invalid filter', cause);
  }
  if (value === null) return new Map();
  if (typeof value !== 'object' || Array.isArray(value)) throw invalidParameter('invalid filter');
  return new Map(Object.entries(value).map(([name, values]) => [name, filterValues(name, values)]));
}

function filterValues(name: string, values: unknown): string[] {
  if (values === null) return [];
  if (Array.isArray(values)) {
    const strings = values.filter((entry) => typeof entry === 'string');
    if (strings.length === values.length) return strings;
  } else if (typeof values === 'object') {
    const entries = Object.entries(values);
    if (entries.every(([, on]) => typeof on === 'boolean')) return entries.filter(([, on]) => on).map(([key]) => key);
  }
  throw invalidParameter(`invalid filter '${name}'`);
}

/** Lists of things, declared as columns and printed as --format says. Pure. */
import { Template } from '../template/template.ts';
import { TemplateError } from '../template/error.ts';
import { Struct, type Value } from '../template/values.ts';
import { alignColumns } from './table.ts';

export interface Field<Row> {
  /** Of its column in a table. */
  header: string;
  value(row: Row): Value;
}

export interface Listing<Row> {
  /** As errors name a row: '*formatter.ContainerContext'. */
  type: string;
  fields: Readonly<Record<string, Field<Row>>>;
  /** Labels for {{.Label "name"}}; undefined where things have none. */
  labels?(row: Row): Readonly<Record<string, string>> | null | undefined;
  /** The template of the table, columns separated by tabs. */
  table: string;
  /** The lines of --format raw: name and template. */
  raw?: readonly [name: string, template: string][];
}

/** The last part of a label's name, as docker makes a header of it: 'com.example.rack-number' → 'rack number'. */
const labelHeader = (name: Value): string => (String(name).split('.').at(-1) ?? '').replace(/[-_]/g, ' ');

function rowOf<Row>({ type, fields, labels }: Listing<Row>, row: Row): Struct {
  const bound = Object.entries(fields).map(([name, field]) => [name, () => field.value(row)] as const);
  const methods: Struct['methods'] =
    labels === undefined ? {} : { Label: (name: Value) => labels(row)?.[String(name)] ?? '' };
  return new Struct(type, Object.fromEntries(bound), methods);
}

const headerOf = <Row>({ type, fields, labels }: Listing<Row>): Struct =>
  new Struct(
    type,
    Object.fromEntries(Object.entries(fields).map(([name, { header }]) => [name, () => header])),
    labels === undefined ? {} : { Label: labelHeader },
  );

/** Runs `work`; a TemplateError gets docker's words before it. */
function told<T>(before: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof TemplateError) throw new Error(`${before}: ${error.message}`, { cause: error });
    throw error;
  }
}

export const parseFormat = (source: string): Template => told('failed to parse template', () => new Template(source));

/** `format` as typed: '' or 'table', 'table TEMPLATE', 'json', 'raw', TEMPLATE. Throws an Error with docker's words. */
export function render<Row>(listing: Listing<Row>, rows: readonly Row[], format: string): string {
  const typed = format.replaceAll('\\t', '\t').replaceAll('\\n', '\n').trim();
  let source = typed;
  const table = typed === '' || typed === 'table' || typed.startsWith('table ');
  if (table) source = typed.slice('table'.length).trim() || listing.table;
  else if (typed === 'json') source = '{{json .}}';
  else if (typed === 'raw' && listing.raw) source = listing.raw.map(([name, each]) => `${name}: ${each}\n`).join('');
  const template = parseFormat(source);
  const lines = rows.map((row) => told('failed to execute template', () => template.run(rowOf(listing, row))));
  if (!table) return lines.map((line) => `${line}\n`).join('');
  const header = told('failed to execute template', () => template.runHeader(headerOf(listing)));
  return alignColumns([header, ...lines].map((line) => `${line}\n`).join(''));
}

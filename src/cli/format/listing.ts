/** Lists of things, declared as columns and printed as --format says. Pure. */
import type { Template } from '../template/template.ts';
import { Struct, type Value } from '../template/values.ts';
import { alignColumns } from './table.ts';
import { harmless } from './text.ts';

export interface Field<Row> {
  /** Of its column in a table. */
  header: string;
  value: (row: Row) => string;
}

export interface Listing<Row> {
  /** As errors name a row: '*formatter.ContainerContext'. */
  type: string;
  fields: Readonly<Record<string, Field<Row>>>;
  /** Labels for {{.Label "name"}}; undefined where things have none. */
  labels?: (row: Row) => Readonly<Record<string, string>> | null | undefined;
  /** The fields of the table, in order. */
  columns: readonly string[];
  /** The lines of --format raw: name and field. */
  raw?: readonly (readonly [name: string, field: string])[];
}

/** The last part of a label's name, as docker makes a header of it: 'com.example.rack-number' → 'rack number'. */
const labelHeader = (name: Value): string =>
  (typeof name === 'string' ? (name.split('.').at(-1) ?? '') : '').replace(/[-_]/g, ' ');

/** The table and the list of IDs are nearly all that is ever asked for, and need no templates. */
function plain<Row>({ fields }: Listing<Row>, rows: readonly Row[], columns: readonly string[]): string[] {
  return rows.map((row) => `${columns.map((name) => fields[name]?.value(row) ?? '').join('\t')}\n`);
}

function table<Row>(listing: Listing<Row>, rows: readonly Row[]): string {
  const { columns, fields } = listing;
  const header = `${columns.map((name) => fields[name]?.header ?? '').join('\t')}\n`;
  return alignColumns(header + harmless(plain(listing, rows, columns).join('')));
}

/** A row as templates see it. */
export function rowStruct<Row>({ type, fields, labels }: Listing<Row>, row: Row): Struct {
  return new Struct(
    type,
    Object.fromEntries(Object.entries(fields).map(([name, { value }]) => [name, () => value(row)])),
    labels && { Label: (name) => labels(row)?.[typeof name === 'string' ? name : ''] ?? '' },
  );
}

type Printer<Row> = (rows: readonly Row[]) => string;

async function templated<Row>(listing: Listing<Row>, source: string, asTable: boolean): Promise<Printer<Row>> {
  const { type, fields, labels } = listing;
  const { Template, TemplateError } = await import('../template/template.ts');
  const told = <T>(before: string, work: () => T): T => {
    try {
      return work();
    } catch (error) {
      if (error instanceof TemplateError) throw new Error(`${before}: ${error.message}`, { cause: error });
      throw error;
    }
  };
  const names = Object.keys(fields);
  const template: Template = told('failed to parse template', () => new Template(source));
  const headers = new Struct(
    type,
    Object.fromEntries(names.map((name) => [name, () => fields[name]?.header])),
    labels && { Label: labelHeader },
  );
  const header = told('failed to execute template', () => template.runHeader(headers));
  const lineOf = (row: Row): string => template.run(rowStruct(listing, row));
  return (rows) => {
    const lines = told('failed to execute template', () => rows.map(lineOf));
    const text = (asTable ? [header, ...lines] : lines).map((line) => `${line}\n`).join('');
    return asTable ? alignColumns(text) : text;
  };
}

function rawText<Row>({ raw = [], fields }: Listing<Row>, row: Row): string {
  return `${raw.map(([name, field]) => `${name}: ${fields[field]?.value(row) ?? ''}`.trimEnd()).join('\n')}\n\n`;
}

/**
 * `format` as typed: '' or 'table', 'table TEMPLATE', 'json', 'raw', TEMPLATE. A wrong one is refused here, before the
 * daemon is asked for rows, with an Error in docker's words.
 */
export async function printer<Row>(listing: Listing<Row>, format: string): Promise<Printer<Row>> {
  const typed = format.replaceAll('\\t', '\t').replaceAll('\\n', '\n').trim();
  if (typed === '' || typed === 'table') return (rows) => table(listing, rows);
  const single = /^\{\{\.(\w+)\}\}$/.exec(typed)?.[1];
  if (single !== undefined && Object.hasOwn(listing.fields, single))
    return (rows) => plain(listing, rows, [single]).join('');
  if (typed.startsWith('table ')) return templated(listing, typed.slice('table '.length).trim(), true);
  if (typed === 'json') return templated(listing, '{{json .}}', false);
  if (typed === 'raw' && listing.raw) return (rows) => rows.map((row) => rawText(listing, row)).join('');
  return templated(listing, typed, false);
}

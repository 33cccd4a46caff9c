/** Lists of things, declared as columns and printed as --format says. Pure. */
import type { Template } from '../template/template.ts';
import type { Value } from '../template/values.ts';
import { alignColumns } from './table.ts';

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
  return alignColumns(header + plain(listing, rows, columns).join(''));
}

async function templated<Row>(
  { type, fields, labels }: Listing<Row>,
  rows: readonly Row[],
  source: string,
  asTable: boolean,
): Promise<string> {
  const { Template, TemplateError } = await import('../template/template.ts');
  const { Struct } = await import('../template/values.ts');
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
  const lineOf = (row: Row): string =>
    template.run(
      new Struct(
        type,
        Object.fromEntries(names.map((name) => [name, () => fields[name]?.value(row)])),
        labels && { Label: (name) => labels(row)?.[typeof name === 'string' ? name : ''] ?? '' },
      ),
    );
  const headers = new Struct(
    type,
    Object.fromEntries(names.map((name) => [name, () => fields[name]?.header])),
    labels && { Label: labelHeader },
  );
  return told('failed to execute template', () => {
    const lines = rows.map(lineOf);
    if (asTable) lines.unshift(template.runHeader(headers));
    const text = lines.map((line) => `${line}\n`).join('');
    return asTable ? alignColumns(text) : text;
  });
}

/** `format` as typed: '' or 'table', 'table TEMPLATE', 'json', 'raw', TEMPLATE. Throws an Error with docker's words. */
export async function render<Row>(listing: Listing<Row>, rows: readonly Row[], format: string): Promise<string> {
  const typed = format.replaceAll('\\t', '\t').replaceAll('\\n', '\n').trim();
  if (typed === '' || typed === 'table') return table(listing, rows);
  if (typed === '{{.ID}}') return plain(listing, rows, ['ID']).join('');
  if (typed.startsWith('table ')) return templated(listing, rows, typed.slice('table '.length).trim(), true);
  if (typed === 'json') return templated(listing, rows, '{{json .}}', false);
  if (typed === 'raw' && listing.raw) {
    const { raw, fields } = listing;
    return rows
      .map((row) => `${raw.map(([name, field]) => `${name}: ${fields[field]?.value(row) ?? ''}\n`).join('')}\n`)
      .join('');
  }
  return templated(listing, rows, typed, false);
}

/** The table of clients and scenarios: rows of runs in, Markdown out, and back again. Pure but for `rowsOf`. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cells, literal, table } from './page.ts';
import { CLIENTS, type Row } from './scenarios.ts';

/** A line of the page. */
export interface Line {
  client: string;
  name: string;
  /** The cell: 'works', 'refused: …'. */
  result: string;
  file: string;
}

const keyOf = ({ client, name }: Pick<Line, 'client' | 'name'>): string => `${client}: ${name}`;

/** What processes wrote into a directory of COMPATIBILITY or COMPATIBILITY_LIST. */
export function rowsOf(directory: string): Row[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith('.jsonl'))
    .flatMap((name) => readFileSync(join(directory, name), 'utf8').split('\n'))
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Row);
}

const lineOf = ({ client, name, file, outcome, note }: Row): Line => ({
  client,
  name: literal(name),
  result: note === '' ? outcome : `${outcome}: ${literal(note)}`,
  file,
});

/** Better ones first: a test that failed once and passed alone did pass. */
const OUTCOMES: readonly Row['outcome'][] = ['works', 'refused', 'fails', 'skipped', 'registered'];

export function linesOf(rows: readonly Row[]): Line[] {
  const best = new Map<string, Row>();
  for (const row of rows) {
    const other = best.get(keyOf(row));
    if (other === undefined || OUTCOMES.indexOf(row.outcome) < OUTCOMES.indexOf(other.outcome)) {
      best.set(keyOf(row), row);
    }
  }
  return [...best.values()].map(lineOf);
}

/** `known` with what `news` says; of neither stays what no test registers any more. Sorted as the page is. */
export function merged(known: readonly Line[], news: readonly Line[], registered: readonly Line[]): Line[] {
  const result = new Map([...known, ...news].map((line) => [keyOf(line), line]));
  const order = (line: Line): number => CLIENTS.findIndex((client) => client === line.client);
  const position = new Map(registered.map((line, index) => [keyOf(line), index]));
  return [...result.values()]
    .filter((line) => position.has(keyOf(line)))
    .map((line) => ({ ...line, file: registered[position.get(keyOf(line)) ?? 0]?.file ?? line.file }))
    .toSorted(
      (a, b) =>
        order(a) - order(b) ||
        a.file.localeCompare(b.file, 'en') ||
        (position.get(keyOf(a)) ?? 0) - (position.get(keyOf(b)) ?? 0),
    );
}

export function render(lines: readonly Line[]): string {
  const clients = [...new Set(lines.map(({ client }) => client))];
  return clients
    .map((client) => {
      const rows = lines
        .filter((line) => line.client === client)
        .map(({ name, result, file }) => [name, result, `[test](../${file})`]);
      return `### ${client}\n\n${table(['scenario', 'result', 'shown by'], rows)}`;
    })
    .join('\n\n');
}

export function parse(section: string): Line[] {
  return section
    .split(/^### /m)
    .slice(1)
    .flatMap((part) => {
      const client = part.split('\n', 1)[0] ?? '';
      return cells(part).map(([name = '', result = '', link = '']) => ({
        client,
        name,
        result,
        file: link.replace(/^\[test\]\(\.\.\/(.*)\)$/, '$1'),
      }));
    });
}

/** What is amiss with the lines of the page, in sentences; none when it is in step with the test files. */
export function complaints(lines: readonly Line[], registered: readonly Line[]): string[] {
  const has = (all: readonly Line[], one: Line): boolean => all.some((line) => keyOf(line) === keyOf(one));
  const seen = new Set<string>();
  return [
    ...registered.filter((one) => !has(lines, one)).map((one) => `no line for ${one.file}: ${keyOf(one)}`),
    ...lines.filter((one) => !has(registered, one)).map((one) => `a line without a test: ${keyOf(one)}`),
    ...registered
      .filter((one) => seen.size === seen.add(keyOf(one)).size)
      .map((one) => `twice: ${keyOf(one)} (${one.file})`),
    ...lines.filter(({ result }) => result.startsWith('fails')).map((one) => `${keyOf(one)} ${one.result}`),
  ];
}

/** docs/compatibility.md: what stands between `<!-- NAME -->` and `<!-- /NAME -->` is a test's, everything else is by hand. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';

const file = new URL('../../docs/compatibility.md', import.meta.url);

export type Section = 'endpoints' | 'clients' | 'run-flags' | 'network-flags' | 'dockerd';

const pattern = (name: Section): RegExp => new RegExp(`(?<=<!-- ${name} -->\\n)[^]*?(?=<!-- /${name} -->)`);

export function readSection(name: Section): string {
  const found = pattern(name).exec(readFileSync(file, 'utf8'))?.[0];
  assert.ok(found !== undefined, `docs/compatibility.md has no section ${name}`);
  return found.trim();
}

export function writeSection(name: Section, text: string): void {
  const page = readFileSync(file, 'utf8');
  assert.match(page, pattern(name), `docs/compatibility.md has no section ${name}`);
  writeFileSync(
    file,
    page.replace(pattern(name), () => `\n${text}\n\n`),
  );
}

/** Fails when the page says something else; UPDATE=1 in the environment writes it anew. */
export function checkSection(name: Section, text: string): void {
  if (process.env.UPDATE) writeSection(name, text);
  assert.equal(readSection(name), text, 'docs/compatibility.md: run it with UPDATE=1');
}

/** Cells are Markdown. Without padding: a longer word in one row shall not change the others. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Of the table that stands in `text`, without its head. */
export function cells(text: string): string[][] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .slice(2)
    .map((line) => line.slice(2, -2).split(/ \| /));
}

/** Foreign text in a cell: as it is read, and never Markdown of its own. */
export function literal(text: string): string {
  return text
    .trim()
    .replace(/\s+/g, ' ')
    .replace(/[\\`*<>[\]|]|(?<!\w)_|_(?!\w)/g, (mark) => `\\${mark}`);
}

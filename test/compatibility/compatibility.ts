/**
 * Puts the rows of a run into docs/compatibility.md; what was not run keeps its line.
 *
 *     sh scripts/node.sh test/compatibility/compatibility.ts DIRECTORY
 */
import assert from 'node:assert/strict';
import { linesOf, merged, parse, render, rowsOf } from './clients.ts';
import { readSection, writeSection } from './page.ts';
import { registered } from './registered.ts';

const [directory] = process.argv.slice(2);
assert.ok(directory, 'the directory that COMPATIBILITY was set to is wanted');
const lines = merged(parse(readSection('clients')), linesOf(rowsOf(directory)), await registered());
writeSection('clients', render(lines));

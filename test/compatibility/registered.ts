/** Which scenarios the test files have: they are loaded, and nothing of them is run. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { linesOf, rowsOf, type Line } from './clients.ts';

const repository = fileURLToPath(new URL('../..', import.meta.url));

/** Test files that use scenarios.ts. */
function files(): string[] {
  return readdirSync(join(repository, 'test'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(test|clients|long)\.ts$/.test(entry.name))
    .filter((entry) => !entry.parentPath.includes('node_modules'))
    .map((entry) => relative(repository, join(entry.parentPath, entry.name)))
    .filter((file) => readFileSync(join(repository, file), 'utf8').includes('compatibility/scenarios.ts'))
    .toSorted();
}

/** In the order in which they stand. A name that stands twice is in it twice. */
export async function registered(): Promise<Line[]> {
  const directory = mkdtempSync(join(tmpdir(), 'bc-'));
  try {
    const load = ['--test', '--test-isolation=none', '--test-name-pattern=^no test has this name$', ...files()];
    await promisify(execFile)(process.execPath, load, {
      cwd: repository,
      // What this test itself was given by its runner would make the other one report to it.
      env: { PATH: process.env['PATH'], COMPATIBILITY_LIST: directory },
    });
    return rowsOf(directory).flatMap((row) => linesOf([row]));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

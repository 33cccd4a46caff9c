/** The programs that Berth drives, and their versions. Asking one costs a process (10 ms), so it is done once, when asked. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { findProgram } from './preflight.ts';

const execute = promisify(execFile);

export interface Program {
  name: string;
  path: string;
  /** '' when it did not say. */
  version: string;
}

/** Those of `names` that are there. */
export async function programVersions(names: readonly string[]): Promise<Program[]> {
  const found = names.flatMap((name) => {
    const path = findProgram(name);
    return path === undefined ? [] : [{ name: name.replace(/^.*\//, ''), path }];
  });
  return Promise.all(found.map(async ({ name, path }) => ({ name, path, version: await versionOf(path) })));
}

async function versionOf(path: string): Promise<string> {
  try {
    const { stdout } = await execute(path, ['--version'], { timeout: 5000 });
    return /\d+\.\d+[^\s,]*/.exec(stdout)?.[0] ?? '';
  } catch {
    return '';
  }
}

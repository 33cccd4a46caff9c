/** `GET /containers/{id}/top`: the machine's ps, cut down to the container's processes. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { invalidParameter, messageOf, system } from '../errors.ts';

const execute = promisify(execFile);

/** Splits ps's table; the last column takes the rest of its line. Pure. */
export function parsePs(text: string, pids: ReadonlySet<number>): { Titles: string[]; Processes: string[][] } {
  const [head = '', ...lines] = text.split('\n');
  const Titles = head.trim().split(/\s+/);
  const column = Titles.indexOf('PID');
  if (column < 0) throw invalidParameter("Couldn't find PID field in ps output");
  const Processes = lines.flatMap((line) => {
    const fields = line.trim().split(/\s+/);
    if (!pids.has(Number(fields[column]))) return [];
    const last = Titles.length - 1;
    return [[...fields.slice(0, last), fields.slice(last).join(' ')]];
  });
  return { Titles, Processes };
}

export async function top(
  psArguments: string,
  pids: ReadonlySet<number>,
): Promise<{ Titles: string[]; Processes: string[][] }> {
  const list = (psArguments || '-ef').split(/\s+/).filter((argument) => argument !== '');
  let stdout;
  try {
    ({ stdout } = await execute('ps', list, { maxBuffer: 64 << 20 }));
  } catch (error) {
    const stderr = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : messageOf(error);
    throw system(`error running ps: ${stderr || messageOf(error)}`, error);
  }
  return parsePs(stdout, pids);
}

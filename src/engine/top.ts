/** `GET /containers/{id}/top`: the machine's ps, cut down to the container's processes. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { messageOf, system } from '../errors.ts';

const execute = promisify(execFile);

export interface ProcessList {
  Titles: string[];
  Processes: string[][];
}

const fieldsOf = (line: string): string[] => line.split(/[\t\n\v\f\r ]+/).filter(Boolean);

/** Splits ps's table; the last column takes the rest of its line. Pure. */
export function parsePs(text: string, pids: ReadonlySet<number>): ProcessList {
  const [head = '', ...lines] = text.split('\n');
  const Titles = fieldsOf(head);
  const column = Titles.indexOf('PID');
  if (column < 0) throw system("Couldn't find PID field in ps output");
  const last = Titles.length - 1;
  let within = false;
  const Processes = lines.flatMap((line) => {
    const fields = fieldsOf(line);
    if (fields.length === 0) return [];
    const pid = fields[column] ?? '';
    // A thread's line below that of its process.
    if (pid !== '-') within = pids.has(Number(pid));
    return within ? [[...fields.slice(0, last), fields.slice(last).join(' ')]] : [];
  });
  return { Titles, Processes };
}

/** What follows 'PID' in a title of the user's own could not be told from ps's: only the column pid may be called so. */
export function refuseFalsePid(psArguments: string): void {
  for (const [, column = '', title = ''] of psArguments.matchAll(/\s+([^\s]*)=\s*(PID\S*)/g)) {
    if (column !== 'pid') throw system(`specifying "${column}=${title}" is not allowed`);
  }
}

async function ps(list: readonly string[]): Promise<string> {
  return (await execute('ps', list, { maxBuffer: 64 << 20 })).stdout;
}

/** `pids` are those of the container, on the host. */
export async function top(psArguments: string, pids: ReadonlySet<number>): Promise<ProcessList> {
  refuseFalsePid(psArguments);
  const list = (psArguments || '-ef').split(/\s+/).filter(Boolean);
  const text = await ps([...list, `-q${[...pids].join(',')}`])
    // Some options (f) cannot stand beside -q: then all processes are listed.
    .catch(() => ps(list))
    .catch((error: unknown) => {
      const [line = ''] = error instanceof Error && 'stderr' in error ? String(error.stderr).split('\n') : [];
      throw system(`ps: ${line || messageOf(error)}`, error);
    });
  return parsePs(text, pids);
}

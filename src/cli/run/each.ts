/** The same request for several containers at once, the results in the order of the arguments. */
import type { Context } from '../command.ts';
import { outputOf } from '../streams/output.ts';
import { daemonText } from './report.ts';

/** So many requests under way, so that a thousand names do not open a thousand connections. */
const PARALLEL = 50;

/** Prints what `work` returns for each, errors to stderr. Resolves with those that failed. */
export async function forEach(
  { stdout, stderr }: Context,
  names: readonly string[],
  work: (name: string) => Promise<string>,
): Promise<string[]> {
  const results: Promise<{ text: string } | { error: unknown }>[] = [];
  const failed: string[] = [];
  for (const [index, name] of names.entries()) {
    results.push(
      work(name).then(
        (text) => ({ text }),
        (error: unknown) => ({ error }),
      ),
    );
    if (index >= PARALLEL) await results[index - PARALLEL];
  }
  for (const [index, name] of names.entries()) {
    const result = await results[index];
    if (result !== undefined && 'text' in result) await outputOf(stdout).write(`${result.text}\n`);
    else {
      failed.push(name);
      await outputOf(stderr).write(`${daemonText(result?.error)}\n`);
    }
  }
  return failed;
}

/** Path of a container in the API. */
export const containerPath = (name: string): string => `/containers/${encodeURIComponent(name)}`;

/** Asks before something is removed for good. */
import type { Context } from './command.ts';
import { outputOf } from './streams/output.ts';

/** True when the answer is y; the end of input is a no. */
export async function confirm({ stdin, stdout }: Context, warning: string): Promise<boolean> {
  const output = outputOf(stdout);
  await output.write(`WARNING! ${warning}\nAre you sure you want to continue? [y/N] `);
  await output.flush();
  let line = '';
  for await (const part of stdin.setEncoding('utf8') as AsyncIterable<string>) {
    line += part;
    if (line.includes('\n')) break;
  }
  return line.split('\n')[0]?.trim().toLowerCase() === 'y';
}

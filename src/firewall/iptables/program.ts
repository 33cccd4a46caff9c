/** Runs a short-lived program to its end. Spawning costs 10 ms and more: not for the path of a container's start. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { ownRuleWriter } from '../../linux/rule-writers.ts';

export interface ProgramResult {
  code: number;
  stdout: string;
  stderr: string;
}

/** Rejects when the program cannot be started (ENOENT). */
export async function runProgram(argv: readonly [string, ...string[]], input = ''): Promise<ProgramResult> {
  const [command, ...rest] = argv;
  const child = spawn(command, rest, { stdio: ['pipe', 'pipe', 'pipe'] });
  // A program that ends without reading closes its end: its exit code tells more than EPIPE.
  child.stdin.on('error', () => undefined).end(input);
  // What it does to the rules is this daemon's doing: nothing to heal.
  const writer = child.pid === undefined ? undefined : ownRuleWriter(child.pid);
  try {
    const [stdout, stderr, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close') as Promise<[number | null]>,
    ]);
    return { code: code ?? 1, stdout, stderr };
  } finally {
    writer?.done();
  }
}

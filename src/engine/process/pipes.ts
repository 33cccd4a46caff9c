/** A child that was made without its pipes. */
import type { ChildProcess } from 'node:child_process';
import { unavailable } from '../../errors.ts';

/**
 * Where no descriptors are left (EMFILE), Node returns a child that has no streams at all, and tells of it by an event afterwards: who
 * takes a stream first never hears that event, which then ends berthd. To be called right after spawn().
 */
export function assertPipes(child: ChildProcess, program: string): void {
  const stdio: unknown = child.stdio;
  if (stdio !== undefined) return;
  child.once('error', () => undefined);
  throw unavailable(`${program} cannot be started: berthd has too many files open (LimitNOFILE of its service)`);
}

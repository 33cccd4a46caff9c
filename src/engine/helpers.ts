/**
 * conmon and runtimes at work: processes that berthd began and that its end, or the hanging of one of them, leaves. They
 * are known by the runtime's root directory among their arguments, which no other daemon's have.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { system } from '../errors.ts';
import { identify, signalProcess } from '../linux/pidfd.ts';
import type { Context } from './context.ts';
import type { Paths } from './paths.ts';

const SIGKILL = 9;
/** Milliseconds: a hundred times what a busy machine needs to make a container. */
const PATIENCE = 120_000;

/** Ends those whose arguments are meant. */
export function endHelpers(paths: Paths, isMeant: (words: readonly string[]) => boolean): void {
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    let words;
    try {
      words = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0');
    } catch {
      // Gone meanwhile.
      continue;
    }
    if (!words.includes(paths.runtime) || !isMeant(words)) continue;
    const process = identify(Number(name));
    if (process !== undefined) signalProcess(process, SIGKILL);
  }
}

/**
 * The answer of conmon or the runtime about the container or exec `id`. System, when it does not come in time: what
 * works at it is ended then. A runtime hangs on a frozen control group or on storage that does not answer.
 */
export async function answerInTime<T>(context: Context, id: string, answer: Promise<T>): Promise<T> {
  const patience = context.runtimePatience ?? PATIENCE;
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    endHelpers(context.paths, (words) => words.some((word) => word.includes(id)));
    late.reject(
      system(
        `the runtime ${context.runtime.path} did not answer within ${patience / 1000} s and was ended: see the ` +
          "machine's log (journalctl -k) for storage that does not answer, then start again",
      ),
    );
  }, patience);
  try {
    return await Promise.race([answer, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

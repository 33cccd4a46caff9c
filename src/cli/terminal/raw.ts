/** Raw mode, which is taken back however the process ends. */
import type { ReadStream } from 'node:tty';

/** Those whose default is to end the process: the terminal has to be put right before. */
const FATAL = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM'] as const;

const isTerminal = (stdin: NodeJS.ReadStream): stdin is ReadStream & NodeJS.ReadStream => stdin.isTTY;

/** Returns what takes it back; does nothing when `stdin` is no terminal. */
export function rawMode(stdin: NodeJS.ReadStream): () => void {
  if (!isTerminal(stdin) || stdin.isRaw) return () => undefined;
  const restore = (): void => {
    process.off('exit', restore);
    for (const signal of FATAL) process.off(signal, die);
    stdin.setRawMode(false);
  };
  const die = (signal: NodeJS.Signals): void => {
    restore();
    process.kill(process.pid, signal);
  };
  process.on('exit', restore);
  for (const signal of FATAL) process.on(signal, die);
  stdin.setRawMode(true);
  return restore;
}

/** How run and create say that something is wrong, and the exit code that goes with it. Pure. */
import { ApiError } from '../client.ts';
import { messageOf } from '../../errors.ts';

/** As docker prints what it did not say itself. */
export const daemonText = (error: unknown): string =>
  error instanceof ApiError ? `Error response from daemon: ${error.message}` : messageOf(error);

/**
 * The exit codes of a shell, read out of the daemon's words as docker does: 127 the command was not found, 126 it could
 * not be invoked, 125 everything else.
 */
export function exitCodeOf(error: unknown): number {
  const text = messageOf(error);
  if (/executable file not found|no such file or directory|system cannot find the file specified/.test(text))
    return 127;
  if (/permission denied|is a directory/i.test(text)) return 126;
  return 125;
}

export const withHelp = (text: string, path: string): string =>
  `${text.trimEnd()}\n\nRun 'berth ${path} --help' for more information\n`;

export const withUsage = (text: string, path: string, usage: string): string =>
  withHelp(`${text}\n\nUsage:  berth ${path} ${usage}`, path);

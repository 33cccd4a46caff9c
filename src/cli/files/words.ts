/** Errors of files in Go's words, which scripts know from docker: 'lstat /a: no such file or directory'. */
import { getSystemErrorMessage } from 'node:util';

export function worded(call: string, path: string, error: unknown): Error {
  const { errno, message } = error as NodeJS.ErrnoException;
  const reason = errno === undefined ? message : getSystemErrorMessage(-Math.abs(errno));
  return new Error(`${call} ${path}: ${reason}`, { cause: error });
}

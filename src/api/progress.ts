/** The API's progress streams: one JSON object a line, errors in their midst. */
import type { ServerResponse } from 'node:http';
import { messageOf } from '../errors.ts';
import type { Progress } from '../engine/images/port.ts';
import { publicError } from './errors.ts';
import type { Exchange } from './exchange.ts';

/** Bytes that may wait for a slow client before the mere steps of a progress bar are left out. */
const BACKLOG = 256 * 1024;

/**
 * Runs `work` with a place to report to. An error before the first report gets its own status; after it, the stream's
 * last line tells, as clients expect.
 */
export async function withProgress(
  exchange: Exchange,
  options: { quiet?: boolean },
  work: (progress: Progress) => Promise<void>,
): Promise<void> {
  let response: ServerResponse | undefined;
  const progress: Progress = (line) => {
    if (response?.writableEnded === true) return;
    const step = line['progressDetail'] !== undefined;
    if (step && (options.quiet === true || (response?.writableLength ?? 0) > BACKLOG)) return;
    response ??= exchange.stream('application/json');
    response.write(`${JSON.stringify(line)}\r\n`);
  };
  try {
    await work(progress);
  } catch (error) {
    if (response === undefined || exchange.signal.aborted) throw error;
    const { status, message } = publicError(error);
    progress({ errorDetail: { code: status, message }, error: message });
    response.end();
    if (status === 500) throw new Error(messageOf(error), { cause: error });
    return;
  }
  (response ?? exchange.stream('application/json')).end();
}

/** A container in the foreground: for run, `start -a` and attach. */
import type { Readable } from 'node:stream';
import type { Context } from '../command.ts';
import { runSession } from '../streams/session.ts';
import { followSize } from '../terminal/resize.ts';
import { proxySignals } from '../terminal/signals.ts';

export interface Foreground {
  id: string;
  tty: boolean;
  attach: { stdin: boolean; stdout: boolean; stderr: boolean };
  detachKeys: string;
  sigProxy: boolean;
  /** Which end to wait for. */
  condition: 'not-running' | 'next-exit' | 'removed';
  /** Start it once its streams are joined, so that nothing of its output is missed. */
  start: boolean;
}

/** The container could not be started; `cause` is the daemon's error. */
export class StartError extends Error {
  constructor(cause: unknown) {
    super('the container did not start', { cause });
  }
}

/** As of a process that writes to a pipe without a reader. */
const SIGPIPE_EXIT = 141;

/** Resolves with the exit code of the container; 0 when the user detached. */
export async function runForeground(context: Context, options: Foreground): Promise<number> {
  const { client, stderr } = context;
  const { id, tty, attach, detachKeys } = options;
  const path = `/containers/${encodeURIComponent(id)}`;
  const signals =
    options.sigProxy && !tty
      ? proxySignals(client, id, () => {
          stderr.write('got 3 SIGTERM/SIGINTs, forcefully exiting\n');
          process.exit(1);
        })
      : undefined;
  try {
    // Both say that they are ready before the container starts, and neither needs the other.
    const [connection, waiting] = await Promise.all([
      client.hijack(`${path}/attach`, { query: { stream: 1, ...attach, detachKeys: detachKeys || undefined } }),
      client.stream('POST', `${path}/wait`, { query: { condition: options.condition } }),
    ]);
    const exit = exitCode(waiting);
    // It is awaited last; until then a broken connection must not count as unhandled.
    exit.catch(() => undefined);
    try {
      if (options.start) await client.json('POST', `${path}/start`);
    } catch (error) {
      connection.destroy();
      waiting.destroy();
      throw new StartError(error);
    }
    signals?.started();
    const endSize = tty ? followSize(client, path, context.stdout) : undefined;
    const end = await runSession(context, connection, { tty, stdin: attach.stdin, detachKeys });
    endSize?.();
    if (end.detached || end.brokenPipe) {
      waiting.destroy();
      return end.detached ? 0 : SIGPIPE_EXIT;
    }
    return await exit;
  } finally {
    signals?.stop();
  }
}

async function exitCode(waiting: Readable): Promise<number> {
  const parts: Buffer[] = [];
  for await (const part of waiting as AsyncIterable<Buffer>) parts.push(part);
  const { StatusCode, Error: error } = JSON.parse(Buffer.concat(parts).toString()) as {
    StatusCode: number;
    Error?: { Message: string } | null;
  };
  if (error?.Message) throw new Error(error.Message);
  return StatusCode;
}

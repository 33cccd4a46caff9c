/** A terminal or a pair of pipes joined to a process in a container. */
import type { Hijacked } from '../client.ts';
import { rawMode } from '../terminal/raw.ts';
import { DEFAULT_DETACH_KEYS, DetachWatcher, parseDetachKeys } from '../terminal/detach.ts';
import { Demultiplexer } from './demultiplexer.ts';
import { BrokenPipe, outputOf } from './output.ts';

export interface SessionOptions {
  /** The process has a terminal: one raw stream. */
  tty: boolean;
  /** Pass stdin on. */
  stdin: boolean;
  detachKeys: string;
}

export interface SessionEnd {
  /** The user typed the detach keys: the process goes on. */
  detached: boolean;
  /** Our own reader has gone. */
  brokenPipe: boolean;
}

interface Streams {
  stdin: NodeJS.ReadStream;
  stdout: NodeJS.WriteStream;
  stderr: NodeJS.WriteStream;
}

/** Milliseconds that the daemon has to end the connection after the detach keys. */
const DETACH_TIMEOUT = 2000;

/**
 * Resolves when the process's output has ended and all of it is written. Whatever happens, the terminal is as it was
 * and stdin keeps the process no longer.
 */
export async function runSession(streams: Streams, connection: Hijacked, options: SessionOptions): Promise<SessionEnd> {
  const terminal = options.tty && options.stdin && streams.stdin.isTTY;
  const watcher = new DetachWatcher(parseDetachKeys(options.detachKeys || DEFAULT_DETACH_KEYS));
  const restore = terminal ? rawMode(streams.stdin) : undefined;
  let detached = false;
  const stopInput = options.stdin
    ? feed(streams.stdin, connection, (chunk) => {
        if (!terminal || detached || !watcher.push(chunk)) return;
        detached = true;
        setTimeout(() => connection.destroy(), DETACH_TIMEOUT).unref();
      })
    : () => undefined;
  let brokenPipe = false;
  try {
    await copyOutput(connection.input, options.tty, streams);
  } catch (error) {
    brokenPipe = error instanceof BrokenPipe;
    // The connection may be cut by the daemon as well as by us once the keys were typed.
    if (!brokenPipe && !detached) throw error;
  } finally {
    restore?.();
    stopInput();
    connection.destroy();
  }
  return { detached, brokenPipe };
}

/** Throws BrokenPipe, and what the stream ended with. */
export async function copyOutput(
  input: AsyncIterable<Buffer>,
  tty: boolean,
  streams: Pick<Streams, 'stdout' | 'stderr'>,
): Promise<void> {
  const stdout = outputOf(streams.stdout);
  const stderr = outputOf(streams.stderr);
  const frames = new Demultiplexer();
  for await (const chunk of input) {
    if (tty) await stdout.write(chunk);
    else for (const { stream, data } of frames.push(chunk)) await (stream === 1 ? stdout : stderr).write(data);
  }
  await stdout.flush();
  await stderr.flush();
}

/** stdin to the connection at the pace at which it is taken. Returns what ends it. */
function feed(stdin: NodeJS.ReadStream, connection: Hijacked, watch: (chunk: Buffer) => void): () => void {
  const take = (chunk: Buffer | string): void => {
    const data = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    watch(data);
    if (connection.write(data)) return;
    stdin.pause();
    connection.onDrain(() => stdin.resume());
  };
  const end = (): void => connection.end();
  stdin.on('data', take);
  stdin.once('end', end);
  // Closed (`<&-`) or a directory: no input, as with an empty file.
  stdin.once('error', end);
  stdin.resume();
  return () => {
    stdin.off('data', take).off('end', end);
    stdin.pause();
    // A pending read of a pipe or a terminal would keep the process.
    stdin.destroy();
  };
}

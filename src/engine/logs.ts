/**
 * Reads what conmon logs in its k8s-file format: '<RFC 3339 with nanoseconds> stdout|stderr F|P <text>\n'. P: the line
 * was longer than conmon's buffer, or the process had not ended it yet; its rest follows.
 */
import { open, type FileHandle } from 'node:fs/promises';
import { watch } from 'node:fs';
import type { LogFrame, LogOptions } from './port.ts';

/** Undefined for a line that conmon did not write. Pure. */
export function parseLogLine(line: Buffer): LogFrame | undefined {
  const first = line.indexOf(32);
  const second = line.indexOf(32, first + 1);
  const third = line.indexOf(32, second + 1);
  if (first < 0 || second < 0 || third < 0) return undefined;
  const stream = line.toString('latin1', first + 1, second);
  const tag = line.toString('latin1', second + 1, third);
  if (stream !== 'stdout' && stream !== 'stderr') return undefined;
  const text = line.subarray(third + 1);
  return {
    time: utc(line.toString('latin1', 0, first)),
    stream: stream === 'stderr' ? 2 : 1,
    data: tag === 'P' ? text : Buffer.concat([text, NEWLINE]),
  };
}

const NEWLINE = Buffer.from('\n');

/** conmon writes local time with an offset; Docker's clients expect Z. */
function utc(time: string): string {
  const match = /^(.{19})(\.\d+)?([+-]\d\d:\d\d)$/.exec(time);
  if (match === null) return time;
  const [, seconds = '', fraction = '', offset = ''] = match;
  if (offset === '+00:00') return `${seconds}${fraction}Z`;
  return `${new Date(`${seconds}${offset}`).toISOString().slice(0, 19)}${fraction}Z`;
}

/** Seconds since 1970 with fraction. */
const secondsOf = (time: string): number => {
  const fraction = /\.\d+/.exec(time)?.[0] ?? '';
  return Math.floor(Date.parse(time) / 1000) + Number(`0${fraction}`);
};

const CHUNK = 64 * 1024;

/** Byte offset at which the last `count` lines begin; a line continued after P counts once. */
async function tailOffset(
  file: FileHandle,
  size: number,
  count: number,
  wanted: (frame: LogFrame) => boolean,
): Promise<number> {
  let position = size;
  let found = 0;
  let tail = Buffer.alloc(0);
  let start = size;
  // Each line is judged when its beginning is known; what precedes the first newline of a chunk waits for the next.
  while (position > 0) {
    const length = Math.min(CHUNK, position);
    position -= length;
    const chunk = Buffer.allocUnsafe(length);
    await file.read(chunk, 0, length, position);
    const text: Buffer = Buffer.concat([chunk, tail]);
    let end = text.length;
    for (;;) {
      const newline = end < 2 ? -1 : text.lastIndexOf(10, end - 2);
      if (newline < 0 && position > 0) break;
      const line = text.subarray(newline + 1, end);
      const frame = parseLogLine(line.at(-1) === 10 ? line.subarray(0, -1) : line);
      if (frame !== undefined && wanted(frame)) {
        if (frame.data.at(-1) === 10 || found === 0) found++;
        if (found > count) return start;
      }
      start = position + newline + 1;
      if (newline < 0) return 0;
      end = newline + 1;
    }
    tail = Buffer.from(text.subarray(0, end));
  }
  return 0;
}

export interface LogSource {
  path: string;
  /** With `follow`: whether more may come, and the call when that changes. */
  live(): boolean;
  onEnd(callback: () => void): () => void;
}

export async function* readLogs(source: LogSource, options: LogOptions, signal: AbortSignal): AsyncGenerator<LogFrame> {
  let file;
  try {
    file = await open(source.path, 'r');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return;
    throw error;
  }
  const wanted = (frame: LogFrame): boolean =>
    (frame.stream === 1 ? options.stdout : options.stderr) &&
    (options.since === undefined || secondsOf(frame.time) >= options.since);
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(async () => file.close());
  let wake: (() => void) | undefined;
  let news = false;
  const notify = (): void => {
    news = true;
    wake?.();
  };
  if (options.follow) {
    const watcher = watch(source.path, notify);
    watcher.on('error', notify);
    cleanup.defer(() => watcher.close());
    const off = source.onEnd(notify);
    cleanup.defer(off);
    signal.addEventListener('abort', notify);
    cleanup.defer(() => signal.removeEventListener('abort', notify));
  }
  const { size } = await file.stat();
  let offset = options.tail === undefined ? 0 : await tailOffset(file, size, options.tail, wanted);
  if (options.tail === 0) offset = size;
  let rest: Buffer = Buffer.alloc(0);
  while (!signal.aborted) {
    const live = options.follow && source.live();
    news = false;
    const chunk = Buffer.allocUnsafe(CHUNK);
    const { bytesRead } = await file.read(chunk, 0, CHUNK, offset);
    if (bytesRead === 0) {
      if (!live) return;
      // conmon empties the file when it has reached its largest size.
      if ((await file.stat()).size < offset) offset = 0;
      else if (!news) await new Promise<void>((resolve) => (wake = resolve));
      continue;
    }
    offset += bytesRead;
    const text: Buffer =
      rest.length === 0 ? chunk.subarray(0, bytesRead) : Buffer.concat([rest, chunk.subarray(0, bytesRead)]);
    let begin = 0;
    for (let end = text.indexOf(10); end >= 0; end = text.indexOf(10, begin)) {
      const frame = parseLogLine(text.subarray(begin, end));
      begin = end + 1;
      if (frame === undefined || !wanted(frame)) continue;
      if (options.until !== undefined && secondsOf(frame.time) > options.until) return;
      yield frame;
    }
    rest = text.subarray(begin);
  }
}

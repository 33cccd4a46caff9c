/**
 * conmon: one process that holds a container (or an exec) while berthd comes and goes. It is spawned early and waits for
 * a byte on its start pipe, so that its own start runs beside the making of the network.
 *
 * Protocol (conmon 2.1): _OCI_STARTPIPE: one byte lets it go (exec with --exec-attach: a second one starts the process,
 * after _OCI_ATTACHPIPE said that the socket is there). _OCI_SYNCPIPE: one line of JSON {"data": pid} or
 * {"data": -1, "message": "…"}; for an exec a second one with the exit code. Exit code: a file in --exit-dir.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { system } from '../../errors.ts';
import { onLines } from './lines.ts';
import { assertPipes } from './pipes.ts';

export interface MonitorOptions {
  conmon: string;
  runtime: string;
  runtimeArgs: readonly string[];
  containerId: string;
  /** Container ID, or the exec's. */
  unitId: string;
  name: string;
  /** Holds config.json (or the process file), attach, ctl, oom, pidfile. */
  bundle: string;
  exitDir: string;
  /** undefined: nothing is logged. */
  logPath: string | undefined;
  logSizeMax: number | undefined;
  tty: boolean;
  stdin: boolean;
  leaveStdinOpen: boolean;
  exec?: { processFile: string; attach: boolean };
}

export interface Monitor {
  /** Lets conmon call the runtime; resolves with the number of the created process. Throws what the runtime said. */
  create(): Promise<number>;
  /** For an attached exec: resolves when the socket is there, before create(). */
  attachable(): Promise<void>;
  /** For an attached exec: starts the process; create() settles after it. */
  go(): void;
  /** When nobody has called create() yet: ends it. */
  cancel(): void;
}

/** What the runtime said, and nothing else: the caller words the public error. */
export class RuntimeError extends Error {}

export function argumentsOf(o: MonitorOptions): string[] {
  const pairs: [flag: string, value: string][] = [
    ['--api-version', '1'],
    ['-c', o.containerId],
    ['-u', o.unitId],
    ['-n', o.name],
    ['-r', o.runtime],
    ['-b', o.bundle],
    ['--persist-dir', o.bundle],
    ['--exit-dir', o.exitDir],
    ['-p', `${o.bundle}/pidfile`],
    ['-P', `${o.bundle}/conmon.pid`],
    ['-l', o.logPath === undefined ? 'none' : `k8s-file:${o.logPath}`],
  ];
  return [
    ...pairs.flat(),
    '--full-attach',
    '--no-sync-log',
    ...(o.logSizeMax === undefined ? [] : ['--log-size-max', String(o.logSizeMax)]),
    ...(o.tty ? ['-t'] : []),
    ...(o.stdin ? ['-i'] : []),
    ...(o.leaveStdinOpen ? ['--leave-stdin-open'] : []),
    ...(o.exec === undefined ? [] : ['-e', '--exec-process-spec', o.exec.processFile]),
    ...(o.exec?.attach ? ['--exec-attach'] : []),
    ...o.runtimeArgs.flatMap((argument) => ['--runtime-arg', argument]),
  ];
}

const SYNC = 3;
const START = 4;
const ATTACH = 5;

export function spawnMonitor(options: MonitorOptions): Monitor {
  const attached = options.exec?.attach ?? false;
  const child = spawn(options.conmon, argumentsOf(options), {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe', ...(attached ? (['pipe'] as const) : [])],
    detached: true,
    cwd: options.bundle,
    env: {
      PATH: process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin',
      _OCI_SYNCPIPE: String(SYNC),
      _OCI_STARTPIPE: String(START),
      ...(attached ? { _OCI_ATTACHPIPE: String(ATTACH) } : {}),
    },
  });
  assertPipes(child, 'conmon');
  const failed = new Promise<never>((_, reject) => {
    child.once('error', (cause) => reject(system(`conmon cannot be started: ${cause.message}`, cause)));
  });
  failed.catch(() => undefined);
  const stderr = collect(child.stderr);
  const start = child.stdio[START] as Writable;
  // conmon gone before it read the byte shows in the sync pipe.
  start.on('error', () => undefined);
  const sync = jsonLines(child.stdio[SYNC] as Readable);
  const attach = attached ? jsonLines((child.stdio as readonly unknown[])[ATTACH] as Readable) : undefined;
  child.unref();
  let told = false;
  const tell = (): void => {
    told = true;
    start.write('\0');
  };

  return {
    async create() {
      if (!told) {
        tell();
        if (!attached) start.end();
      }
      const line = await Promise.race([sync.next(), failed]);
      release(child);
      if (line === undefined) throw system(`conmon ended without an answer: ${stderr().trim()}`);
      if (line.data < 0) throw new RuntimeError(line.message ?? stderr().trim());
      return line.data;
    },
    async attachable() {
      tell();
      const line = await Promise.race([attach?.next() ?? Promise.resolve(undefined), failed]);
      if (line === undefined) throw system(`conmon ended without an answer: ${stderr().trim()}`);
    },
    go() {
      start.end('\0');
    },
    cancel() {
      if (!told) child.kill('SIGKILL');
      release(child);
    },
  };
}

/** Whatever still holds the other ends must not keep this process or its memory. */
function release(child: ChildProcess): void {
  for (const stream of child.stdio) stream?.destroy();
}

function collect(stream: Readable | null): () => string {
  let text = '';
  stream?.on('data', (data: Buffer) => {
    if (text.length < 4096) text += data.toString();
  });
  return () => text;
}

interface SyncLine {
  data: number;
  message?: string;
}

/** conmon writes some characters of the runtime's words, which are an image's as well, as they are: a container's command may be U+001F. */
export function syncLine(line: string): SyncLine {
  try {
    return JSON.parse(
      line.replace(/\p{Cc}/gu, (c) => `\\u00${c.charCodeAt(0).toString(16).padStart(2, '0')}`),
    ) as SyncLine;
  } catch {
    return { data: -1, message: line };
  }
}

function jsonLines(stream: Readable): { next(): Promise<SyncLine | undefined> } {
  const lines: SyncLine[] = [];
  let ended = false;
  let wake: (() => void) | undefined;
  onLines(stream, (line) => {
    if (line !== '') lines.push(syncLine(line));
    wake?.();
  });
  const end = (): void => {
    ended = true;
    wake?.();
  };
  stream.once('close', end);
  stream.once('end', end);
  stream.on('error', end);
  return {
    async next() {
      while (lines.length === 0 && !ended) await new Promise<void>((resolve) => (wake = resolve));
      return lines.shift();
    },
  };
}

/** berth-files at work: started for one job, ended with it or with the client that asked. */
import { spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { dirname, extname } from 'node:path';
import type { Duplex, Readable, Writable } from 'node:stream';
import { BerthError, notFound, system } from '../../errors.ts';
import { onLines } from '../process/lines.ts';
import { assertPipes } from '../process/pipes.ts';
import { CONTROL_FD, type Answer, type Job, type PathStat } from './job.ts';

export interface Work {
  /** Resolves when the job is understood and possible. Rejects like `done`. */
  ready: Promise<PathStat | undefined>;
  /** The archive for the job; what is written after its failure is lost without an error. */
  input: Writable;
  /** What the job gives; read it to its end, or end the job. */
  output: Readable;
  /** Rejects with a BerthError, or with the reason of the signal; never unheard. */
  done: Promise<void>;
  /** The process is gone, and its mounts with it. */
  ended: Promise<void>;
  /** Bytes that went in and out so far. */
  moved(): number;
  /** Whether it could go on if only more were sent, or what it gave were taken. */
  waitsForClient(): boolean;
}

/** argv of berth-files, which stands beside berthd's own file, bundled as that is. */
export function filesProgram(berthdFile: string): string[] {
  const file = `${dirname(berthdFile)}/berth-files${extname(berthdFile)}`;
  // kB, half of what Linux gives: directories are as deep as 2,000, and it works its way down by calls.
  return [
    process.execPath,
    '--disable-warning=ExperimentalWarning',
    '--max-semi-space-size=2',
    '--stack-size=4000',
    file,
  ];
}

/** `namespace`: a descriptor of a mount namespace, for views that ask for one; it stays the caller's. */
export function startWork(
  program: readonly string[],
  job: Job,
  options: { namespace: number | undefined; signal: AbortSignal; missing: (path: string) => string },
): Work {
  const { namespace, signal, missing } = options;
  const [command = '', ...args] = program;
  const child = spawn(command, [...args, String(process.pid)], {
    cwd: '/',
    env: { PATH: process.env['PATH'] ?? '' },
    stdio: ['pipe', 'pipe', 'pipe', 'pipe', namespace ?? 'ignore'],
  });
  assertPipes(child, 'berth-files');
  const { stdin: input, stdout: output, stderr } = child;
  if (input === null || output === null || stderr === null) throw new Error('berth-files was made without its pipes');
  const ready = Promise.withResolvers<PathStat | undefined>();
  const done = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  for (const { promise } of [ready, done]) promise.catch(() => undefined);
  const fail = (error: unknown): void => {
    done.reject(error);
    ready.reject(error);
  };
  const take = (answer: Answer): void => {
    if ('ready' in answer) ready.resolve(answer.stat);
    else if ('done' in answer) done.resolve();
    else {
      const { kind, message } = answer.error;
      fail(kind === 'Missing' ? notFound(missing(message)) : new BerthError(kind, message));
    }
  };
  const control = child.stdio[CONTROL_FD] as Duplex;
  // A process that is killed with bytes unread resets its ends; what that means is told by its own end.
  for (const stream of [control, output, stderr]) stream.on('error', () => undefined);
  onLines(control, (line) => take(JSON.parse(line) as Answer));
  let said = '';
  stderr.on('data', (data: Buffer) => (said = (said + data.toString()).slice(-4096)));
  // It needs no more input, or is gone.
  input.on('error', () => undefined);
  const kill = (): void => void child.kill('SIGKILL');
  signal.addEventListener('abort', kill);
  child.once('error', (error) => {
    fail(system(`berth-files cannot be started: ${error.message}`, error));
    ended.resolve();
  });
  // Not with 'close', which waits until all that it gave is taken.
  child.once('exit', () => {
    signal.removeEventListener('abort', kill);
    if (signal.aborted) fail(signal.reason);
    ended.resolve();
  });
  child.once('close', (code, by) => {
    // Without effect when it said how it went.
    fail(system(`berth-files ended without an answer (${by ?? `exit code ${code}`})`, new Error(said)));
  });
  if (signal.aborted) kill();
  control.write(`${JSON.stringify(job)}\n`);
  const takesInput = job.task.kind === 'unpack';
  return {
    ready: ready.promise,
    input,
    output,
    done: done.promise,
    ended: ended.promise,
    moved: () => (input as Socket).bytesWritten + (output as Socket).bytesRead,
    waitsForClient: () =>
      output.readableLength > 0 || (takesInput && !input.writableEnded && input.writableLength === 0),
  };
}

/** What the job gives, whole: it ends only after the job said that all went well. */
export async function* outputOf(work: Work): AsyncGenerator<Buffer> {
  for await (const chunk of work.output) yield chunk as Buffer;
  await work.done;
}

/** Resolves when more may be written, or when nobody reads it any more. */
async function room(stream: Writable): Promise<void> {
  if (stream.destroyed) return;
  await new Promise<void>((resolve) => {
    const go = (): void => {
      stream.off('drain', go).off('close', go);
      resolve();
    };
    stream.on('drain', go).on('close', go);
  });
}

/** Feeds the archive at the pace at which it is unpacked. Ends when all was taken, or when the job is over. */
export async function feed(work: Work, archive: AsyncIterable<Buffer>): Promise<void> {
  const { input } = work;
  for await (const chunk of archive) {
    if (input.destroyed) return;
    if (!input.write(chunk)) await room(input);
  }
  input.end();
}

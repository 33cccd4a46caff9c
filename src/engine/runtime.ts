/** The runtime's two words for a container: `create`, said by conmon, and `start`. */
import { execFile } from 'node:child_process';
import { closeSync, constants, existsSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import { BerthError, messageOf, system } from '../errors.ts';
import type { Context } from './context.ts';
import { answerInTime } from './helpers.ts';
import { type Monitor, RuntimeError } from './process/monitor.ts';
import { createFailed, explainRuntimeError } from './process/runtime-errors.ts';
import type { ContainerRecord, ProcessRecord } from './record.ts';
import type { Container } from './registry.ts';

const execute = promisify(execFile);

/** With the exit code of the container's state: 126, 127, 128. */
export class StartFailure extends BerthError {
  readonly exitCode: number;
  constructor(message: string, exitCode: number, cause: unknown) {
    super('InvalidParameter', message, { cause });
    this.exitCode = exitCode;
  }
}

export const runtimeArguments = ({ paths, runtime }: Context): string[] => [
  '--root',
  paths.runtime,
  ...(runtime.kind === 'crun' ? ['--cgroup-manager=cgroupfs'] : []),
];

/** Resolves with the number of the process, which waits for release(). */
export async function createProcess(
  context: Context,
  monitor: Monitor,
  { id, path }: ContainerRecord,
): Promise<number> {
  try {
    return await answerInTime(context, id, monitor.create());
  } catch (error) {
    if (!(error instanceof RuntimeError)) throw error;
    context.log.debug('the runtime refused a container', { message: error.message });
    const { detail, exitCode } = explainRuntimeError(error.message, path);
    throw new StartFailure(createFailed(detail), exitCode, error);
  }
}

/**
 * What `crun start` does (libcrun: the init process waits for one byte from exec.fifo in the container's state
 * directory) without the 18 ms of a process. Where that file is not there, and with runc, the runtime is called.
 */
export async function release(context: Context, { id }: Container, init: ProcessRecord): Promise<void> {
  const fifo = `${context.paths.runtime}/${id}/exec.fifo`;
  if (context.runtime.kind === 'crun' && existsSync(fifo)) {
    let fd;
    try {
      fd = openSync(fifo, constants.O_WRONLY | constants.O_NONBLOCK);
    } catch (error) {
      // ENXIO: nobody reads it, the process is gone.
      throw system(`the container's process (${init.pid}) ended before it was started`, error);
    }
    try {
      unlinkSync(fifo);
      writeSync(fd, '\0');
    } finally {
      closeSync(fd);
    }
    return;
  }
  try {
    await answerInTime(context, id, execute(context.runtime.path, [...runtimeArguments(context), 'start', id]));
  } catch (error) {
    if (error instanceof BerthError) throw error;
    const { detail, exitCode } = explainRuntimeError(
      error instanceof Error && 'stderr' in error ? String(error.stderr) : messageOf(error),
      '',
    );
    throw new StartFailure(createFailed(detail), exitCode, error);
  }
}

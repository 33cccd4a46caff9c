/** Which program berth-netd is, and how it is started so that it outlives who started it. */
import { spawn } from 'node:child_process';
import { closeSync, openSync, renameSync, statSync } from 'node:fs';
import { dirname, extname } from 'node:path';
import type { Readable } from 'node:stream';
import { versionOf } from './protocol.ts';

/** Node with koffi is there after 100 ms; on a machine that is busy beyond measure after some seconds. */
const PATIENCE = 15_000;
const LONGEST_LOG = 1024 * 1024;

/** argv of berth-netd, which stands beside berthd's own file, bundled as that is. */
export function netdProgram(berthdFile: string): string[] {
  const file = `${dirname(berthdFile)}/berth-netd${extname(berthdFile)}`;
  // A young generation of 4 MB instead of 16: resident memory is what it costs every host. With 1 MB it answers a third less.
  return [process.execPath, '--disable-warning=ExperimentalWarning', '--max-semi-space-size=4', file];
}

/** Another build is another version, whatever it calls itself. */
export function programVersion(program: readonly string[]): string {
  const file = program.findLast((word) => !word.startsWith('-')) ?? '';
  const modified = statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return versionOf(`${process.env.BERTH_VERSION ?? 'dev'}/${modified}`);
}

export interface NetdProcess {
  pid: number;
  exited: Promise<void>;
}

/** Resolves when it listens. Its words go to `log`. */
export async function startProcess(argv: readonly string[], log: string): Promise<NetdProcess> {
  const [command = '', ...args] = argv;
  if ((statSync(log, { throwIfNoEntry: false })?.size ?? 0) > LONGEST_LOG) renameSync(log, `${log}.1`);
  const output = openSync(log, 'a', 0o600);
  try {
    // A session of its own: no terminal, no signal to berthd's group. What is in berthd's environment is berthd's.
    const child = spawn(command, args, {
      detached: true,
      cwd: '/',
      env: { PATH: process.env.PATH ?? '' },
      stdio: ['ignore', output, output, 'pipe'],
    });
    child.unref();
    const exited = new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
      child.once('error', () => resolve());
    });
    await listening(child.stdio[3] as Readable, exited, log).catch((error: unknown) => {
      child.kill('SIGKILL');
      throw error;
    });
    return { pid: child.pid ?? 0, exited };
  } finally {
    closeSync(output);
  }
}

async function listening(pipe: Readable, exited: Promise<void>, log: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`berth-netd is not ready after ${PATIENCE / 1000} s`)), PATIENCE);
    const settle = (error?: Error): void => {
      clearTimeout(timer);
      if (error) reject(error);
      else resolve();
    };
    pipe.once('data', () => settle());
    pipe.once('error', () => undefined);
    void exited.then(() => settle(new Error(`berth-netd ended before it was ready; ${log} may say why`)));
  });
  pipe.destroy();
}

/**
 * One probe: the runtime's `exec` of the command in the container, without conmon and without a client; known to the API
 * as an exec like any other, with the events that dockerd tells of.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { messageOf, system } from '../../errors.ts';
import { identify } from '../../linux/pidfd.ts';
import { killTree } from '../../linux/process-tree.ts';
import type { ExecConfig, HealthResult } from '../../model/container.ts';
import { type Context, publish } from '../context.ts';
import { goDuration } from '../duration.ts';
import { execProcess } from '../exec-process.ts';
import { type Exec, markEnded } from '../exec-table.ts';
import { assertPipes } from '../process/pipes.ts';
import { execFailed, explainRuntimeError } from '../process/runtime-errors.ts';
import { timestamp } from '../record.ts';
import type { Container } from '../registry.ts';
import { runtimeArguments } from '../runtime.ts';
import { ProbeOutput } from './output.ts';
import type { HealthPlan } from './state.ts';

/** By this file's name among a runtime's arguments a probe is known that a berthd before this one began. */
export const PROBE_FILE = 'probe.json';
export const PID_FILE = 'pid';

/** Milliseconds that the runtime may take to begin the process: they are none of its own time. */
const LONGEST_START = 30_000;
/** Milliseconds after which a process that was to begin, or to end, is looked for again. */
const LOOK = 20;
/** Milliseconds that a runtime gets to end after its process was killed. */
const LONGEST_END = 2000;
/** Milliseconds for what is still in the pipes when the process has ended; a process left behind may hold them open. */
const LAST_WORDS = 100;

const configOf = ({ record: { config } }: Container, { command }: HealthPlan): ExecConfig => ({
  User: config.User,
  Privileged: false,
  Tty: false,
  AttachStdin: false,
  AttachStdout: true,
  AttachStderr: true,
  DetachKeys: '',
  Env: [],
  WorkingDir: config.WorkingDir,
  Cmd: command,
});

/** Does not throw: a probe that cannot be run has failed. After `signal` the processes are ended, and the result means nothing. */
export async function probe(
  context: Context,
  container: Container,
  plan: HealthPlan,
  signal: AbortSignal,
): Promise<HealthResult> {
  const Start = timestamp();
  const exec = context.execs.add(container, configOf(container, plan));
  const words = plan.command.join(' ');
  publish(context, container, `exec_create: ${words}`, { execID: exec.id });
  const directory = context.paths.exec(exec.id);
  let outcome;
  try {
    await context.probeTurns.next(signal);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const file = `${directory}/${PROBE_FILE}`;
    writeFileSync(file, JSON.stringify(execProcess(context, container, exec.config, undefined)), { mode: 0o600 });
    publish(context, container, `exec_start: ${words}`, { execID: exec.id });
    exec.state = 'running';
    outcome = await new ProbeProcess(context, exec, plan.timeout, signal).run();
  } catch (error) {
    outcome = { ExitCode: -1, Output: messageOf(error) };
  } finally {
    rmSync(directory, { recursive: true, force: true });
    // One every second for five minutes would be many.
    context.execs.forget(exec);
  }
  return { Start, End: timestamp(), ...outcome };
}

class ProbeProcess {
  readonly #context: Context;
  readonly #exec: Exec;
  readonly #timeout: number;
  readonly #signal: AbortSignal;
  readonly #directory: string;
  readonly #output = new ProbeOutput();
  readonly #spawned = Date.now();
  #timer: NodeJS.Timeout | undefined;
  /** Why it is being ended; since when, in milliseconds since 1970. */
  #ending: { why: 'timeout' | 'never began' | 'abort'; since: number } | undefined;

  constructor(context: Context, exec: Exec, timeout: number, signal: AbortSignal) {
    this.#context = context;
    this.#exec = exec;
    this.#timeout = timeout;
    this.#signal = signal;
    this.#directory = context.paths.exec(exec.id);
  }

  /** Throws what dockerd tells of a probe that did not come about. */
  async run(): Promise<Pick<HealthResult, 'ExitCode' | 'Output'>> {
    const { runtime } = this.#context;
    const { container, config } = this.#exec;
    const child = spawn(
      runtime.path,
      [
        ...runtimeArguments(this.#context),
        'exec',
        '--process',
        `${this.#directory}/${PROBE_FILE}`,
        '--pid-file',
        `${this.#directory}/${PID_FILE}`,
        container.id,
      ],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
        cwd: this.#directory,
        env: { PATH: process.env['PATH'] ?? '/usr/sbin:/usr/bin' },
      },
    );
    assertPipes(child, 'a probe');
    for (const stream of [child.stdout, child.stderr]) this.#collect(stream);
    const abort = (): void => this.#end(child, 'abort');
    this.#signal.addEventListener('abort', abort);
    this.#wait(child, this.#timeout);
    try {
      const code = await exitOf(child);
      const failure = this.#born() === undefined && code !== 0 && this.#ending === undefined;
      const { detail, exitCode } = failure
        ? explainRuntimeError(this.#output.text, config.Cmd[0] ?? '')
        : { detail: '', exitCode: code };
      this.#ended(exitCode);
      if (failure) throw system(execFailed(detail));
      return this.#result(code);
    } finally {
      clearTimeout(this.#timer);
      this.#signal.removeEventListener('abort', abort);
      this.#ended(137);
    }
  }

  #collect(stream: Readable | null): void {
    stream?.on('data', (data: Buffer) => {
      this.#output.add(data);
      if (!this.#output.full) return;
      // The rest is thrown away, but not as fast as a process can write: that would be all that berthd does.
      stream.pause();
      setTimeout(() => stream.resume(), LOOK).unref();
    });
  }

  #result(code: number): Pick<HealthResult, 'ExitCode' | 'Output'> {
    const { text } = this.#output;
    if (this.#ending?.why === 'never began') {
      throw system(`timed out starting health check for container ${this.#exec.container.id}`);
    }
    if (this.#ending?.why !== 'timeout') return { ExitCode: code, Output: text };
    const why = `Health check exceeded timeout (${goDuration(this.#timeout)})`;
    return { ExitCode: -1, Output: text === '' ? why : `${why}: ${text}` };
  }

  #ended(code: number): void {
    if (markEnded(this.#exec, code)) {
      publish(this.#context, this.#exec.container, 'exec_die', { execID: this.#exec.id, exitCode: String(code) });
    }
  }

  /** When the process began, by the file that the runtime wrote then: milliseconds since 1970. */
  #born(): number | undefined {
    return statSync(`${this.#directory}/${PID_FILE}`, { throwIfNoEntry: false })?.mtimeMs;
  }

  #wait(child: ChildProcess, delay: number): void {
    this.#timer = setTimeout(() => this.#look(child), Math.min(delay, 2 ** 31 - 1)).unref();
  }

  /** The time that the runtime needed to begin is added to that of the process. */
  #look(child: ChildProcess): void {
    const now = Date.now();
    const born = this.#born();
    if (born === undefined) {
      if (now - this.#spawned > LONGEST_START) this.#end(child, 'never began');
      else this.#wait(child, LOOK);
      return;
    }
    const left = born + this.#timeout - now;
    if (left > 0) this.#wait(child, left);
    else this.#end(child, 'timeout');
  }

  /** The process with all that it began; then the runtime ends by itself. One that does not is killed, too. */
  #end(child: ChildProcess, why: 'timeout' | 'never began' | 'abort'): void {
    clearTimeout(this.#timer);
    // The runtime is gone: nobody keeps the process's number any more.
    if (child.exitCode !== null || child.signalCode !== null) return;
    this.#ending ??= { why, since: Date.now() };
    const begun = killProbe(this.#directory);
    if (Date.now() - this.#ending.since > LONGEST_END || (why === 'never began' && !begun)) {
      child.kill('SIGKILL');
      return;
    }
    this.#timer = setTimeout(() => this.#end(child, why), LOOK * 5).unref();
  }
}

/** False when it did not begin yet. */
export function killProbe(directory: string): boolean {
  let pid;
  try {
    pid = Number(readFileSync(`${directory}/${PID_FILE}`, 'utf8'));
  } catch {
    return false;
  }
  const root = pid > 0 ? identify(pid) : undefined;
  if (root !== undefined) killTree(root);
  return pid > 0;
}

/** Resolves when it has ended and what it printed was read. */
async function exitOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', (cause) => reject(system(`the runtime cannot be started: ${cause.message}`, cause)));
    child.once('exit', (code, signal) => {
      const done = (): void => {
        clearTimeout(late);
        child.stdout?.destroy();
        child.stderr?.destroy();
        resolve(code ?? (signal === null ? 1 : 137));
      };
      const late = setTimeout(done, LAST_WORDS).unref();
      child.once('close', done);
    });
  });
}

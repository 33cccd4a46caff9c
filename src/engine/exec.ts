/** Further processes in a running container. They live in memory: a berthd that begins anew knows none of them. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { conflict, invalidParameter, messageOf, unavailable } from '../errors.ts';
import { identify, watchExit } from '../linux/pidfd.ts';
import type { ExecConfig } from '../model/container.ts';
import type { Json } from '../model/json.ts';
import { type Context, publish } from './context.ts';
import { parseDetachKeys } from './detach-keys.ts';
import { execProcess } from './exec-process.ts';
import { type Exec, markEnded } from './exec-table.ts';
import { answerInTime } from './helpers.ts';
import type { ExecStartOptions, Session } from './port.ts';
import { RuntimeError, spawnMonitor, type Monitor } from './process/monitor.ts';
import { execFailed, explainRuntimeError } from './process/runtime-errors.ts';
import { AttachSession } from './process/session.ts';
import type { Container } from './registry.ts';
import { runtimeArguments } from './runtime.ts';
import { resizeTerminal } from './terminal.ts';

export class Execs {
  readonly #context: Context;

  /** Those that are accepted and have no process yet: resolved, however that ends. */
  readonly #starting = new Map<string, Promise<void>>();

  constructor(context: Context) {
    this.#context = context;
  }

  create(container: Container, config: ExecConfig): { Id: string } {
    checkReady(container);
    if (config.DetachKeys !== '') parseDetachKeys(config.DetachKeys);
    const { id } = this.#context.execs.add(container, config);
    this.#publish(id, `exec_create: ${config.Cmd.join(' ')}`);
    return { Id: id };
  }

  async start(id: string, options: ExecStartOptions): Promise<Session | undefined> {
    const exec = this.#context.execs.find(id);
    const { container, config } = exec;
    if (exec.state === 'running') throw conflict(`exec command ${id} is already running`);
    if (exec.state === 'ended') throw conflict(`exec command ${id} has already run`);
    checkReady(container);
    exec.state = 'running';
    const created = Promise.withResolvers<void>();
    this.#starting.set(id, created.promise);
    const attached = !options.detach;
    const directory = this.#context.paths.exec(id);
    const session = attached
      ? new AttachSession({
          tty: config.Tty,
          stdin: config.AttachStdin,
          stdout: config.AttachStdout,
          stderr: config.AttachStderr,
          detachKeys: config.Tty ? parseDetachKeys(config.DetachKeys) : undefined,
          settled: exec.ended.promise,
          onDetach: () => this.#publish(id, 'exec_detach'),
        })
      : undefined;
    const monitor = { current: undefined as Monitor | undefined };
    try {
      await options.accepted?.();
      mkdirSync(`${directory}/x`, { recursive: true, mode: 0o700 });
      writeFileSync(
        `${directory}/process.json`,
        JSON.stringify(execProcess(this.#context, container, config, options.consoleSize)),
        {
          mode: 0o600,
        },
      );
      monitor.current = this.#monitor(exec, directory, attached);
      if (session !== undefined) {
        await answerInTime(this.#context, id, monitor.current.attachable());
        session.connect(`${directory}/attach`);
        monitor.current.go();
      }
      this.#publish(id, `exec_start: ${config.Cmd.join(' ')}`);
      exec.pid = await answerInTime(this.#context, id, monitor.current.create());
    } catch (error) {
      session?.abandon();
      monitor.current?.cancel();
      const failure =
        error instanceof RuntimeError ? explainRuntimeError(error.message, config.Cmd[0] ?? '') : undefined;
      this.#ended(exec, failure?.exitCode === 127 ? 127 : 126);
      if (failure === undefined) throw error;
      throw invalidParameter(execFailed(failure.detail), error);
    } finally {
      this.#starting.delete(id);
      created.resolve();
    }
    this.#watch(exec, directory);
    return session;
  }

  #watch(exec: Exec, directory: string): void {
    const done = (): void => this.#ended(exec, exitCode(directory, exec.container.id));
    let conmon;
    try {
      conmon = identify(Number(readFileSync(`${directory}/conmon.pid`, 'utf8')));
    } catch (error) {
      this.#context.log.debug('an exec ended at once', { exec: exec.id, error: messageOf(error) });
    }
    if (conmon === undefined) done();
    else exec.watch = watchExit(conmon, done);
  }

  #ended(exec: Exec, code: number): void {
    if (!markEnded(exec, code)) return;
    rmSync(this.#context.paths.exec(exec.id), { recursive: true, force: true });
    this.#publish(exec.id, 'exec_die', { exitCode: String(code) });
  }

  inspect(id: string): Json {
    const { container, config, state, exitCode: code, pid } = this.#context.execs.find(id);
    const [entrypoint = '', ...args] = config.Cmd;
    return {
      ID: id,
      Running: state === 'running',
      ExitCode: code,
      ProcessConfig: {
        tty: config.Tty,
        entrypoint,
        arguments: args,
        privileged: config.Privileged,
        ...(config.User === '' ? {} : { user: config.User }),
      },
      OpenStdin: config.AttachStdin,
      OpenStderr: config.AttachStderr,
      OpenStdout: config.AttachStdout,
      // dockerd's mark for what it is about to forget.
      CanRemove: false,
      ContainerID: container.id,
      DetachKeys: config.DetachKeys === '' ? '' : Buffer.from(parseDetachKeys(config.DetachKeys)).toString('base64'),
      Pid: pid,
    };
  }

  /** Clients know of an exec before there is its process. */
  async resize(id: string, height: number, width: number): Promise<void> {
    await this.#starting.get(id);
    const exec = this.#context.execs.find(id);
    if (exec.state !== 'running') throw unavailable(`exec process is not running: ${id}`);
    resizeTerminal(this.#context.paths.exec(id), height, width);
  }

  runningIn(container: Container): string[] {
    return this.#context.execs
      .of(container)
      .filter(({ state }) => state === 'running')
      .map(({ id }) => id);
  }

  /** Stops watching; the processes go on. */
  release(container: Container): void {
    for (const exec of this.#context.execs.of(container)) {
      exec.watch?.close();
      exec.ended.resolve();
    }
  }

  /** The container is gone, or its run: its execs with it. */
  forget(container: Container): void {
    for (const exec of this.#context.execs.of(container)) {
      exec.watch?.close();
      exec.ended.resolve();
      rmSync(this.#context.paths.exec(exec.id), { recursive: true, force: true });
      this.#context.execs.forget(exec);
    }
  }

  #publish(id: string, action: string, extra: Readonly<Record<string, string>> = {}): void {
    const exec = this.#context.execs.get(id);
    if (exec !== undefined) publish(this.#context, exec.container, action, { execID: id, ...extra });
  }

  #monitor({ id, container, config }: Exec, directory: string, attach: boolean): Monitor {
    return spawnMonitor({
      conmon: this.#context.conmon,
      runtime: this.#context.runtime.path,
      runtimeArgs: runtimeArguments(this.#context),
      containerId: container.id,
      unitId: id,
      name: container.record.name,
      bundle: directory,
      exitDir: `${directory}/x`,
      logPath: undefined,
      logSizeMax: undefined,
      tty: config.Tty,
      stdin: config.AttachStdin && attach,
      leaveStdinOpen: false,
      exec: { processFile: `${directory}/process.json`, attach },
    });
  }
}

function checkReady({ id, record: { state } }: Container): void {
  if (state.Restarting) throw conflict(`Container ${id} is restarting, wait until the container is running`);
  if (!state.Running) throw conflict(`container ${id} is not running`);
  if (state.Paused) throw conflict(`Container ${id} is paused, unpause the container before exec`);
}

function exitCode(directory: string, containerId: string): number {
  try {
    return Number(readFileSync(`${directory}/x/${containerId}`, 'utf8'));
  } catch {
    return 137;
  }
}

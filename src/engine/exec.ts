/** Further processes in a running container. They live in memory: a berthd that begins anew knows none of them. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { conflict, invalidParameter, messageOf, notFound, unavailable } from '../errors.ts';
import { identify, watchExit } from '../linux/pidfd.ts';
import type { ExecConfig } from '../model/container.ts';
import type { Json } from '../model/json.ts';
import { type Context, publish } from './context.ts';
import { parseDetachKeys } from './detach-keys.ts';
import { answerInTime } from './helpers.ts';
import type { ExecStartOptions, Session } from './port.ts';
import { RuntimeError, spawnMonitor, type Monitor } from './process/monitor.ts';
import { execFailed, explainRuntimeError } from './process/runtime-errors.ts';
import { AttachSession } from './process/session.ts';
import type { Container } from './registry.ts';
import { identityIn } from './rootfs.ts';
import { runtimeArguments } from './runtime.ts';
import { environment, capabilitySets, securityOptions } from './spec/spec.ts';
import type { OciProcess } from './spec/oci.ts';
import { resizeTerminal } from './terminal.ts';

interface Exec {
  id: string;
  container: Container;
  config: ExecConfig;
  state: 'created' | 'running' | 'ended';
  exitCode: number | null;
  pid: number;
  /** Milliseconds since 1970. */
  endedAt: number;
  watch?: { close(): void };
  ended: PromiseWithResolvers<void>;
}

/** Finished ones can be asked for their exit code for five minutes, as with dockerd. */
const KEPT = 5 * 60_000;

export class Execs {
  readonly #context: Context;
  readonly #byId = new Map<string, Exec>();

  /** Those that are accepted and have no process yet: resolved, however that ends. */
  readonly #starting = new Map<string, Promise<void>>();

  constructor(context: Context) {
    this.#context = context;
  }

  create(container: Container, config: ExecConfig): { Id: string } {
    const { record } = container;
    if (!container.running) {
      throw conflict(
        record.state.Restarting
          ? `Container ${record.id} is restarting, wait until the container is running`
          : `container ${record.id} is not running`,
      );
    }
    if (config.DetachKeys !== '') parseDetachKeys(config.DetachKeys);
    this.#sweep();
    const id = randomBytes(32).toString('hex');
    this.#byId.set(id, {
      id,
      container,
      config,
      state: 'created',
      exitCode: null,
      pid: 0,
      endedAt: 0,
      ended: Promise.withResolvers(),
    });
    container.execs.add(id);
    this.#publish(id, `exec_create: ${config.Cmd.join(' ')}`);
    return { Id: id };
  }

  async start(id: string, options: ExecStartOptions): Promise<Session | undefined> {
    const exec = this.#find(id);
    const { container, config } = exec;
    if (exec.state === 'running') throw conflict(`exec command ${id} is already running`);
    if (exec.state === 'ended') throw conflict(`exec command ${id} has already run`);
    if (!container.running) throw conflict(`container ${container.id} is not running`);
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
      writeFileSync(`${directory}/process.json`, JSON.stringify(this.#process(exec, options.consoleSize)), {
        mode: 0o600,
      });
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
    if (exec.state === 'ended') return;
    exec.state = 'ended';
    exec.exitCode = code;
    exec.endedAt = Date.now();
    exec.ended.resolve();
    rmSync(this.#context.paths.exec(exec.id), { recursive: true, force: true });
    this.#publish(exec.id, 'exec_die', { exitCode: String(code) });
  }

  inspect(id: string): Json {
    const { container, config, state, exitCode: code, pid } = this.#find(id);
    const [entrypoint = '', ...args] = config.Cmd;
    return {
      ID: id,
      Running: state === 'running',
      ExitCode: code,
      ProcessConfig: { tty: config.Tty, entrypoint, arguments: args, privileged: config.Privileged, user: config.User },
      OpenStdin: config.AttachStdin,
      OpenStderr: config.AttachStderr,
      OpenStdout: config.AttachStdout,
      CanRemove: state === 'ended',
      ContainerID: container.id,
      DetachKeys: config.DetachKeys === '' ? '' : Buffer.from(parseDetachKeys(config.DetachKeys)).toString('base64'),
      Pid: pid,
    };
  }

  /** Clients know of an exec before there is its process. */
  async resize(id: string, height: number, width: number): Promise<void> {
    await this.#starting.get(id);
    const exec = this.#find(id);
    if (exec.state !== 'running') throw unavailable(`exec process is not running: ${id}`);
    resizeTerminal(this.#context.paths.exec(id), height, width);
  }

  runningIn(container: Container): string[] {
    return [...container.execs].filter((id) => this.#byId.get(id)?.state === 'running');
  }

  /** Stops watching; the processes go on. */
  release(container: Container): void {
    for (const id of container.execs) {
      this.#byId.get(id)?.watch?.close();
      this.#byId.get(id)?.ended.resolve();
    }
  }

  /** The container is gone, or its run: its execs with it. */
  forget(container: Container): void {
    for (const id of container.execs) {
      const exec = this.#byId.get(id);
      exec?.watch?.close();
      exec?.ended.resolve();
      rmSync(this.#context.paths.exec(id), { recursive: true, force: true });
      this.#byId.delete(id);
    }
    container.execs.clear();
  }

  /** Unknown, or of a container that stopped. */
  #find(id: string): Exec {
    const exec = this.#byId.get(id);
    if (exec === undefined) throw notFound(`No such exec instance: ${id}`);
    return exec;
  }

  #sweep(): void {
    const before = Date.now() - KEPT;
    for (const exec of this.#byId.values()) {
      if (exec.state === 'running' || (exec.state === 'ended' && exec.endedAt > before)) continue;
      if (exec.state === 'created' && exec.container.running) continue;
      this.#byId.delete(exec.id);
      exec.container.execs.delete(exec.id);
    }
  }

  #publish(id: string, action: string, extra: Readonly<Record<string, string>> = {}): void {
    const exec = this.#byId.get(id);
    if (exec !== undefined) publish(this.#context, exec.container, action, { execID: id, ...extra });
  }

  #process({ container, config }: Exec, size: [number, number] | undefined): OciProcess {
    const { record } = container;
    const host = record.hostConfig;
    // Its own view of the root: what is mounted over /etc/passwd counts.
    const root = `/proc/${record.state.Pid}/root`;
    const identity = identityIn(root, config.User || record.config.User, host.GroupAdd ?? []);
    const capabilities = capabilitySets(
      { add: host.CapAdd ?? [], drop: host.CapDrop ?? [], privileged: host.Privileged || config.Privileged },
      this.#context.capabilities,
      identity.uid,
    );
    const security = securityOptions(host.SecurityOpt ?? []);
    const own = { ...record.config, Env: [...record.config.Env, ...config.Env] };
    const consoleSize = config.ConsoleSize ?? size;
    return {
      terminal: config.Tty,
      ...(config.Tty && consoleSize !== undefined && consoleSize[0] > 0
        ? { consoleSize: { height: consoleSize[0], width: consoleSize[1] } }
        : {}),
      user: {
        uid: identity.uid,
        gid: identity.gid,
        ...(identity.additionalGids.length > 0 ? { additionalGids: identity.additionalGids } : {}),
      },
      args: config.Cmd,
      env: environment(own, identity.home, record.config.Hostname, config.Tty),
      cwd: config.WorkingDir || record.config.WorkingDir || '/',
      capabilities: capabilities.sets,
      noNewPrivileges: security.noNewPrivileges ?? this.#context.settings.noNewPrivileges,
    };
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

function exitCode(directory: string, containerId: string): number {
  try {
    return Number(readFileSync(`${directory}/x/${containerId}`, 'utf8'));
  } catch {
    return 137;
  }
}

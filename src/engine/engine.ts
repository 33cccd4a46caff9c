/** The engine: `Containers` for the API, `ImageUse` for the images, and its own beginning and end. */
import { mkdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { conflict, invalidParameter, unavailable } from '../errors.ts';
import { hierarchies, processesIn, removeIfEmpty } from '../linux/cgroup.ts';
import type { Filters, Json } from '../model/json.ts';
import { type Context, type EngineDeps, type Runtime, cgroupOf, parentCgroup, publish, save } from './context.ts';
import { createContainer } from './create.ts';
import { parseDetachKeys } from './detach-keys.ts';
import { diskSize } from './disk.ts';
import { Execs, resizeTerminal } from './exec.ts';
import { applyFilters, checkFilters, matchesLabels, showsStopped } from './filters.ts';
import { findProgram } from './host-facts.ts';
import type { ImageUse } from './images/port.ts';
import { readLogs, type LogSource } from './logs.ts';
import { checkName } from './names.ts';
import { pathsOf } from './paths.ts';
import type { AttachOptions, Containers, LogFrame, Session, WaitCondition } from './port.ts';
import { AttachSession } from './process/session.ts';
import { SeccompFilters } from './process/seccomp-filters.ts';
import { type Container, Registry } from './registry.ts';
import { restoreContainers, startByPolicy } from './restore.ts';
import { startContainer } from './start.ts';
import { killContainer, removeContainer, stopContainer } from './stop.ts';
import { top } from './top.ts';
import { inspectView } from './views/inspect.ts';
import { listView } from './views/list.ts';

/** Milliseconds that shutdown() waits for an operation under way. */
const LONGEST_END = 2000;

export interface Engine extends Containers, ImageUse {
  /** Takes over what runs, ends the rest, applies restart policies. Before the first request. */
  restore(): Promise<void>;
  /** Containers go on; the engine begins nothing new and watches nothing any more. */
  shutdown(): Promise<void>;
}

/** Absolute paths of conmon and of the runtime; Unavailable names what to install. */
function findRuntime(deps: EngineDeps): { conmon: string; runtime: Runtime } {
  const conmon = findProgram('conmon');
  if (conmon === undefined) throw unavailable('missing conmon: install it (Debian: apt-get install conmon)');
  let wanted = deps.settings.runtime;
  if (basename(wanted) === 'crun' && deps.hybridCgroups === 'refused') {
    deps.log.warn(
      'crun does not work beside the cgroup2 mount of this host, and berthd may not leave for a mount namespace without it: runc is used',
    );
    wanted = 'runc';
  }
  const path = findProgram(wanted);
  if (path === undefined) throw unavailable(`missing ${wanted}: install it (Debian: apt-get install ${wanted})`);
  return { conmon, runtime: { path, kind: basename(path) === 'crun' ? 'crun' : 'runc' } };
}

function capabilityBounds(): bigint {
  const line = /^CapBnd:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return BigInt(`0x${line ?? '0'}`);
}

export async function createEngine(deps: EngineDeps): Promise<Engine> {
  const { settings } = deps;
  const paths = pathsOf(settings.dataRoot, settings.execRoot);
  for (const directory of [paths.containers, paths.volumes, paths.bundles, paths.execs, paths.runtime]) {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  }
  const context: Context = {
    ...deps,
    ...findRuntime(deps),
    paths,
    registry: new Registry(),
    filters: new SeccompFilters(),
    capabilities: capabilityBounds(),
    cgroupV2: hierarchies().every(({ version }) => version === 2),
    ending: false,
  };
  return Promise.resolve(new BerthEngine(context));
}

class BerthEngine implements Engine {
  readonly #context: Context;
  readonly #execs: Execs;

  constructor(context: Context) {
    this.#context = context;
    this.#execs = new Execs(context);
  }

  #find(ref: string): Container {
    return this.#context.registry.find(ref);
  }

  async restore(): Promise<void> {
    await restoreContainers(this.#context);
    await startByPolicy(this.#context);
  }

  async shutdown(): Promise<void> {
    this.#context.ending = true;
    for (const container of this.#context.registry.all()) {
      if (container.restart !== undefined) clearTimeout(container.restart.timer);
      for (const session of container.pending) session.abandon();
      // What is under way is waited for, but not for ever: a hung runtime must not hold the daemon.
      await Promise.race([
        container.lock.run(async () => Promise.resolve()),
        sleep(LONGEST_END, undefined, { ref: false }),
      ]);
      container.watch?.close();
      container.watch = undefined;
      this.#execs.release(container);
    }
    removeIfEmpty(`/${parentCgroup(this.#context, '')}`);
  }

  usersOf(imageId: string): { id: string; name: string; running: boolean }[] {
    return this.#context.registry
      .all()
      .filter(({ record }) => record.imageId === imageId)
      .map(({ id, record, running }) => ({ id, name: record.name, running }));
  }

  create: Containers['create'] = async (request) => createContainer(this.#context, request);

  async start(ref: string): Promise<void> {
    const container = this.#find(ref);
    await container.lock.run(async () => startContainer(this.#context, container));
  }

  async stop(ref: string, options: { signal?: string; timeout?: number }): Promise<void> {
    await stopContainer(this.#context, this.#find(ref), options);
  }

  async restart(ref: string, options: { signal?: string; timeout?: number }): Promise<void> {
    const container = this.#find(ref);
    if (container.running || container.record.state.Restarting) {
      // A restart is no end: --rm does not remove.
      const { hostConfig } = container.record;
      const { AutoRemove } = hostConfig;
      hostConfig.AutoRemove = false;
      try {
        await stopContainer(this.#context, container, options);
      } catch (error) {
        if (container.running) throw error;
      } finally {
        hostConfig.AutoRemove = AutoRemove;
      }
    }
    await container.lock.run(async () => {
      if (!container.running) await startContainer(this.#context, container);
    });
    publish(this.#context, container, 'restart');
  }

  async kill(ref: string, signal: string): Promise<void> {
    const container = this.#find(ref);
    await Promise.resolve();
    killContainer(this.#context, container, signal);
  }

  async rename(ref: string, name: string): Promise<void> {
    const { registry } = this.#context;
    const container = this.#find(ref);
    checkName(name);
    await container.lock.run(async () => {
      const old = container.record.name;
      if (old === name) {
        throw invalidParameter('Renaming a container with the same name as its current name');
      }
      registry.reserve(name, container.id);
      registry.release(old, container.id);
      container.record.name = name;
      save(this.#context, container);
      publish(this.#context, container, 'rename', { oldName: `/${old}` });
      return Promise.resolve();
    });
  }

  async remove(ref: string, options: { force: boolean; volumes: boolean; link: boolean }): Promise<void> {
    const container = this.#find(ref);
    if (options.link) throw invalidParameter(`Conflict, cannot remove the default link name of the container ${ref}`);
    await removeContainer(this.#context, container, options);
    this.#execs.forget(container);
  }

  async wait(ref: string, condition: WaitCondition, signal: AbortSignal): Promise<{ done: Promise<Json> }> {
    const container = this.#find(ref);
    await Promise.resolve();
    const { state } = container.record;
    if (condition === 'not-running' && !state.Running && !state.Restarting) {
      return { done: Promise.resolve({ StatusCode: state.ExitCode }) };
    }
    const done = container.moments.wait(condition === 'removed' ? 'removed' : 'exit', signal);
    // A client that goes before anything happens is nobody's error.
    done.catch(() => undefined);
    return { done };
  }

  async list(options: { all: boolean; limit: number; size: boolean; filters: Filters }): Promise<Json[]> {
    const { registry, sandboxes, images } = this.#context;
    checkFilters(options.filters);
    const ancestors = new Set<string>();
    for (const ref of options.filters.get('ancestor') ?? []) {
      const image = await images.resolve(ref).catch(() => undefined);
      if (image !== undefined) ancestors.add(image.id);
    }
    const hidden = !options.all && options.limit === 0 && !showsStopped(options.filters);
    const candidates = registry
      .all()
      .filter(({ running, record }) => !hidden || running || record.state.Restarting)
      .map((container) => ({ record: container.record, sandbox: sandboxes.view(container.id) }))
      .toSorted((a, b) => (a.record.created < b.record.created ? 1 : -1));
    const found = applyFilters(candidates, options.filters, {
      createdOf: (ref) => registry.find(ref).record.created,
      ancestors,
    });
    const shown = options.limit > 0 ? found.slice(0, options.limit) : found;
    const now = Date.now();
    return Promise.all(
      shown.map(async ({ record, sandbox }) =>
        listView(record, sandbox, options.size ? await this.#size(record.id, record.lowerDirs) : undefined, now),
      ),
    );
  }

  async #size(id: string, lowerDirs: readonly string[]): Promise<{ rw: number; rootFs: number }> {
    const rw = await diskSize(this.#context.paths.upper(id));
    let rootFs = rw;
    for (const directory of lowerDirs) rootFs += await diskSize(directory);
    return { rw, rootFs };
  }

  async inspect(ref: string, options: { size: boolean }): Promise<Json> {
    const { paths, sandboxes } = this.#context;
    const container = this.#find(ref);
    const { record, id } = container;
    return inspectView({
      record,
      sandbox: sandboxes.view(id),
      execIds: this.#execs.runningIn(container),
      paths: {
        log: paths.log(id),
        files: paths.netFiles(id),
        upper: paths.upper(id),
        work: paths.work(id),
        merged: paths.rootfs(id),
      },
      size: options.size ? await this.#size(id, record.lowerDirs) : undefined,
    });
  }

  #logSource(container: Container): LogSource {
    return {
      path: this.#context.paths.log(container.id),
      live: () => container.running || container.record.state.Restarting,
      onEnd: (told) => container.moments.listen(told),
    };
  }

  logs: Containers['logs'] = async (ref, options, signal) => {
    const container = this.#find(ref);
    const { config, hostConfig } = container.record;
    if (hostConfig.LogConfig.Type === 'none') {
      throw conflict('configured logging driver does not support reading');
    }
    await Promise.resolve();
    return { tty: config.Tty, frames: readLogs(this.#logSource(container), options, signal) };
  };

  async attach(ref: string, options: AttachOptions): Promise<Session> {
    const container = this.#find(ref);
    const { config, state } = container.record;
    if (state.Paused) throw conflict(`container ${container.id} is paused, unpause the container before attach`);
    if (state.Restarting) {
      throw conflict(`container ${container.id} is restarting, wait until the container is running`);
    }
    const keys = parseDetachKeys(options.detachKeys);
    const logged = options.logs ? this.#logged(container, options) : undefined;
    const session = new AttachSession({
      tty: config.Tty,
      stdin: options.stdin && options.stream && config.OpenStdin,
      stdout: options.stdout,
      stderr: options.stderr,
      ...(logged === undefined ? {} : { before: logged }),
      detachKeys: config.Tty ? keys : undefined,
      onDetach: () => publish(this.#context, container, 'detach'),
      onClose: () => container.pending.delete(session),
    });
    publish(this.#context, container, 'attach');
    if (!options.stream) session.finish();
    else if (!container.running) container.pending.add(session);
    else {
      try {
        session.connect(this.#context.paths.attach(container.id));
      } catch {
        // It ended meanwhile: there is nothing to come.
        session.finish();
      }
    }
    return Promise.resolve(session);
  }

  #logged(container: Container, options: AttachOptions): AsyncIterable<LogFrame> {
    const { stdout, stderr } = options;
    return readLogs(
      this.#logSource(container),
      { stdout, stderr, follow: false, since: undefined, until: undefined, tail: undefined },
      new AbortController().signal,
    );
  }

  async resize(ref: string, height: number, width: number): Promise<void> {
    const container = this.#find(ref);
    await Promise.resolve();
    if (!container.running) throw conflict(`container ${container.id} is not running`);
    resizeTerminal(this.#context.paths.bundle(container.id), height, width);
    publish(this.#context, container, 'resize', { height: String(height), width: String(width) });
  }

  async top(ref: string, psArguments: string): Promise<Json> {
    const container = this.#find(ref);
    if (!container.running) throw conflict(`container ${container.id} is not running`);
    const result = await top(psArguments, new Set(processesIn(cgroupOf(this.#context, container))));
    publish(this.#context, container, 'top');
    return { ...result };
  }

  async prune(filters: Filters): Promise<{ ContainersDeleted: string[]; SpaceReclaimed: number }> {
    const { registry, paths } = this.#context;
    const until = filters.get('until');
    const before = until === undefined ? Infinity : Math.min(...until.map(pruneTime));
    const ContainersDeleted: string[] = [];
    let SpaceReclaimed = 0;
    for (const container of registry.all()) {
      const { record } = container;
      if (container.running || record.state.Restarting || container.removing) continue;
      if (Date.parse(record.created) > before) continue;
      if (!matchesLabels(record.config.Labels, filters.get('label') ?? [])) continue;
      const not = filters.get('label!') ?? [];
      if (not.length > 0 && matchesLabels(record.config.Labels, not)) continue;
      const size = await diskSize(paths.upper(container.id));
      try {
        await removeContainer(this.#context, container, { force: false, volumes: false });
        this.#execs.forget(container);
      } catch (error) {
        this.#context.log.warn('prune left a container', { container: container.id, error: String(error) });
        continue;
      }
      ContainersDeleted.push(container.id);
      SpaceReclaimed += size;
    }
    this.#context.publish('container', 'prune', '', { reclaimed: String(SpaceReclaimed) });
    return { ContainersDeleted, SpaceReclaimed };
  }

  execCreate: Containers['execCreate'] = async (ref, config) =>
    Promise.resolve(this.#execs.create(this.#find(ref), config));

  execStart: Containers['execStart'] = async (id, options) => this.#execs.start(id, options);

  async execInspect(id: string): Promise<Json> {
    await Promise.resolve();
    return this.#execs.inspect(id);
  }

  async execResize(id: string, height: number, width: number): Promise<void> {
    await Promise.resolve();
    this.#execs.resize(id, height, width);
  }

  counts(): { total: number; running: number; paused: number; stopped: number } {
    const all = this.#context.registry.all();
    const running = all.filter((container) => container.running).length;
    return { total: all.length, running, paused: 0, stopped: all.length - running };
  }
}

/** Milliseconds since 1970 of a time, a Unix time, or a span before now ('10m', '1h30m'). */
function pruneTime(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  const span = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/.exec(text);
  if (span !== null && text !== '') {
    const [, hours = 0, minutes = 0, seconds = 0] = span;
    return Date.now() - (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1000;
  }
  const time = Date.parse(text);
  if (Number.isNaN(time))
    throw invalidParameter(`invalid filter 'until=${text}': failed to parse value as time or duration`);
  return time;
}

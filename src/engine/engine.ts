/** The engine: `Containers` for the API, `ImageUse` for the images, and its own beginning and end. */
import { mkdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { conflict } from '../errors.ts';
import { processesIn, removeIfEmpty } from '../linux/cgroup.ts';
import { hierarchies } from '../linux/cgroup-hierarchies.ts';
import type { ContainerUpdate, EndpointSettings, PortMap } from '../model/container.ts';
import type { Json } from '../model/json.ts';
import { attachTo, logsOf, resizeContainer } from './attach.ts';
import { connectContainer, disconnectContainer } from './connect.ts';
import { type Context, type EngineDeps, cgroupOf, parentCgroup, publish } from './context.ts';
import { createContainer } from './create.ts';
import { Execs } from './exec.ts';
import { ExecTable } from './exec-table.ts';
import { Turns } from './health/turns.ts';
import { Files } from './files/files.ts';
import type { ContainerFiles } from './files/port.ts';
import type { ImageUse } from './images/port.ts';
import { removeLink } from './links.ts';
import { pathsOf } from './paths.ts';
import { pauseContainer, unpauseContainer } from './pause.ts';
import type { AttachOptions, Containers, Session, WaitCondition } from './port.ts';
import { SeccompFilters } from './process/seccomp-filters.ts';
import { capabilityBounds, findRuntime } from './programs.ts';
import { pruneContainers } from './prune.ts';
import { publishPorts } from './publish.ts';
import { type Container, Registry } from './registry.ts';
import { renameContainer } from './rename.ts';
import { restartContainer } from './restart.ts';
import { restoreContainers, startByPolicy } from './restore.ts';
import { inspectContainer, listContainers } from './show.ts';
import { startAsAsked, startContainer } from './start.ts';
import { Samplers } from './stats/samplers.ts';
import { statsOf } from './stats/stats.ts';
import { stopAll } from './stop-all.ts';
import { killContainer, removeContainer, stopContainer } from './stop.ts';
import { top } from './top.ts';
import { updateContainer } from './update.ts';
import { VolumeBook } from './volumes/book.ts';
import type { Volumes } from './volumes/port.ts';
import { createVolumes } from './volumes/volumes.ts';

/** Milliseconds that shutdown() waits for an operation under way. */
const LONGEST_END = 2000;

export interface Engine extends Containers, ImageUse {
  readonly files: ContainerFiles;
  readonly volumes: Volumes;
  /** Takes over what runs, ends the rest, applies restart policies. Before the first request. */
  restore(): Promise<void>;
  /** Containers go on, unless the settings say otherwise; the engine begins nothing new and watches nothing any more. */
  shutdown(): Promise<void>;
}

export async function createEngine(deps: EngineDeps): Promise<Engine> {
  const { settings } = deps;
  const paths = pathsOf(settings.dataRoot, settings.execRoot);
  for (const directory of [paths.containers, paths.volumes, paths.bundles, paths.execs, paths.runtime]) {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  }
  const registry = new Registry();
  const context: Context = {
    ...deps,
    ...findRuntime(deps),
    paths,
    registry,
    volumes: new VolumeBook({ ...deps, paths, registry }),
    filters: new SeccompFilters(),
    execs: new ExecTable(),
    probeTurns: new Turns(),
    capabilities: capabilityBounds(),
    cgroupV2: hierarchies().every(({ version }) => version === 2),
    start: async (container) => startContainer(context, container),
    ending: false,
  };
  return Promise.resolve(new BerthEngine(context));
}

class BerthEngine implements Engine {
  readonly volumes: Volumes;
  readonly #context: Context;
  readonly #execs: Execs;
  readonly files: ContainerFiles;
  readonly #samplers = new Samplers();

  constructor(context: Context) {
    this.#context = context;
    this.#execs = new Execs(context);
    this.files = new Files(context);
    this.volumes = createVolumes(context);
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
    if (this.#context.settings.liveRestore === false) await stopAll(this.#context);
    const probes = this.#context.registry.all().map(async ({ health }) => health?.end());
    await Promise.race([Promise.all(probes), sleep(LONGEST_END, undefined, { ref: false })]);
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
    await container.lock.run(async () => startAsAsked(this.#context, container));
  }

  async stop(ref: string, options: { signal?: string; timeout?: number }): Promise<void> {
    await stopContainer(this.#context, this.#find(ref), options);
  }

  async restart(ref: string, options: { signal?: string; timeout?: number }): Promise<void> {
    await restartContainer(this.#context, this.#find(ref), options);
  }

  async kill(ref: string, signal: string): Promise<void> {
    await killContainer(this.#context, this.#find(ref), signal, ref);
  }

  async pause(ref: string): Promise<void> {
    await pauseContainer(this.#context, this.#find(ref));
  }

  async unpause(ref: string): Promise<void> {
    await unpauseContainer(this.#context, this.#find(ref));
  }

  async update(ref: string, change: ContainerUpdate): Promise<{ Warnings: string[] }> {
    return updateContainer(this.#context, this.#find(ref), change);
  }

  async rename(ref: string, name: string): Promise<void> {
    await renameContainer(this.#context, this.#find(ref), name);
  }

  async remove(ref: string, options: { force: boolean; volumes: boolean; link: boolean }): Promise<void> {
    if (options.link) return removeLink(this.#context, ref);
    const container = this.#find(ref);
    await removeContainer(this.#context, container, options);
    this.#execs.forget(container);
  }

  async connect(ref: string, network: string, settings: EndpointSettings): Promise<void> {
    await connectContainer(this.#context, this.#find(ref), network, settings);
  }

  async disconnect(ref: string, network: string, options: { force: boolean }): Promise<void> {
    await disconnectContainer(this.#context, this.#find(ref), network, options);
  }

  async publish(ref: string, change: { add: PortMap; remove: PortMap }): Promise<{ Ports: PortMap }> {
    return publishPorts(this.#context, this.#find(ref), change);
  }

  async wait(ref: string, condition: WaitCondition, signal: AbortSignal): Promise<{ done: Promise<Json> }> {
    const container = this.#find(ref);
    await Promise.resolve();
    const { state } = container.record;
    if (condition === 'not-running' && !state.Running && !state.Restarting) {
      const failed = state.Error === '' ? {} : { Error: { Message: state.Error } };
      return { done: Promise.resolve({ StatusCode: state.ExitCode, ...failed }) };
    }
    const done = container.moments.wait(condition === 'removed' ? 'removed' : 'exit', signal);
    // A client that goes before anything happens is nobody's error.
    done.catch(() => undefined);
    return { done };
  }

  list: Containers['list'] = async (options) => listContainers(this.#context, options);

  async inspect(ref: string, options: { size: boolean }): Promise<Json> {
    const container = this.#find(ref);
    return inspectContainer(this.#context, container, this.#execs.runningIn(container), options);
  }

  logs: Containers['logs'] = async (ref, options, signal) =>
    Promise.resolve(logsOf(this.#context, this.#find(ref), options, signal));

  async attach(ref: string, options: AttachOptions): Promise<Session> {
    return Promise.resolve(attachTo(this.#context, this.#find(ref), options));
  }

  async resize(ref: string, height: number, width: number): Promise<void> {
    await Promise.resolve();
    resizeContainer(this.#context, this.#find(ref), height, width);
  }

  async top(ref: string, psArguments: string): Promise<Json> {
    const container = this.#find(ref);
    if (!container.running) throw conflict(`container ${container.id} is not running`);
    const result = await top(psArguments, new Set(processesIn(cgroupOf(this.#context, container))));
    publish(this.#context, container, 'top');
    return { ...result };
  }

  stats: Containers['stats'] = async (ref, options, signal) =>
    Promise.resolve(statsOf(this.#context, this.#samplers, this.#find(ref), options, signal));

  prune: Containers['prune'] = async (filters) =>
    pruneContainers(this.#context, filters, (container) => this.#execs.forget(container));

  execCreate: Containers['execCreate'] = async (ref, config) =>
    Promise.resolve(this.#execs.create(this.#find(ref), config));

  execStart: Containers['execStart'] = async (id, options) => this.#execs.start(id, options);

  async execInspect(id: string): Promise<Json> {
    await Promise.resolve();
    return this.#execs.inspect(id);
  }

  async execResize(id: string, height: number, width: number): Promise<void> {
    await Promise.resolve();
    await this.#execs.resize(id, height, width);
  }

  counts(): { total: number; running: number; paused: number; stopped: number } {
    const all = this.#context.registry.all();
    const paused = all.filter(({ record }) => record.state.Paused).length;
    const running = all.filter((container) => container.running).length - paused;
    return { total: all.length, running, paused, stopped: all.length - running - paused };
  }
}

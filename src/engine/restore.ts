/**
 * A daemon that begins: what its predecessor left. Each record is compared with the processes, files and control groups
 * that are there; what nobody owns is removed. Works after an orderly end, after kill -9 at any moment, after a reboot.
 */
import { NO_SETTINGS } from '../model/container.ts';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { messageOf } from '../errors.ts';
import { groupsBelow, processesIn, removeCgroup } from '../linux/cgroup.ts';
import { mountPoints, unmount } from '../linux/mounts.ts';
import { isAlive } from '../linux/pidfd.ts';
import type { EndpointSettings, NetworkingConfig } from '../model/container.ts';
import type { EndpointView } from '../network/port.ts';
import { attachmentsOf, isJoined, known, nameOf } from './attachments.ts';
import { type Context, cgroupOf, parentCgroup, publish, save } from './context.ts';
import { cleanUp, finish, startAgain, watchContainer } from './exit.ts';
import { endProbes } from './health/leftovers.ts';
import { restoreHealth } from './health/monitor.ts';
import { endInterruptedCommits } from './files/commit.ts';
import { endHelpers } from './helpers.ts';
import { agreeOnPause } from './pause.ts';
import { NEVER, timestamp, type ContainerRecord } from './record.ts';
import { Container } from './registry.ts';
import { removeStopped } from './remove.ts';
import { startsWithDaemon } from './restart-policy.ts';
import { loadVolumes, sweepVolumes, takeOverVolumes } from './volumes/restore.ts';

const ID = /^[0-9a-f]{64}$/;

const entries = (directory: string): string[] => (existsSync(directory) ? readdirSync(directory) : []);

export async function restoreContainers(context: Context): Promise<void> {
  const { registry, store, sandboxes, log } = context;
  loadVolumes(context);
  for (const record of store.list<StoredRecord>('container')) registry.add(new Container(upToDate(record)));
  takeOverVolumes(context);
  const running = new Map<string, { pid: number; name: string }>();
  const ended: Container[] = [];
  for (const container of registry.all()) {
    const { record } = container;
    if (!record.state.Running) continue;
    if (lives(context, container)) running.set(record.id, { pid: record.state.Pid, name: record.name });
    else ended.push(container);
  }
  const existing = new Map(registry.all().map(({ id, record }) => [id, record.networks]));
  await sandboxes.restore(running, existing);
  for (const container of registry.all()) {
    if (!running.has(container.id)) continue;
    agree(context, container);
    container.startedAt = Date.parse(container.record.state.StartedAt);
    agreeOnPause(context, container);
    watchContainer(context, container);
  }
  endInterruptedCommits(context);
  const attempt = async (container: Container, what: string, body: () => Promise<void>): Promise<void> => {
    try {
      await container.lock.run(body);
    } catch (error) {
      log.error(`${what} failed`, { container: container.id, error: messageOf(error) });
    }
  };
  for (const container of ended) {
    await attempt(container, 'ending a container', async () => endOf(context, container));
    // Restarts that are due come last (startByPolicy): what runs before is taken for a leftover.
    if (container.restart !== undefined) clearTimeout(container.restart.timer);
    container.restart = undefined;
  }
  await sweep(context, running);
  // Not before the probes of the last berthd are gone: they are told from these by nothing.
  for (const container of registry.all()) restoreHealth(context, container);
  await sweepVolumes(context, running);
  for (const container of registry.all()) {
    const { state, hostConfig } = container.record;
    const unfinished = state.Status === 'removing' || state.Dead;
    if (unfinished || (hostConfig.AutoRemove && !state.Running && state.Status === 'exited')) {
      await attempt(container, 'removing a container', async () =>
        removeStopped(context, container, { volumes: hostConfig.AutoRemove }),
      );
    } else if (!existsSync(context.paths.container(container.id))) {
      log.warn('the files of a container are gone: its changes and logs are lost', { container: container.id });
    }
  }
}

type StoredRecord = Omit<ContainerRecord, 'networks'> &
  Partial<Pick<ContainerRecord, 'networks'>> & { networking?: NetworkingConfig };

/** Version 0.1 kept the request's settings instead of the networks. */
function upToDate({ networking, networks, ...record }: StoredRecord): ContainerRecord {
  if (networks !== undefined) return { ...record, networks };
  const mode = record.hostConfig.NetworkMode;
  const asked = isJoined(mode) ? {} : (networking?.EndpointsConfig ?? {});
  return { ...record, networks: attachmentsOf(mode, asked, (ref) => ref) };
}

/** berthd may have ended after a running container was connected or disconnected and before its record said so. */
function agree(context: Context, container: Container): void {
  const { record, id } = container;
  const view = context.sandboxes.view(id);
  if (view === undefined || isJoined(record.hostConfig.NetworkMode)) return;
  const names = Object.keys(view.Networks).filter((name) => name !== 'none' || Object.hasOwn(record.networks, name));
  const fresh = names.filter((name) => !Object.hasOwn(record.networks, name));
  const there = known(record.networks, nameOf(context.sandboxes));
  const left = Object.keys(there).filter((name) => view.Networks[name] === undefined);
  if (fresh.length + left.length === 0) return;
  const kept = Object.entries(record.networks).filter(([name]) => !left.includes(name));
  const added = fresh.map((name) => [name, askedFor(view.Networks[name])] as const);
  record.networks = Object.fromEntries([...kept, ...added]);
  context.sandboxes.reserve(id, known(record.networks, nameOf(context.sandboxes)));
  save(context, container);
}

const askedFor = (view: EndpointView | undefined): EndpointSettings =>
  view === undefined
    ? { ...NO_SETTINGS }
    : {
        IPAMConfig: view.IPAMConfig,
        Links: view.Links,
        Aliases: view.Aliases,
        MacAddress: '',
        DriverOpts: view.DriverOpts,
        GwPriority: view.GwPriority,
      };

/** Its monitor and its process live, and the process was let go. */
function lives(context: Context, { record }: Container): boolean {
  const { init, monitor } = record;
  if (init === undefined || monitor === undefined || !isAlive(monitor) || !isAlive(init)) return false;
  return context.runtime.kind !== 'crun' || !existsSync(`${context.paths.runtime}/${record.id}/exec.fifo`);
}

async function endOf(context: Context, container: Container): Promise<void> {
  const { record, id } = container;
  const { paths } = context;
  const neverLetGo = existsSync(`${paths.runtime}/${id}/exec.fifo`);
  if (existsSync(paths.exitFile(id)) && !neverLetGo) return finish(context, container);
  if (!existsSync(paths.bundle(id))) {
    // The machine was started anew: nobody saw the end.
    await cleanUp(context, container);
    delete record.init;
    delete record.monitor;
    Object.assign(record.state, {
      Status: 'exited',
      Running: false,
      Paused: false,
      Pid: 0,
      ExitCode: 255,
      Error: '',
      FinishedAt: timestamp(),
    });
    save(context, container);
    publish(context, container, 'die', { exitCode: '255', execDuration: '0' });
    return;
  }
  if (!neverLetGo) return finish(context, container);
  // berthd ended between the making of the process and the word to go: nothing of the user's ever ran this time.
  await cleanUp(context, container);
  delete record.init;
  delete record.monitor;
  const { state } = record;
  const ranBefore = state.FinishedAt !== NEVER;
  // What its policy began is begun again.
  const due = ranBefore && record.restartCount > 0;
  Object.assign(state, {
    Status: due ? 'restarting' : ranBefore ? 'exited' : 'created',
    Running: false,
    Restarting: due,
    Pid: 0,
    StartedAt: ranBefore ? state.FinishedAt : NEVER,
  });
  save(context, container);
}

/** Processes, groups, mounts and directories that no record stands for. */
async function sweep(context: Context, running: ReadonlyMap<string, unknown>): Promise<void> {
  const { registry, paths, log } = context;
  const attempt = async (what: string, body: () => unknown): Promise<void> => {
    try {
      await body();
    } catch (error) {
      log.warn(`${what} could not be removed`, { error: messageOf(error) });
    }
  };
  // berthd ended while they made a container, and they would go on.
  await attempt('a probe', () => endProbes(paths));
  await attempt('a process', () => endHelpers(paths, (words) => !words.some((word) => running.has(word))));
  const bundles = entries(paths.bundles).filter((id) => ID.test(id));
  const mine = new Set([...bundles, ...entries(paths.containers), ...registry.all().map(({ id }) => id)]);
  const parent = parentCgroup(context, '');
  for (const id of groupsBelow(`/${parent}`)) {
    // A parent group may be shared with another daemon: only what is known as this one's is touched.
    if (!running.has(id) && mine.has(id))
      await attempt('a control group', async () => removeCgroup(`/${parent}/${id}`));
  }
  for (const container of registry.all()) {
    const group = cgroupOf(context, container);
    if (!running.has(container.id) && !group.startsWith(`/${parent}/`) && processesIn(group).length > 0) {
      await attempt('a control group', async () => removeCgroup(group));
    }
  }
  for (const { target, type } of mountPoints().toReversed()) {
    const id = target.startsWith(`${paths.bundles}/`)
      ? target.slice(paths.bundles.length + 1).split('/')[0]
      : undefined;
    if (['overlay', 'tmpfs'].includes(type) && id !== undefined && !running.has(id))
      await attempt('a mount', async () => unmount(target));
  }
  for (const id of bundles) {
    if (!running.has(id)) {
      await attempt('a directory', () => rmSync(paths.bundle(id), { recursive: true, force: true }));
    }
  }
  for (const id of entries(paths.runtime)) {
    if (!running.has(id)) {
      await attempt('a directory', () => rmSync(`${paths.runtime}/${id}`, { recursive: true, force: true }));
    }
  }
  for (const id of entries(paths.containers)) {
    if (ID.test(id) && registry.get(id) === undefined) {
      await attempt('a directory', () => rmSync(paths.container(id), { recursive: true, force: true }));
    }
  }
  for (const id of entries(paths.execs)) {
    await attempt('a directory', () => rmSync(`${paths.execs}/${id}`, { recursive: true, force: true }));
  }
}

/** After restore(): the restart policies' due. */
export async function startByPolicy(context: Context): Promise<void> {
  const due = context.registry.all().filter(({ record, running }) => {
    const { state, hostConfig, stoppedByHand } = record;
    if (running || state.Status === 'created') return false;
    return (
      state.Restarting ||
      startsWithDaemon({
        policy: hostConfig.RestartPolicy,
        stoppedByHand,
        exitCode: state.ExitCode,
        restarts: record.restartCount,
      })
    );
  });
  const starts = new Map<string, Promise<void>>();
  const start = async (container: Container): Promise<void> => {
    // Nothing goes round in circles here: what a container needs existed when it was made.
    await Promise.all(due.filter(({ id }) => needs(container).includes(id)).map(startOnce));
    await container.lock.run(async () => {
      container.record.restartCount = 0;
      await startAgain(context, container);
    });
  };
  const startOnce = async (container: Container): Promise<void> => {
    const begun = starts.get(container.id);
    if (begun !== undefined) return begun;
    const mine = start(container).catch((error: unknown) => {
      context.log.error('a container could not be started again', {
        container: container.id,
        error: messageOf(error),
      });
    });
    starts.set(container.id, mine);
    return mine;
  };
  await Promise.all(due.map(startOnce));
}

/** The containers that have to run before this one: those it is linked to, and those whose namespaces it shares. */
function needs({ record: { links = [], hostConfig } }: Container): string[] {
  const modes = [hostConfig.NetworkMode, hostConfig.PidMode, hostConfig.IpcMode];
  const owners = modes.filter(isJoined).map((mode) => mode.slice('container:'.length));
  return [...links.map(({ containerId }) => containerId), ...owners];
}

/** `POST /containers/{id}/start`: sandbox, root file system, specification, conmon, and the word to go. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { arch } from 'node:process';
import { BerthError, conflict, invalidParameter, messageOf, notModified, system } from '../errors.ts';
import { removeCgroup } from '../linux/cgroup.ts';
import { mountTmpfs, unmount } from '../linux/mounts.ts';
import { identify } from '../linux/pidfd.ts';
import type { Sandbox } from '../network/port.ts';
import { type ContainerLink, isJoined, known, nameOf, wishOf } from './attachments.ts';
import { type Context, cgroupOf, publish, save, saveIfPossible } from './context.ts';
import { watchContainer } from './exit.ts';
import { endHealth, resetHealth, resumeHealth } from './health/monitor.ts';
import { logSize } from './host-config.ts';
import { blockDevice, devicesOf, initProgram, namespaceOf } from './host-facts.ts';
import { spawnMonitor, type Monitor } from './process/monitor.ts';
import { FILTER_ANNOTATION } from './process/seccomp-filters.ts';
import { openLinks } from './links.ts';
import { withHostFlags } from './mounts/host-flags.ts';
import { type ContainerRecord, NEVER, timestamp } from './record.ts';
import type { Container } from './registry.ts';
import { removeStopped } from './remove.ts';
import { identityIn, makeWorkingDirectory, mountRootfs } from './rootfs.ts';
import { createProcess, release, runtimeArguments, StartFailure } from './runtime.ts';
import { blockIoOf } from './spec/block-io.ts';
import { customSeccomp } from './spec/seccomp.ts';
import { buildSpec } from './spec/spec.ts';
import { mountVolumes, unmountVolumes } from './volumes/of-container.ts';

/** A client's wish: whatever the restart policy did before is forgotten. */
export async function startAsAsked(context: Context, container: Container): Promise<void> {
  const { record } = container;
  if (record.state.Paused) throw conflict('cannot start a paused container, try unpause instead');
  if (record.state.Running || record.state.Restarting) throw notModified('');
  record.restartCount = 0;
  container.restartDelay = 0;
  await startContainer(context, container);
}

export async function startContainer(context: Context, container: Container): Promise<void> {
  const { state } = container.record;
  if (state.Running) throw notModified('');
  if (container.removing || state.Dead) {
    throw conflict('container is marked for removal and cannot be started');
  }
  if (container.restart !== undefined) clearTimeout(container.restart.timer);
  container.restart = undefined;
  try {
    await launch(context, container);
  } catch (thrown) {
    const error = firstFailure(context, thrown);
    for (const session of container.pending) session.abandon();
    container.pending.clear();
    await endHealth(container);
    const code = error instanceof StartFailure ? error.exitCode : 128;
    Object.assign(container.record.state, {
      Status: state.StartedAt === NEVER ? 'created' : 'exited',
      Running: false,
      Restarting: false,
      Pid: 0,
      ExitCode: code,
      Error: messageOf(error),
    });
    saveIfPossible(context, container);
    container.moments.tell('exit', { StatusCode: code });
    // `docker run --rm` waits for the removal, also when nothing ever ran.
    if (container.record.hostConfig.AutoRemove && !container.removing) {
      await removeStopped(context, container, { volumes: true });
    }
    throw error;
  }
}

/** What went wrong first; what went wrong while it was undone is logged. */
function firstFailure(context: Context, thrown: unknown): unknown {
  if (!(thrown instanceof SuppressedError)) return thrown;
  context.log.error('a failed start was not undone entirely', { error: messageOf(thrown.error) });
  return firstFailure(context, thrown.suppressed);
}

async function launch(context: Context, container: Container): Promise<void> {
  const { filters, paths, runtime, sandboxes } = context;
  const { record } = container;
  const { id, hostConfig: host, config } = record;
  const bundle = paths.bundle(id);
  const pid = namespaceOf(context, host.PidMode, 'pid');
  const ipc = namespaceOf(context, host.IpcMode, 'ipc');
  const { links, env } = openLinks(context, record);
  await using undo = new AsyncDisposableStack();
  // What a crash or a failed start left would be in the way.
  rmSync(bundle, { recursive: true, force: true });
  mkdirSync(`${bundle}/x`, { recursive: true, mode: 0o700 });
  undo.defer(() => rmSync(bundle, { recursive: true, force: true }));
  const monitor = monitorOf(context, container);
  undo.defer(() => monitor.cancel());
  // A network may have been removed and made again since: addresses were kept on the one that was.
  sandboxes.reserve(id, known(record.networks, nameOf(sandboxes)));
  const opening = openSandbox(context, record, links);
  opening.catch(() => undefined);
  undo.defer(async () => {
    // A sandbox that is still being made is waited for, then ended.
    await opening.catch(() => undefined);
    await sandboxes.close(id);
  });
  const rootfs = mountRootfs(context, record);
  undo.defer(async () => unmount(rootfs));
  if (host.IpcMode === 'shareable') {
    mkdirSync(paths.shm(id));
    mountTmpfs(paths.shm(id), host.ShmSize, '1777');
    undo.defer(async () => unmount(paths.shm(id)));
  }
  const identity = identityIn(rootfs, config.User, host.GroupAdd ?? []);
  makeWorkingDirectory(rootfs, config.WorkingDir, identity);
  undo.defer(async () => unmountVolumes(context, container));
  const mounts = await withHostFlags(await mountVolumes(context, container, rootfs));
  const init = (host.Init ?? context.settings.init) ? initProgram(context) : undefined;
  const sandbox = await opening;
  // A port that another container has is known by now: then nothing is begun.
  await Promise.race([sandbox.ready, new Promise(setImmediate)]);
  const cgroup = cgroupOf(context, container);
  const spec = buildSpec({
    id,
    command: [record.path, ...record.args],
    config: { ...config, Hostname: config.Hostname || hostnameOf(sandbox), Env: [...env, ...config.Env] },
    hostConfig: host,
    identity,
    rootfs,
    cgroup,
    networkNamespace: sandbox.namespacePath,
    pid,
    ipc,
    mounts: {
      shm: shmOf(context, container),
      files: { hostname: sandbox.hostnamePath, hosts: sandbox.hostsPath, resolvConf: sandbox.resolvConfPath },
      init,
      mounts,
      tmpfs: host.Tmpfs ?? {},
    },
    devices: devicesOf(host),
    blockIO: blockIoOf(host, blockDevice),
    ulimits: host.Ulimits ?? context.settings.defaultUlimits,
    capabilities: context.capabilities,
    architecture: arch,
    cgroupV2: context.cgroupV2,
    noNewPrivileges: context.settings.noNewPrivileges,
  });
  if (context.settings.seccompProfile && !host.Privileged) useProfile(context, spec, host.SecurityOpt ?? []);
  const profile = runtime.kind === 'crun' ? filters.keyOf(spec.linux.seccomp) : undefined;
  const filter = profile === undefined ? undefined : filters.get(profile);
  if (filter !== undefined) spec.annotations = { ...spec.annotations, [FILTER_ANNOTATION]: filter };
  writeFileSync(`${bundle}/config.json`, JSON.stringify(spec), { mode: 0o600 });
  undo.defer(async () => {
    await removeCgroup(cgroup);
    rmSync(`${paths.runtime}/${id}`, { recursive: true, force: true });
  });
  const created = await createProcess(context, monitor, record);
  await sandbox.ready;
  if (profile !== undefined) filters.learn(profile, `${paths.runtime}/${id}`);
  const initProcess = identify(created);
  const conmon = identify(Number(readFileSync(`${bundle}/conmon.pid`, 'utf8')));
  if (conmon === undefined) throw system('conmon ended before the container was started');
  // Everyone who attached before is connected before the first byte can be written.
  for (const session of container.pending) {
    try {
      session.connect(paths.attach(id));
    } catch (error) {
      context.log.warn('an attached client could not be connected', { container: id, error: messageOf(error) });
      session.abandon();
    }
  }
  container.pending.clear();
  const state = record.state;
  container.startedAt = Date.now();
  record.init = initProcess ?? { pid: created, startTime: '' };
  record.monitor = conmon;
  record.stoppedByHand = false;
  Object.assign(state, {
    Status: 'running',
    Running: true,
    Restarting: false,
    OOMKilled: false,
    Dead: false,
    Pid: created,
    ExitCode: 0,
    Error: '',
    StartedAt: timestamp(),
    FinishedAt: state.FinishedAt,
  });
  resetHealth(record);
  // The record says 'running' before the process runs: a berthd that ends here finds it waiting at its FIFO.
  save(context, container);
  undo.defer(() => {
    delete record.init;
    delete record.monitor;
  });
  await release(context, container, record.init);
  undo.move();
  watchContainer(context, container);
  resumeHealth(context, container);
  publish(context, container, 'start');
}

/** Docker's words before what the network says; the kind of the error stays. */
async function openSandbox(
  { sandboxes, registry, paths }: Context,
  record: ContainerRecord,
  links: readonly ContainerLink[],
): Promise<Sandbox> {
  const mode = record.hostConfig.NetworkMode;
  if (isJoined(mode)) {
    const other = registry.get(mode.slice('container:'.length));
    if (other === undefined)
      throw system(`joining network namespace of container: No such container: ${mode.slice(10)}`);
    if (!other.running) {
      const { name, state } = other.record;
      throw conflict(`cannot join network namespace of a non running container: container ${name} is ${state.Status}`);
    }
  }
  const explain = (error: unknown): never => {
    if (!(error instanceof BerthError)) throw error;
    // A host port that somebody else has is an inner error to dockerd: clients know it as status 500.
    const kind = error.kind === 'Conflict' ? 'System' : error.kind;
    throw new BerthError(kind, `failed to set up container networking: ${error.message}`, { cause: error });
  };
  const wish = wishOf(record, links, nameOf(sandboxes));
  const sandbox = await sandboxes.open({ ...wish, filesDir: paths.netFiles(record.id) }).catch(explain);
  const ready = sandbox.ready.catch(explain);
  // Whoever waits for it is told; it may fail before.
  ready.catch(() => undefined);
  return { ...sandbox, ready };
}

function monitorOf(context: Context, { record }: Container): Monitor {
  const { paths, runtime } = context;
  const { id, config, hostConfig: host } = record;
  const size = host.LogConfig.Config['max-size'];
  return spawnMonitor({
    conmon: context.conmon,
    runtime: runtime.path,
    runtimeArgs: runtimeArguments(context),
    containerId: id,
    unitId: id,
    name: record.name,
    bundle: paths.bundle(id),
    exitDir: `${paths.bundle(id)}/x`,
    logPath: host.LogConfig.Type === 'none' ? undefined : paths.log(id),
    logSizeMax: size === undefined ? undefined : logSize(size),
    tty: config.Tty,
    stdin: config.OpenStdin,
    leaveStdinOpen: config.OpenStdin && (!config.StdinOnce || config.Tty),
  });
}

/** undefined: none; that of the host is the builder's matter. A mount of another namespace could not be bound. */
function shmOf(
  { paths, registry }: Context,
  { id, record }: Container,
): { path: string } | { size: number } | undefined {
  const { IpcMode, ShmSize } = record.hostConfig;
  if (IpcMode === 'shareable') return { path: paths.shm(id) };
  if (IpcMode.startsWith('container:'))
    return { path: paths.shm(registry.find(IpcMode.slice('container:'.length)).id) };
  return IpcMode === 'none' ? undefined : { size: ShmSize };
}

function hostnameOf({ hostnamePath }: Sandbox): string {
  try {
    return readFileSync(hostnamePath, 'utf8').trim();
  } catch {
    return '';
  }
}

function useProfile(context: Context, spec: ReturnType<typeof buildSpec>, options: readonly string[]): void {
  if (options.some((option) => /^seccomp[=:]/.test(option))) return;
  const { seccompProfile } = context.settings;
  if (seccompProfile === 'builtin') return;
  if (seccompProfile === 'unconfined') {
    delete spec.linux.seccomp;
    return;
  }
  let text;
  try {
    text = readFileSync(seccompProfile, 'utf8');
  } catch (error) {
    throw invalidParameter(`opening seccomp profile (${seccompProfile}) failed: ${messageOf(error)}`, error);
  }
  spec.linux.seccomp = customSeccomp(text, spec.process.capabilities.bounding, arch);
}

/** `POST /containers/create`: everything is checked before anything is made; what was made is undone on failure. */
import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, existsSync, mkdirSync, rmSync, rmdirSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { BerthError, invalidParameter, unavailable } from '../errors.ts';
import type { ContainerConfig, HostConfig } from '../model/container.ts';
import { attachmentsOf, isJoined, known, nameOf, wishOf } from './attachments.ts';
import { type Context, publish, save } from './context.ts';
import { checkEndpoints, normalized } from './endpoint-settings.ts';
import { checkHostConfig } from './host-config.ts';
import type { ImageRecord } from './images/port.ts';
import { resolveLinks } from './links.ts';
import { thisMachine } from './machine.ts';
import { commandOf, mergeConfig, mergeMacAddress } from './merge.ts';
import { mountPoints } from './mounts/mount-points.ts';
import { checkName, makeName } from './names.ts';
import type { CreateRequest } from './port.ts';
import { expandPorts, normalizeBindings, withBound } from './port-specs.ts';
import { type ContainerRecord, NEVER, timestamp } from './record.ts';
import { Container } from './registry.ts';
import { parseSignal } from './signals.ts';
import { fillNewVolumes } from './volumes/of-container.ts';
import type { Volume } from './volumes/book.ts';
import type { VolumeWish } from './volumes/record.ts';

/** 'container:<ref>' with the ref made a full ID; other modes as they are. */
function resolveMode(context: Context, mode: string): string {
  if (!mode.startsWith('container:')) return mode;
  return `container:${context.registry.find(mode.slice('container:'.length)).id}`;
}

function makeId(context: Context): string {
  for (;;) {
    const id = randomBytes(32).toString('hex');
    // Twelve digits that are a number would be taken for one in places; Docker skips them, too.
    if (!/^\d{12}/.test(id) && context.registry.get(id) === undefined) return id;
  }
}

/** Joined containers have that of the other one; with a namespace of the host's own, no other name would be true. */
function defaultHostname(id: string, { NetworkMode, UTSMode }: HostConfig): string {
  if (NetworkMode.startsWith('container:')) return '';
  return NetworkMode === 'host' || UTSMode === 'host' ? hostname() : id.slice(0, 12);
}

/** The networks by name, each with valid settings. */
function attachments(
  { sandboxes }: Context,
  config: ContainerConfig,
  { NetworkMode }: HostConfig,
  { networking: { EndpointsConfig } }: CreateRequest,
): ContainerRecord['networks'] {
  const named = attachmentsOf(NetworkMode, EndpointsConfig, nameOf(sandboxes));
  const main = isJoined(NetworkMode)
    ? NetworkMode
    : (Object.keys(attachmentsOf(NetworkMode, {}, nameOf(sandboxes)))[0] ?? '');
  const { EndpointsConfig: asked } = mergeMacAddress(config, main, { EndpointsConfig: named });
  checkEndpoints(asked);
  return Object.fromEntries(Object.entries(asked).map(([name, settings]) => [name, normalized(settings)]));
}

/**
 * What the network would refuse at the start. A network that is not there may come until then: dockerd creates such
 * containers, and so Compose files and scripts count on it.
 */
function checkWish(context: Context, record: Parameters<typeof wishOf>[0]): void {
  const names = nameOf(context.sandboxes);
  const networks = known(record.networks, names);
  context.sandboxes.check(wishOf({ ...record, networks }, [], names));
}

interface Plan {
  record: ContainerRecord;
  /** Directories of the host that binds name and nobody made yet. */
  create: string[];
  volumes: VolumeWish[];
  Warnings: string[];
}

/** Checks everything, changes nothing. */
function plan(context: Context, request: CreateRequest, image: ImageRecord): Plan {
  const { registry } = context;
  if (request.name !== undefined) checkName(request.name);
  const config = mergeConfig(request.config, image.defaults);
  const [path, ...args] = commandOf(config);
  if (config.StopSignal !== undefined) parseSignal(config.StopSignal);
  const host = {
    ...request.hostConfig,
    NetworkMode: resolveMode(context, request.hostConfig.NetworkMode || 'default'),
    PidMode: resolveMode(context, request.hostConfig.PidMode),
    IpcMode: resolveMode(context, request.hostConfig.IpcMode) || 'private',
    ShmSize: request.hostConfig.ShmSize || context.settings.defaultShmSize,
    PortBindings: normalizeBindings(request.hostConfig.PortBindings),
  };
  const exposed = withBound(expandPorts(config.ExposedPorts ?? {}), host.PortBindings);
  if (Object.keys(exposed).length > 0) config.ExposedPorts = exposed;
  const Warnings = checkHostConfig(config, host, thisMachine(context));
  const id = makeId(context);
  if (config.Hostname === '') config.Hostname = defaultHostname(id, host);
  const networks = attachments(context, config, host, request);
  const links = resolveLinks(registry, host.NetworkMode, host.Links ?? []);
  const { mounts, create, volumes } = mountPoints(config, host, {
    exists: (file) => existsSync(file),
    newName: () => randomBytes(32).toString('hex'),
    volumePath: (name) => context.volumes.pathOf(name),
    mountsOf: (ref) => registry.find(ref).record.mounts,
  });
  for (const wish of volumes) context.volumes.check(wish);
  const name = request.name ?? makeName((taken) => registry.hasName(taken), Math.random);
  checkWish(context, { id, name, config, hostConfig: host, networks });
  const record: ContainerRecord = {
    id,
    name,
    created: timestamp(),
    path,
    args,
    imageId: image.id,
    lowerDirs: image.lowerDirs,
    config,
    hostConfig: host,
    networks,
    ...(links.length === 0 ? {} : { links }),
    state: {
      Status: 'created',
      Running: false,
      Paused: false,
      Restarting: false,
      OOMKilled: false,
      Dead: false,
      Pid: 0,
      ExitCode: 0,
      Error: '',
      StartedAt: NEVER,
      FinishedAt: NEVER,
    },
    mounts,
    restartCount: 0,
    stoppedByHand: false,
  };
  return { record, create, volumes, Warnings };
}

export async function createContainer(
  context: Context,
  request: CreateRequest,
): Promise<{ Id: string; Warnings: string[] }> {
  const { registry, paths } = context;
  const image = await context.images.resolve(request.config.Image, request.platform);
  let planned;
  try {
    planned = plan(context, request, image);
  } catch (error) {
    // The docker CLI takes any 404 for a missing image: it would pull that, and ask again.
    if (error instanceof BerthError && error.kind === 'NotFound') throw invalidParameter(error.message, error);
    throw error;
  }
  const { record, create, volumes, Warnings } = planned;
  const { id, name } = record;
  registry.reserve(name, id);
  const made: string[] = [];
  const sources: { path: string; first: string }[] = [];
  const container = new Container(record);
  const madeVolumes: Volume[] = [];
  try {
    for (const path of create) {
      const first = mkdirSync(path, { recursive: true });
      if (first !== undefined) sources.push({ path, first });
    }
    makeDirectories(context, record, made);
    for (const wish of volumes) {
      const { volume, made: isNew } = context.volumes.ensure(wish);
      if (isNew) madeVolumes.push(volume);
    }
    context.sandboxes.reserve(id, known(record.networks, nameOf(context.sandboxes)));
    save(context, container);
    registry.add(container);
    // Whoever wants to start it or to remove it waits.
    await container.lock.run(async () => {
      try {
        await fillNewVolumes(context, container);
      } catch (error) {
        // Whoever waits finds it gone.
        container.removing = true;
        throw error;
      }
      publish(context, container, 'create');
    });
  } catch (error) {
    context.store.delete('container', id);
    registry.remove(container);
    registry.release(name, id);
    context.sandboxes.forget(id);
    for (const directory of made.toReversed()) rmSync(directory, { recursive: true, force: true });
    for (const { path, first } of sources.toReversed()) removeEmpty(path, first);
    for (const volume of madeVolumes) await context.volumes.remove(volume).catch(() => undefined);
    if (error instanceof Error && 'code' in error && error.code === 'ENOSPC') {
      throw unavailable(`no space left on device: free some below ${paths.containers} (berth container prune)`, error);
    }
    throw error;
  }
  return { Id: id, Warnings };
}

/** `path` and what is above it, to `first`; what somebody has put something into meanwhile stays. */
function removeEmpty(path: string, first: string): void {
  try {
    for (let directory = path; directory.length >= first.length; directory = dirname(directory)) rmdirSync(directory);
  } catch {
    // Not empty, or gone.
  }
}

function makeDirectories(context: Context, { id, lowerDirs }: ContainerRecord, made: string[]): void {
  const { paths } = context;
  made.push(paths.container(id));
  mkdirSync(paths.container(id), { recursive: true, mode: 0o700 });
  // The upper directory's mode and owner become those of '/'.
  const root = lowerDirs[0] === undefined ? undefined : statSync(lowerDirs[0]);
  mkdirSync(paths.upper(id), { mode: 0o755 });
  if (root !== undefined) {
    chownSync(paths.upper(id), root.uid, root.gid);
    chmodSync(paths.upper(id), root.mode & 0o7777);
  }
  mkdirSync(paths.work(id), { mode: 0o700 });
  mkdirSync(paths.netFiles(id), { mode: 0o700 });
}

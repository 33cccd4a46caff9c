/** The volumes of one container: made and filled with it, mounted while it runs. */
import { lstatSync, rmdirSync } from 'node:fs';
import { messageOf, system } from '../../errors.ts';
import { unmount } from '../../linux/mounts.ts';
import { type Context, save } from '../context.ts';
import type { MountRecord } from '../record.ts';
import type { Container } from '../registry.ts';
import { mountRootfs } from '../rootfs.ts';
import { resolveIn } from '../safe-path.ts';
import type { Volume } from './book.ts';
import { fillVolume, isEmpty } from './fill.ts';
import { isMounted, isReadOnly } from './options.ts';
import { mountSubpath, unmountSubpaths } from './subpaths.ts';

interface Mounted {
  mount: MountRecord;
  volume: Volume;
}

function volumesOf({ volumes }: Context, { record }: Container): Mounted[] {
  return record.mounts.flatMap((mount) => {
    const volume = mount.Type === 'volume' && mount.Name !== undefined ? volumes.get(mount.Name) : undefined;
    return volume === undefined ? [] : [{ mount, volume }];
  });
}

/** Whether another container runs with the volume. */
const usedBesides = ({ id }: Container, { users }: Volume): boolean => [...users].some((user) => user !== id);

/**
 * For a container that was just made, under its lock. `copyUp` says what is still to be filled: what a crash leaves is done at the
 * first start. What is mounted by options is filled then again, since a tmpfs begins empty each time.
 */
export async function fillNewVolumes(context: Context, container: Container): Promise<void> {
  const due = volumesOf(context, container).filter(({ mount }) => mount.copyUp && mount.subpath === undefined);
  const empty = due.filter(({ mount, volume }) => isMounted(volume.record.options) || isEmpty(mount.Source));
  if (empty.length > 0) {
    const root = mountRootfs(context, container.record);
    try {
      for (const each of empty) await fillAtCreation(context, container, root, each);
    } finally {
      await unmount(root);
      // Not with what is in it: should the file system still be there, it stays.
      rmdirSync(root);
      rmdirSync(context.paths.bundle(container.id));
    }
  }
  for (const { mount, volume } of due) mount.copyUp = isMounted(volume.record.options);
  if (due.length > 0) save(context, container);
}

async function fillAtCreation(
  { volumes }: Context,
  container: Container,
  root: string,
  { mount, volume }: Mounted,
): Promise<void> {
  const there = lstatSync(resolveIn(root, mount.Destination), { throwIfNoEntry: false });
  if (there === undefined) return;
  if (!there.isDirectory()) {
    if (!mount.anonymous) return;
    throw system(`cannot mount volume over existing file, file exists ${mount.Destination}`);
  }
  try {
    await volumes.use(volume, container.id);
  } catch (error) {
    throw system(`failed to populate volume: ${error instanceof Error ? error.message : String(error)}`, error);
  }
  try {
    await volume.lock.run(async () => fill(container, root, volume, mount, mount.Source));
  } finally {
    await volumes.leave(volume, container.id);
  }
}

async function fill(
  container: Container,
  root: string,
  volume: Volume,
  { Destination, subpath }: MountRecord,
  target: string,
): Promise<void> {
  const mounted = volume.mounted || subpath !== undefined;
  await fillVolume({ root, destination: Destination, target, inUse: usedBesides(container, volume), mounted });
}

interface Held extends Mounted {
  /** Where the runtime finds what is to be mounted. */
  source: string;
}

async function hold(context: Context, container: Container): Promise<Held[]> {
  const { volumes, paths } = context;
  const held: Held[] = [];
  for (const { mount, volume } of volumesOf(context, container)) {
    await volumes.use(volume, container.id);
    const whole = volumes.pathOf(volume.record.name);
    const source = mount.subpath === undefined ? whole : mountSubpath(paths, container.id, whole, mount.subpath);
    held.push({ mount, volume, source });
  }
  return held;
}

function withSources({ record }: Container, held: readonly Held[]): MountRecord[] {
  return record.mounts.map((mount) => {
    const found = held.find((one) => one.mount === mount);
    if (found === undefined) return mount;
    return { ...mount, Source: found.source, RW: mount.RW && !isReadOnly(found.volume.record.options) };
  });
}

/**
 * For whoever looks into a container that does not run, under its lock: its mounts, with sources that can be bound. Nobody is told.
 * releaseVolumes() is due in any case.
 */
export const holdVolumes = async (context: Context, container: Container): Promise<MountRecord[]> =>
  withSources(container, await hold(context, container));

/** Goes on past errors. */
export async function releaseVolumes(context: Context, container: Container): Promise<void> {
  const { volumes, paths } = context;
  await using undo = new AsyncDisposableStack();
  for (const { volume } of volumesOf(context, container)) undo.defer(async () => volumes.leave(volume, container.id));
  undo.defer(async () => unmountSubpaths(paths, container.id));
}

/**
 * Those of a container that starts; `root` is its file system. Returns its mounts with the sources that the runtime is to mount.
 * unmountVolumes() is due in any case.
 */
export async function mountVolumes(context: Context, container: Container, root: string): Promise<MountRecord[]> {
  const held = await hold(context, container);
  for (const { mount, volume, source } of held) {
    if (mount.copyUp) await volume.lock.run(async () => fill(container, root, volume, mount, source));
    mount.copyUp &&= isMounted(volume.record.options);
    context.publish('volume', 'mount', volume.record.name, {
      container: container.id,
      destination: mount.Destination,
      driver: 'local',
      propagation: mount.Propagation,
      'read/write': String(mount.RW),
    });
  }
  return withSources(container, held);
}

/** Of a container that no longer runs; what was not mounted is passed over. */
export async function unmountVolumes(context: Context, container: Container): Promise<void> {
  const mine = volumesOf(context, container).filter(({ volume }) => volume.users.has(container.id));
  try {
    await releaseVolumes(context, container);
  } finally {
    for (const { volume } of mine) {
      context.publish('volume', 'unmount', volume.record.name, { container: container.id, driver: 'local' });
    }
  }
}

/** Those that nobody named and nobody else has; named ones are kept. One that somebody takes meanwhile, or that cannot be removed, stays. */
export async function removeAnonymousVolumes(context: Context, container: Container): Promise<void> {
  const { volumes } = context;
  for (const { mount, volume } of volumesOf(context, container)) {
    const { name } = volume.record;
    if (!mount.anonymous || volumes.get(name) !== volume) continue;
    if (!volumes.referencesOf(name).every((id) => id === container.id)) continue;
    try {
      await volumes.remove(volume, container.id);
    } catch (error) {
      context.log.warn('a volume of a removed container stays', { volume: name, error: messageOf(error) });
    }
  }
}

/** The volumes of one container: made and filled with it, mounted while it runs. */
import { lstatSync, readdirSync, rmdirSync } from 'node:fs';
import { system } from '../../errors.ts';
import { unmount } from '../../linux/mounts.ts';
import { type Context, save } from '../context.ts';
import type { MountRecord } from '../record.ts';
import type { Container } from '../registry.ts';
import { mountRootfs } from '../rootfs.ts';
import { resolveIn } from '../safe-path.ts';
import type { Volume } from './book.ts';
import { fillVolume } from './fill.ts';
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

const isEmpty = (directory: string): boolean => readdirSync(directory).length === 0;

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

/** Those of a container that starts; `root` is its file system. Returns its mounts with the sources that the runtime is to mount. */
export async function mountVolumes(context: Context, container: Container, root: string): Promise<MountRecord[]> {
  const { volumes, paths, publish } = context;
  const prepared = new Map<MountRecord, Pick<MountRecord, 'Source' | 'RW'>>();
  const mine = volumesOf(context, container);
  for (const { mount, volume } of mine) {
    await volumes.use(volume, container.id);
    const whole = volumes.pathOf(volume.record.name);
    const source = mount.subpath === undefined ? whole : mountSubpath(paths, container.id, whole, mount.subpath);
    prepared.set(mount, { Source: source, RW: mount.RW && !isReadOnly(volume.record.options) });
    if (mount.copyUp) await volume.lock.run(async () => fill(container, root, volume, mount, source));
    publish('volume', 'mount', volume.record.name, {
      container: container.id,
      destination: mount.Destination,
      driver: 'local',
      propagation: mount.Propagation,
      'read/write': String(mount.RW),
    });
  }
  for (const { mount, volume } of mine) mount.copyUp &&= isMounted(volume.record.options);
  return container.record.mounts.map((mount) => ({ ...mount, ...prepared.get(mount) }));
}

/** Of a container that no longer runs; those that were not mounted are passed over. */
export async function unmountVolumes(context: Context, container: Container): Promise<void> {
  const { volumes, paths, publish } = context;
  await using undo = new AsyncDisposableStack();
  const mine = volumesOf(context, container).filter(({ volume }) => volume.users.has(container.id));
  for (const { volume } of mine.toReversed()) {
    undo.defer(async () => {
      await volumes.leave(volume, container.id);
      publish('volume', 'unmount', volume.record.name, { container: container.id, driver: 'local' });
    });
  }
  undo.defer(async () => unmountSubpaths(paths, container.id));
  await Promise.resolve();
}

/** Those that nobody named and nobody else has; named ones are kept. */
export async function removeAnonymousVolumes(context: Context, container: Container): Promise<void> {
  const { volumes } = context;
  for (const { mount, volume } of volumesOf(context, container)) {
    const { name } = volume.record;
    if (!mount.anonymous || volumes.get(name) !== volume) continue;
    if (volumes.referencesOf(name).every((id) => id === container.id)) await volumes.remove(volume, container.id);
  }
}

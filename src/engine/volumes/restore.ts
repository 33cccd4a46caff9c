/** A daemon that begins: the volumes that its predecessor, a crash or an older version left. */
import { readdirSync, statSync } from 'node:fs';
import { messageOf } from '../../errors.ts';
import { mountPoints, unmount } from '../../linux/mounts.ts';
import type { Context } from '../context.ts';
import { REMOVED } from './book.ts';
import { isVolumeName } from './names.ts';
import { ANONYMOUS, type VolumeRecord } from './record.ts';
import { subpathContainers, unmountSubpaths } from './subpaths.ts';

/** What Berth and Docker call a volume that no one named. */
const MADE_UP = /^[0-9a-f]{64}$/;

const labelsOf = (name: string): Record<string, string> => (MADE_UP.test(name) ? { [ANONYMOUS]: '' } : {});

/** Before the containers are looked at: what there is, from records and directories. */
export function loadVolumes(context: Context): void {
  const { store, paths, volumes, log } = context;
  for (const record of store.list<VolumeRecord>('volume')) {
    try {
      if (record.removing) void volumes.deleteFiles(volumes.discard(record));
      else volumes.makeDirectory(record.name);
    } catch (error) {
      // A file in its way, or something mounted there: whoever uses it is told.
      log.warn('a volume is not as it should be', { volume: record.name, error: messageOf(error) });
    }
    if (!record.removing || store.get('volume', record.name) !== undefined) volumes.add(record);
  }
  // Version 0.1 kept no records at first: a volume was its directory.
  for (const entry of readdirSync(paths.volumes, { withFileTypes: true })) {
    if (entry.name.startsWith(REMOVED)) void volumes.deleteFiles(`${paths.volumes}/${entry.name}`);
    else if (entry.isDirectory() && isVolumeName(entry.name) && volumes.get(entry.name) === undefined) {
      const { birthtime } = statSync(`${paths.volumes}/${entry.name}`);
      const created = `${birthtime.toISOString().slice(0, 19)}Z`;
      const record = { name: entry.name, created, labels: labelsOf(entry.name), options: {} };
      store.put('volume', entry.name, record);
      volumes.add(record);
      volumes.makeDirectory(entry.name);
    }
  }
}

/** Once the containers are known, before the ends of those that ended meanwhile are settled: who runs with what. */
export function takeOverVolumes(context: Context): void {
  const { registry, volumes, paths } = context;
  const there = new Set(mountPoints().map(({ target }) => target));
  for (const { id, record } of registry.all()) {
    for (const { Type, Name } of record.mounts) {
      if (Type !== 'volume' || Name === undefined) continue;
      const wish = { name: Name, driver: '', options: {}, labels: labelsOf(Name) };
      // Its directory was deleted by hand, below a daemon that kept no records.
      const volume = isVolumeName(Name) ? volumes.ensure(wish).volume : undefined;
      if (record.state.Running) volume?.users.add(id);
    }
  }
  for (const volume of volumes.all()) {
    volume.mounted = there.has(`${paths.volumes}/${volume.record.name}/_data`) && isOurs(volume.record);
  }
}

/** A file system that an administrator mounted at a plain volume's place is not touched. */
const isOurs = ({ options }: VolumeRecord): boolean => Object.keys(options).length > 0;

/** Last: what nobody runs with any more. */
export async function sweepVolumes(context: Context, running: ReadonlyMap<string, unknown>): Promise<void> {
  const { volumes, paths, log } = context;
  const attempt = async (body: () => Promise<void>): Promise<void> => {
    try {
      await body();
    } catch (error) {
      log.warn('a mount of a volume could not be removed', { error: messageOf(error) });
    }
  };
  for (const id of subpathContainers(paths)) {
    if (!running.has(id)) await attempt(async () => unmountSubpaths(paths, id));
  }
  for (const volume of volumes.all()) {
    if (!volume.mounted || volume.users.size > 0) continue;
    await attempt(async () => {
      await unmount(volumes.pathOf(volume.record.name));
      volume.mounted = false;
    });
  }
}

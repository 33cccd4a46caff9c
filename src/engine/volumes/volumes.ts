/** `/volumes` and the volumes of `/system/df`, behind the port. */
import { randomBytes } from 'node:crypto';
import { conflict, messageOf } from '../../errors.ts';
import type { Json } from '../../model/json.ts';
import type { Context } from '../context.ts';
import { diskSize } from '../disk.ts';
import { listTest, pruneTest } from './filters.ts';
import type { Volumes } from './port.ts';
import { ANONYMOUS, LOCAL, type VolumeRecord } from './record.ts';

const orNull = (map: Readonly<Record<string, string>>): Readonly<Record<string, string>> | null =>
  Object.keys(map).length === 0 ? null : map;

export function createVolumes(context: Context): Volumes {
  const { volumes: book, publish, log } = context;
  let pruning = false;
  /** Asked for by several at once, the disk is read once. */
  let measuring: Promise<Json[]> | undefined;

  const view = ({ name, created, labels, options }: VolumeRecord): Json => ({
    CreatedAt: created,
    Driver: LOCAL,
    Labels: orNull(labels),
    Mountpoint: book.pathOf(name),
    Name: name,
    Options: orNull(options),
    Scope: LOCAL,
  });

  const measure = async (): Promise<Json[]> => {
    const references = book.references();
    const result: Json[] = [];
    // What is mounted by options is not this host's space, and may not answer.
    for (const { record } of book.all().filter(({ record: { options } }) => Object.keys(options).length === 0)) {
      const Size = await diskSize(book.pathOf(record.name));
      result.push({ ...view(record), UsageData: { RefCount: references.get(record.name)?.length ?? 0, Size } });
    }
    return result;
  };

  return {
    async create({ name, labels, ...wish }) {
      await Promise.resolve();
      const made = name === '' ? randomBytes(32).toString('hex') : name;
      const own = name === '' ? { ...labels, [ANONYMOUS]: '' } : labels;
      const { volume } = book.ensure({ name: made, driver: wish.driver, options: wish.driverOpts, labels: own });
      return view(volume.record);
    },

    async list(filters) {
      await Promise.resolve();
      const wanted = listTest(filters);
      const references = book.references();
      const found = book.all().filter(({ record }) => wanted({ record, inUse: references.has(record.name) }));
      return { Volumes: found.map(({ record }) => view(record)), Warnings: null };
    },

    async inspect(name) {
      await Promise.resolve();
      return view(book.find(name).record);
    },

    async remove(name, { force }) {
      if (force && book.get(name) === undefined) return;
      await book.remove(book.find(name));
    },

    async prune(filters) {
      if (pruning) throw conflict('a prune operation is already running');
      const wanted = pruneTest(filters);
      const references = book.references();
      const VolumesDeleted: string[] = [];
      let SpaceReclaimed = 0;
      pruning = true;
      try {
        for (const volume of book.all()) {
          const { name } = volume.record;
          if (!wanted({ record: volume.record, inUse: references.has(name) })) continue;
          const size = await diskSize(book.pathOf(name));
          try {
            await book.remove(volume);
          } catch (error) {
            log.warn('prune left a volume', { volume: name, error: messageOf(error) });
            continue;
          }
          VolumesDeleted.push(name);
          SpaceReclaimed += size;
        }
      } finally {
        pruning = false;
      }
      publish('volume', 'prune', '', { reclaimed: String(SpaceReclaimed) });
      return { VolumesDeleted, SpaceReclaimed };
    },

    async usage() {
      measuring ??= measure().finally(() => (measuring = undefined));
      return measuring;
    },
  };
}

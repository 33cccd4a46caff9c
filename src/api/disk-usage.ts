/** `GET /system/df`: put together from all parts that keep something on the disk. Pure. */
import { invalidParameter } from '../errors.ts';
import type { Json } from '../model/json.ts';
import { imageShape } from './shapes.ts';

export const KINDS = ['image', 'container', 'volume', 'build-cache'] as const;
export type Kind = (typeof KINDS)[number];

/** `types` of the query, which came with 1.42; without any, all are meant. */
export function kindsOf(types: readonly string[], version: number): ReadonlySet<Kind> {
  if (version < 42 || types.length === 0) return new Set(KINDS);
  return new Set(
    types.map((type) => {
      const kind = KINDS.find((known) => known === type);
      if (kind === undefined) throw invalidParameter(`unknown object type: ${type}`);
      return kind;
    }),
  );
}

/** 'lists': those of older clients beside the sums. Since 1.52 a client says whether the sums are to name their items. */
export type Detail = 'lists' | 'items' | 'sums';

export function detailOf(verbose: string, version: number): Detail {
  if (version < 52 || verbose === '') return 'lists';
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(verbose)) return 'items';
  if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(verbose)) return 'sums';
  throw invalidParameter(`invalid value for verbose: ${verbose}`);
}

/** What was asked for. */
export interface DiskParts {
  images?: { layersSize: number; images: readonly Json[] };
  containers?: readonly Json[];
  volumes?: readonly Json[];
  buildCache?: readonly Json[];
}

const numberIn = (object: unknown, field: string): number => {
  const value = typeof object === 'object' && object !== null ? (object as Json)[field] : undefined;
  return typeof value === 'number' ? value : 0;
};

interface Measure {
  active: (item: Json) => boolean;
  /** Bytes that would be free without the item. */
  own: (item: Json) => number;
}

const MEASURES = {
  image: {
    active: (image) => numberIn(image, 'Containers') > 0,
    own: (image) => numberIn(image, 'Size') - Math.max(numberIn(image, 'SharedSize'), 0),
  },
  container: {
    active: ({ State }) => State === 'running' || State === 'paused' || State === 'restarting',
    own: (container) => numberIn(container, 'SizeRw'),
  },
  volume: {
    active: ({ UsageData }) => numberIn(UsageData, 'RefCount') > 0,
    own: ({ UsageData }) => numberIn(UsageData, 'Size'),
  },
} satisfies Record<string, Measure>;

/** Of images the total is not the sum: what they share is there once. */
function sums(items: readonly Json[], { active, own }: Measure, total?: number): Json {
  const sum = (list: readonly Json[]): number => list.reduce((bytes, item) => bytes + own(item), 0);
  const used = items.filter(active);
  const TotalSize = total ?? sum(items);
  return {
    ActiveCount: used.length,
    TotalCount: items.length,
    TotalSize,
    Reclaimable: TotalSize - sum(used),
  };
}

export function diskUsage(
  parts: DiskParts,
  users: ReadonlyMap<unknown, number>,
  detail: Detail,
  version: number,
): Json {
  const result: Json = {};
  const put = (list: string, name: string, items: readonly Json[], total: Json): void => {
    if (detail === 'lists') result[list] = items;
    result[name] = detail === 'items' ? { ...total, Items: items } : total;
  };
  const { images, containers, volumes, buildCache } = parts;
  if (images !== undefined) {
    const counted = images.images.map((image) =>
      imageShape({ ...image, Containers: users.get(image['Id']) ?? 0 }, version),
    );
    if (detail === 'lists') result['LayersSize'] = images.layersSize;
    put('Images', 'ImageUsage', counted, sums(counted, MEASURES.image, images.layersSize));
  }
  if (containers !== undefined) {
    put('Containers', 'ContainerUsage', containers, sums(containers, MEASURES.container));
  }
  if (volumes !== undefined) put('Volumes', 'VolumeUsage', volumes, sums(volumes, MEASURES.volume));
  if (buildCache !== undefined) {
    put('BuildCache', 'BuildCacheUsage', buildCache, sums(buildCache, { active: () => false, own: () => 0 }));
  }
  return result;
}

/** Image → how many containers were made from it. */
export function usersOf(containers: readonly Json[]): Map<unknown, number> {
  const users = new Map<unknown, number>();
  for (const { ImageID } of containers) users.set(ImageID, (users.get(ImageID) ?? 0) + 1);
  return users;
}

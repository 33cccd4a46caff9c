/** The tables of `system df`: one row for each kind of thing, or everything (-v). Pure. */
import type { Listing } from '../format/listing.ts';
import { humanSize } from '../format/units.ts';
import { type ContainerSummary, containerListing } from './containers.ts';
import { type ImageRow, imageListing, imageRows, type ImageSummary } from './images.ts';
import { volumeListing, type VolumeSummary } from './volumes.ts';

export interface Usage<T> {
  ActiveCount: number;
  TotalCount: number;
  /** Bytes. */
  TotalSize: number;
  Reclaimable: number;
  Items?: T[] | null;
}

/** `GET /system/df` since API 1.52. */
export interface DiskUsage {
  ImageUsage: Usage<ImageSummary>;
  ContainerUsage: Usage<ContainerSummary>;
  VolumeUsage: Usage<VolumeSummary>;
  BuildCacheUsage: Usage<never>;
}

export interface UsageRow extends Usage<unknown> {
  type: string;
}

export const usageRows = (usage: DiskUsage): UsageRow[] => [
  { type: 'Images', ...usage.ImageUsage },
  { type: 'Containers', ...usage.ContainerUsage },
  { type: 'Local Volumes', ...usage.VolumeUsage },
  { type: 'Build Cache', ...usage.BuildCacheUsage },
];

const reclaimable = ({ type, TotalSize, Reclaimable }: UsageRow): string => {
  const size = humanSize(Reclaimable, 4);
  if (TotalSize === 0 || type === 'Build Cache') return size;
  return `${size} (${Math.trunc((Reclaimable * 100) / TotalSize)}%)`;
};

export const usageListing: Listing<UsageRow> = {
  type: '*formatter.diskUsageContext',
  columns: ['Type', 'TotalCount', 'Active', 'Size', 'Reclaimable'],
  raw: [
    ['type', 'Type'],
    ['total', 'TotalCount'],
    ['active', 'Active'],
    ['size', 'Size'],
    ['reclaimable', 'Reclaimable'],
  ],
  fields: {
    Type: { header: 'TYPE', value: ({ type }) => type },
    TotalCount: { header: 'TOTAL', value: ({ TotalCount }) => String(TotalCount) },
    Active: { header: 'ACTIVE', value: ({ ActiveCount }) => String(ActiveCount) },
    Size: { header: 'SIZE', value: ({ TotalSize }) => humanSize(TotalSize, 4) },
    Reclaimable: { header: 'RECLAIMABLE', value: reclaimable },
  },
};

/** Berth builds no images: the table has no rows. */
const buildCacheListing: Listing<never> = {
  type: '*formatter.buildCacheContext',
  columns: ['ID', 'CacheType', 'Size', 'CreatedSince', 'LastUsedSince', 'UsageCount', 'Shared'],
  fields: {
    ID: { header: 'CACHE ID', value: () => '' },
    CacheType: { header: 'CACHE TYPE', value: () => '' },
    Size: { header: 'SIZE', value: () => '' },
    CreatedSince: { header: 'CREATED', value: () => '' },
    LastUsedSince: { header: 'LAST USED', value: () => '' },
    UsageCount: { header: 'USAGE', value: () => '' },
    Shared: { header: 'SHARED', value: () => '' },
  },
};

/** A list of what there is, of whatever kind. `name`: as templates ask for it. */
export interface Section<Row> {
  name: string;
  heading: string;
  listing: Listing<Row>;
  rows: readonly Row[];
}

export interface Sections {
  images: Section<ImageRow>;
  containers: Section<ContainerSummary>;
  volumes: Section<VolumeSummary>;
  buildCache: Section<never>;
}

/** `truncate`: for the table. `now`: milliseconds since 1970. */
export function usageSections(usage: DiskUsage, truncate: boolean, now: number): Sections {
  const { ImageUsage, ContainerUsage, VolumeUsage, BuildCacheUsage } = usage;
  const images = imageListing({ truncate, digests: false, now });
  const containers = containerListing({ truncate, size: true, now });
  return {
    images: {
      name: 'Images',
      heading: 'Images space usage:',
      listing: {
        ...images,
        columns: ['Repository', 'Tag', 'ID', 'CreatedSince', 'Size', 'SharedSize', 'UniqueSize', 'Containers'],
      },
      // A row for each image, by its first name.
      rows: (ImageUsage.Items ?? []).flatMap((image) => imageRows([image], false).slice(0, 1)),
    },
    containers: {
      name: 'Containers',
      heading: 'Containers space usage:',
      listing: {
        ...containers,
        columns: ['ID', 'Image', 'Command', 'LocalVolumes', 'Size', 'RunningFor', 'Status', 'Names'],
      },
      // What the image takes is not the container's.
      rows: (ContainerUsage.Items ?? []).map((container) => ({ ...container, SizeRootFs: 0 })),
    },
    volumes: {
      name: 'Volumes',
      heading: 'Local Volumes space usage:',
      listing: { ...volumeListing, columns: ['Name', 'Links', 'Size'] },
      rows: VolumeUsage.Items ?? [],
    },
    buildCache: {
      name: 'BuildCache',
      heading: `Build cache usage: ${humanSize(BuildCacheUsage.TotalSize, 4)}`,
      listing: buildCacheListing,
      rows: [],
    },
  };
}

/** The rows and columns of `images`: a row for each name of an image. Pure. */
import type { Listing } from '../format/listing.ts';
import { shortId } from '../format/text.ts';
import { goTime, humanDuration, humanSize } from '../format/units.ts';

export interface ImageSummary {
  Id: string;
  RepoTags: string[] | null;
  RepoDigests: string[] | null;
  /** Seconds since 1970. */
  Created: number;
  Size: number;
  /** -1: not counted. */
  SharedSize?: number;
  Containers?: number;
}

export interface ImageRow {
  image: ImageSummary;
  repository: string;
  tag: string;
  digest: string;
}

const NONE = '<none>';

/** 'localhost:5000/x:tag' → ['localhost:5000/x', 'tag'], with '@' for digests. */
function split(names: readonly string[] | null, mark: ':' | '@'): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const name of names ?? []) {
    const at = name.lastIndexOf(mark);
    const repository = name.slice(0, at);
    if (at <= 0 || repository === NONE) continue;
    found.set(repository, [...(found.get(repository) ?? []), name.slice(at + 1)]);
  }
  return found;
}

function rowsOf(image: ImageSummary, withDigests: boolean): ImageRow[] {
  const tags = split(image.RepoTags, ':');
  const digests = split(image.RepoDigests, '@');
  const rows: ImageRow[] = [];
  for (const [repository, list] of tags) {
    const known = withDigests ? (digests.get(repository) ?? [NONE]) : [NONE];
    for (const tag of list) for (const digest of known) rows.push({ image, repository, tag, digest });
    digests.delete(repository);
  }
  for (const [repository, list] of digests) {
    for (const digest of withDigests ? list : [NONE]) rows.push({ image, repository, tag: NONE, digest });
  }
  return rows.length > 0 ? rows : [{ image, repository: NONE, tag: NONE, digest: NONE }];
}

export const imageRows = (images: readonly ImageSummary[], withDigests: boolean): ImageRow[] =>
  images.flatMap((image) => rowsOf(image, withDigests));

export interface ImageListOptions {
  truncate: boolean;
  /** A column for the digests. */
  digests: boolean;
  /** Milliseconds since 1970. */
  now: number;
}

const sizeOf = (bytes: number): string => (bytes < 0 ? 'N/A' : humanSize(bytes, 4));

export function imageListing({ truncate, digests, now }: ImageListOptions): Listing<ImageRow> {
  const columns = ['Repository', 'Tag', ...(digests ? ['Digest'] : []), 'ID', 'CreatedSince', 'Size'];
  const raw: [string, string][] = [
    ['repository', 'Repository'],
    ['tag', 'Tag'],
    ...(digests ? [['digest', 'Digest'] satisfies [string, string]] : []),
    ['image_id', 'ID'],
    ['created_at', 'CreatedAt'],
    ['virtual_size', 'Size'],
  ];
  return {
    type: '*formatter.imageContext',
    columns,
    raw,
    fields: {
      ID: { header: 'IMAGE ID', value: ({ image }) => (truncate ? shortId(image.Id) : image.Id) },
      Repository: { header: 'REPOSITORY', value: ({ repository }) => repository },
      Tag: { header: 'TAG', value: ({ tag }) => tag },
      Digest: { header: 'DIGEST', value: ({ digest }) => digest },
      CreatedSince: {
        header: 'CREATED',
        value: ({ image }) => (image.Created > 0 ? `${humanDuration(now - image.Created * 1000)} ago` : 'N/A'),
      },
      CreatedAt: { header: 'CREATED AT', value: ({ image }) => goTime(image.Created) },
      Size: { header: 'SIZE', value: ({ image }) => humanSize(image.Size) },
      Containers: {
        header: 'CONTAINERS',
        value: ({ image: { Containers = -1 } }) => (Containers < 0 ? 'N/A' : String(Containers)),
      },
      VirtualSize: { header: 'SIZE', value: ({ image }) => humanSize(image.Size, 4) },
      SharedSize: { header: 'SHARED SIZE', value: ({ image }) => sizeOf(image.SharedSize ?? -1) },
      UniqueSize: {
        header: 'UNIQUE SIZE',
        value: ({ image: { Size, SharedSize = -1 } }) => sizeOf(SharedSize < 0 ? -1 : Size - SharedSize),
      },
    },
  };
}

/** The columns of `ps`. Pure. */
import type { Listing } from '../format/listing.ts';
import { ellipsis, joinLabels, shortId } from '../format/text.ts';
import { goTime, humanDuration, humanSize } from '../format/units.ts';
import { type Port, portsText } from './ports.ts';

export interface ContainerSummary {
  Id: string;
  Names: string[];
  Image: string;
  ImageID: string;
  Command: string;
  /** Seconds since 1970. */
  Created: number;
  Ports: Port[] | null;
  Labels: Record<string, string> | null;
  State: string;
  Status: string;
  NetworkSettings?: { Networks?: Record<string, unknown> | null };
  Mounts: { Driver?: string; Name?: string; Source?: string }[] | null;
  SizeRw?: number;
  SizeRootFs?: number;
}

export interface ContainerListOptions {
  truncate: boolean;
  /** A column for the sizes. */
  size: boolean;
  /** Milliseconds since 1970. */
  now: number;
}

function imageText({ Image, ImageID }: ContainerSummary, truncate: boolean): string {
  if (Image === '') return '<no image>';
  if (!truncate) return Image;
  if (shortId(Image) === shortId(ImageID)) return shortId(Image);
  // The digest says nothing to people.
  return Image.replace(/@sha256:[0-9a-f]{64}$/, '');
}

/** Names in other containers ('/other/alias') are links. */
function namesText({ Names }: ContainerSummary, truncate: boolean): string {
  const names = Names.map((name) => name.replace(/^\//, ''));
  const own = names.find((name) => !name.includes('/'));
  return truncate && own !== undefined ? own : names.join(',');
}

function sizeText({ SizeRw = 0, SizeRootFs = 0 }: ContainerSummary): string {
  return humanSize(SizeRw) + (SizeRootFs > 0 ? ` (virtual ${humanSize(SizeRootFs)})` : '');
}

export function containerListing({ truncate, size, now }: ContainerListOptions): Listing<ContainerSummary> {
  const columns = ['ID', 'Image', 'Command', 'RunningFor', 'Status', 'Ports', 'Names', ...(size ? ['Size'] : [])];
  const raw: [string, string][] = [
    ['container_id', 'ID'],
    ['image', 'Image'],
    ['command', 'Command'],
    ['created_at', 'CreatedAt'],
    ['state', 'State'],
    ['status', 'Status'],
    ['names', 'Names'],
    ['labels', 'Labels'],
    ['ports', 'Ports'],
  ];
  if (size) raw.push(['size', 'Size']);
  const cut = (text: string, length: number): string => (truncate ? ellipsis(text, length) : text);
  return {
    type: '*formatter.ContainerContext',
    columns,
    raw,
    labels: (row) => row.Labels,
    fields: {
      ID: { header: 'CONTAINER ID', value: ({ Id }) => (truncate ? shortId(Id) : Id) },
      Image: { header: 'IMAGE', value: (row) => imageText(row, truncate) },
      Command: { header: 'COMMAND', value: ({ Command }) => JSON.stringify(cut(Command, 20)) },
      CreatedAt: { header: 'CREATED AT', value: ({ Created }) => goTime(Created) },
      RunningFor: { header: 'CREATED', value: ({ Created }) => `${humanDuration(now - Created * 1000)} ago` },
      Ports: { header: 'PORTS', value: ({ Ports }) => portsText(Ports ?? []) },
      State: { header: 'STATE', value: ({ State }) => State },
      Status: { header: 'STATUS', value: ({ Status }) => Status },
      Size: { header: 'SIZE', value: sizeText },
      Names: { header: 'NAMES', value: (row) => namesText(row, truncate) },
      Labels: { header: 'LABELS', value: ({ Labels }) => joinLabels(Labels) },
      Mounts: {
        header: 'MOUNTS',
        value: ({ Mounts }) => (Mounts ?? []).map(({ Name, Source = '' }) => cut(Name || Source, 15)).join(','),
      },
      LocalVolumes: {
        header: 'LOCAL VOLUMES',
        value: ({ Mounts }) => String((Mounts ?? []).filter(({ Driver }) => Driver === 'local').length),
      },
      Networks: {
        header: 'NETWORKS',
        value: ({ NetworkSettings }) =>
          Object.keys(NetworkSettings?.Networks ?? {})
            .toSorted()
            .join(','),
      },
    },
  };
}

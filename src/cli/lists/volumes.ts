/** The columns of `volume ls` and of the volumes in `system df -v`. Pure. */
import type { Listing } from '../format/listing.ts';
import { joinLabels } from '../format/text.ts';
import { humanSize } from '../format/units.ts';

export interface VolumeSummary {
  Name: string;
  Driver: string;
  Scope: string;
  Mountpoint: string;
  Labels: Record<string, string> | null;
  /** In `system df` only. Bytes, and containers that have it. */
  UsageData?: { Size: number; RefCount: number };
}

/** What only volumes of a swarm have, and what was not measured. */
const NOT_KNOWN = 'N/A';

export const volumeListing: Listing<VolumeSummary> = {
  type: '*formatter.volumeContext',
  columns: ['Driver', 'Name'],
  raw: [
    ['name', 'Name'],
    ['driver', 'Driver'],
  ],
  labels: (row) => row.Labels,
  fields: {
    Name: { header: 'VOLUME NAME', value: ({ Name }) => Name },
    Driver: { header: 'DRIVER', value: ({ Driver }) => Driver },
    Scope: { header: 'SCOPE', value: ({ Scope }) => Scope },
    Mountpoint: { header: 'MOUNTPOINT', value: ({ Mountpoint }) => Mountpoint },
    Labels: { header: 'LABELS', value: ({ Labels }) => joinLabels(Labels) },
    Links: { header: 'LINKS', value: ({ UsageData }) => (UsageData ? String(UsageData.RefCount) : NOT_KNOWN) },
    Size: { header: 'SIZE', value: ({ UsageData }) => (UsageData ? humanSize(UsageData.Size, 4) : NOT_KNOWN) },
    Group: { header: 'GROUP', value: () => NOT_KNOWN },
    Availability: { header: 'AVAILABILITY', value: () => NOT_KNOWN },
    Status: { header: 'STATUS', value: () => NOT_KNOWN },
  },
};

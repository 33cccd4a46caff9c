/** The columns of `network ls`. Pure. */
import type { Listing } from '../format/listing.ts';
import { joinLabels, shortId } from '../format/text.ts';
import { goTimeOfText } from '../format/units.ts';

export interface NetworkSummary {
  Id: string;
  Name: string;
  Driver: string;
  Scope: string;
  /** RFC 3339 */
  Created: string;
  EnableIPv4?: boolean;
  EnableIPv6?: boolean;
  Internal: boolean;
  Labels: Record<string, string> | null;
}

export const networkListing = (truncate: boolean): Listing<NetworkSummary> => ({
  type: '*network.networkContext',
  columns: ['ID', 'Name', 'Driver', 'Scope'],
  raw: [
    ['network_id', 'ID'],
    ['name', 'Name'],
    ['driver', 'Driver'],
    ['scope', 'Scope'],
  ],
  labels: (row) => row.Labels,
  fields: {
    ID: { header: 'NETWORK ID', value: ({ Id }) => (truncate ? shortId(Id) : Id) },
    Name: { header: 'NAME', value: ({ Name }) => Name },
    Driver: { header: 'DRIVER', value: ({ Driver }) => Driver },
    Scope: { header: 'SCOPE', value: ({ Scope }) => Scope },
    IPv4: { header: 'IPV4', value: ({ EnableIPv4 = true }) => String(EnableIPv4) },
    IPv6: { header: 'IPV6', value: ({ EnableIPv6 = false }) => String(EnableIPv6) },
    Internal: { header: 'INTERNAL', value: ({ Internal }) => String(Internal) },
    Labels: { header: 'LABELS', value: ({ Labels }) => joinLabels(Labels) },
    CreatedAt: { header: 'CREATED AT', value: ({ Created }) => goTimeOfText(Created) },
  },
});

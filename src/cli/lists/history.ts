/** The columns of `history`. Pure. */
import type { Listing } from '../format/listing.ts';
import { ellipsis, shortId } from '../format/text.ts';
import { humanDuration, humanSize, rfc3339 } from '../format/units.ts';

export interface HistoryItem {
  Id: string;
  /** Seconds since 1970. */
  Created: number;
  CreatedBy: string;
  Size: number;
  Comment: string;
}

export interface HistoryOptions {
  truncate: boolean;
  human: boolean;
  /** Milliseconds since 1970. */
  now: number;
}

export const historyListing = ({ truncate, human, now }: HistoryOptions): Listing<HistoryItem> => ({
  type: '*formatter.historyContext',
  columns: ['ID', human ? 'CreatedSince' : 'CreatedAt', 'CreatedBy', 'Size', 'Comment'],
  fields: {
    ID: { header: 'IMAGE', value: ({ Id }) => (truncate ? shortId(Id) : Id) },
    CreatedSince: {
      header: 'CREATED',
      value: ({ Created }) => (Created > 0 ? `${humanDuration(now - Created * 1000)} ago` : 'N/A'),
    },
    CreatedAt: { header: 'CREATED AT', value: ({ Created }) => rfc3339(Created) },
    CreatedBy: {
      header: 'CREATED BY',
      value: ({ CreatedBy }) => {
        const text = CreatedBy.replaceAll('\t', ' ');
        return truncate ? ellipsis(text, 45) : text;
      },
    },
    Size: { header: 'SIZE', value: ({ Size }) => (human ? humanSize(Size) : String(Size)) },
    Comment: { header: 'COMMENT', value: ({ Comment }) => Comment },
  },
});

/** --since and --until: a moment, or a span before now. Pure. */
import { parseDuration } from '../run/values.ts';

const MOMENT = /^(\d{4})-(\d\d)-(\d\d)(?:T(\d\d)(?::(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?)?(Z|[+-]\d\d:\d\d)?$/;

/**
 * '42m', '2026-01-02T15:04:05.5Z', '2026-01-02' (local time), '1136073845.000000001' → seconds since 1970 as the API
 * takes them. `now` in milliseconds.
 */
export function timestamp(text: string, now: number): string {
  if (/^\d+(\.\d{1,9})?$/.test(text)) return text;
  const match = MOMENT.exec(text);
  if (match !== null) {
    const [, year, month, day, hour = '00', minute = '00', second = '00', fraction = '', zone = ''] = match;
    const milliseconds = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}${zone}`);
    if (!Number.isNaN(milliseconds))
      return `${milliseconds / 1000}${fraction === '' ? '' : `.${fraction.padEnd(9, '0')}`}`;
  }
  try {
    return String(Math.floor((now - parseDuration(text) / 1e6) / 1000));
  } catch (error) {
    throw new Error(`failed to parse value as time or duration: ${JSON.stringify(text)}`, { cause: error });
  }
}

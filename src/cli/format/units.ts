/** Sizes and spans of time for people, as docker writes them. Pure. */

const DECIMAL = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB', 'ZB', 'YB'];
const BINARY = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB', 'ZiB', 'YiB'];

function scaled(size: number, base: number, digits: number, units: readonly string[]): string {
  let value = size;
  let at = 0;
  // Compared as printed, so that 999,999 bytes are '1MB' and not '1000kB' of three digits.
  while (at < units.length - 1 && Math.abs(Number(value.toPrecision(digits))) >= base) {
    value /= base;
    at += 1;
  }
  return `${Number(value.toPrecision(digits))}${units[at]}`;
}

/** Bytes by powers of 1000: 4,261,550 → '4.26MB'. */
export const humanSize = (bytes: number, digits = 3): string => scaled(bytes, 1000, digits, DECIMAL);

/** Bytes by powers of 1024: 1,610,612,736 → '1.5GiB'. */
export const binarySize = (bytes: number): string => scaled(bytes, 1024, 4, BINARY);

/** Milliseconds → 'About a minute', '2 hours', 'Less than a second'. */
export function humanDuration(milliseconds: number): string {
  const seconds = Math.trunc(milliseconds / 1000);
  if (seconds < 1) return 'Less than a second';
  if (seconds === 1) return '1 second';
  if (seconds < 60) return `${seconds} seconds`;
  const minutes = Math.trunc(seconds / 60);
  if (minutes === 1) return 'About a minute';
  if (minutes < 60) return `${minutes} minutes`;
  const hours = Math.trunc(seconds / 3600 + 0.5);
  if (hours === 1) return 'About an hour';
  if (hours < 48) return `${hours} hours`;
  if (hours < 24 * 7 * 2) return `${Math.trunc(hours / 24)} days`;
  if (hours < 24 * 30 * 2) return `${Math.trunc(hours / 24 / 7)} weeks`;
  if (hours < 24 * 365 * 2) return `${Math.trunc(hours / 24 / 30)} months`;
  return `${Math.trunc(seconds / 3600 / 24 / 365)} years`;
}

const two = (value: number): string => String(value).padStart(2, '0');

/** Seconds since 1970 in the machine's time zone: '2026-01-02', '15:04:05', '+0100' ('' for the separator of the offset). */
function local(seconds: number, separator: string): [date: string, time: string, offset: string, utc: boolean] {
  const date = new Date(seconds * 1000);
  const minutes = -date.getTimezoneOffset();
  const size = Math.abs(minutes);
  return [
    `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`,
    `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`,
    `${minutes < 0 ? '-' : '+'}${two(Math.trunc(size / 60))}${separator}${two(size % 60)}`,
    minutes === 0,
  ];
}

/** Go's time.String of seconds since 1970: '2026-01-02 15:04:05 +0000 UTC'. */
export function goTime(seconds: number): string {
  const [date, time, offset, utc] = local(seconds, '');
  const zone = utc
    ? 'UTC'
    : new Intl.DateTimeFormat('en-GB', { timeZoneName: 'short' })
        .formatToParts(seconds * 1000)
        .find(({ type }) => type === 'timeZoneName')?.value;
  return `${date} ${time} ${offset} ${zone ?? offset}`;
}

/** RFC 3339; with `nanoseconds`, nine digits of them. */
export function rfc3339(seconds: number, nanoseconds?: bigint): string {
  const [date, time, offset, utc] = local(seconds, ':');
  const fraction = nanoseconds === undefined ? '' : `.${nanoseconds.toString().padStart(9, '0')}`;
  return `${date}T${time}${fraction}${utc ? 'Z' : offset}`;
}

/** '2026-11-26T16:00:00.120Z' → '2026-11-26 16:00:00.12 +0000 UTC': Go leaves out zeros at the end of a fraction. */
export const goTimeOfText = (text: string): string =>
  text.replace(
    /^(\S+)T([\d:]+)(?:(\.\d*[1-9])0*|\.0*)?(Z|([+-]\d\d):(\d\d))$/,
    (_, date, time, fraction = '', zone, hours, minutes) =>
      `${date} ${time}${fraction} ${zone === 'Z' ? '+0000 UTC' : `${hours}${minutes} ${hours}${minutes}`}`,
  );

/** Shortening of what is too long for a table. Pure. */

/** At most `length` characters; the last one is '…' when some are missing. */
export function ellipsis(text: string, length: number): string {
  const characters = Array.from(text);
  return characters.length <= length ? text : `${characters.slice(0, length - 1).join('')}…`;
}

/**
 * Without the characters that steer a terminal (C0, DEL and C1; U+009B begins a command as ESC [ does): words of images and
 * registries are anybody's. Tabs and line ends stay.
 */
export const harmless = (text: string): string =>
  // oxlint-disable-next-line no-control-regex
  text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g, '');

/** 'sha256:0123…' → its first 12 digits. */
export const shortId = (id: string): string => id.slice(id.indexOf(':') + 1).slice(0, 12);

export const joinLabels = (labels: Readonly<Record<string, string>> | null | undefined): string =>
  Object.entries(labels ?? {})
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join(',');

const PARTS = /\d+|\D+/g;

/** 'net2' before 'net10'. By hand because making an Intl.Collator costs 6 ms. */
export function compareNatural(a: string, b: string): number {
  const [left, right] = [a.match(PARTS) ?? [], b.match(PARTS) ?? []];
  for (const [index, one] of left.entries()) {
    const other = right[index];
    if (other === undefined) return 1;
    if (one === other) continue;
    const [m, n] = [Number(one), Number(other)];
    if (!Number.isNaN(m) && !Number.isNaN(n) && m !== n) return m - n;
    return one < other ? -1 : 1;
  }
  return left.length - right.length;
}

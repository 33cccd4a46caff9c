/** Shortening of what is too long for a table. Pure. */

/** At most `length` characters; the last one is '…' when some are missing. */
export function ellipsis(text: string, length: number): string {
  const characters = [...text];
  return characters.length <= length ? text : `${characters.slice(0, length - 1).join('')}…`;
}

/** 'sha256:0123…' → its first 12 digits. */
export const shortId = (id: string): string => id.slice(id.indexOf(':') + 1).slice(0, 12);

export const joinLabels = (labels: Readonly<Record<string, string>> | null | undefined): string =>
  Object.entries(labels ?? {})
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join(',');

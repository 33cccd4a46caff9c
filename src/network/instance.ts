/** How several daemons on one host tell their own from each other's. Pure. */

/**
 * Names this daemon's rules and links. Each daemon holds the lock of its exec root, so what bears this name is its own,
 * even when its store was lost. '/run/berth' → 'berth'.
 */
export function instanceName(execRoot: string): string {
  if (execRoot === '/run/berth' || execRoot === '/var/run/berth') return 'berth';
  // FNV-1a, 32 bits: short and the same at every start.
  let hash = 0x811c9dc5;
  for (const char of execRoot) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return `berth-${hash.toString(16).padStart(8, '0')}`;
}

/** The text on a bridge (IFLA_IFALIAS) by which a daemon knows it again after a restart. */
export const ownerOf = (execRoot: string, networkName: string): string => `${instanceName(execRoot)}:${networkName}`;

/** Go's os.FileMode, in which the API states modes: permission bits as of stat(2), kinds in the upper bits. Pure. */

const KIND = 0o170000;
const DIRECTORY = 2 ** 31;
const KINDS: Readonly<Record<number, number>> = {
  0o040000: DIRECTORY,
  0o120000: 2 ** 27,
  0o060000: 2 ** 26,
  0o020000: 2 ** 26 + 2 ** 21,
  0o010000: 2 ** 25,
  0o140000: 2 ** 24,
};

/** st_mode → os.FileMode. */
export function goMode(mode: number): number {
  const special = (mode & 0o4000 ? 2 ** 23 : 0) + (mode & 0o2000 ? 2 ** 22 : 0) + (mode & 0o1000 ? 2 ** 20 : 0);
  return (mode & 0o777) + (KINDS[mode & KIND] ?? 0) + special;
}

/** Bits above 2^30 are out of reach of JavaScript's bitwise operators. */
const has = (mode: number, bit: number): boolean => Math.floor(mode / bit) % 2 === 1;

export const isGoDirectory = (mode: number): boolean => has(mode, DIRECTORY);
export const isGoLink = (mode: number): boolean => has(mode, 2 ** 27);
/** A device, a pipe or a socket. */
export const isGoDevice = (mode: number): boolean => has(mode, 2 ** 26) || has(mode, 2 ** 25) || has(mode, 2 ** 24);

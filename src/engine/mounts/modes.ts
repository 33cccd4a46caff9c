/** The words after the second colon of `-v` ('ro,z,rslave'). Pure. */

export const PROPAGATIONS: readonly string[] = ['private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave'];

/** One word of each group at most. The last group is Berth's own: flags of the mount. */
const GROUPS: readonly (readonly string[])[] = [
  ['ro', 'rw'],
  ['z', 'Z'],
  PROPAGATIONS,
  ['nocopy'],
  ['consistent', 'cached', 'delegated'],
];
const FLAGS: readonly string[] = ['noexec', 'nosuid', 'nodev'];

export interface Mode {
  rw: boolean;
  propagation: string | undefined;
  nocopy: boolean;
}

/** Undefined when it is none. */
export function parseMode(text: string): Mode | undefined {
  const words = text === '' ? [] : text.split(',');
  if (words.some((word) => !FLAGS.includes(word) && !GROUPS.some((group) => group.includes(word)))) return undefined;
  if (GROUPS.some((group) => words.filter((word) => group.includes(word)).length > 1)) return undefined;
  return {
    rw: !words.includes('ro'),
    propagation: words.find((word) => PROPAGATIONS.includes(word)),
    nocopy: words.includes('nocopy'),
  };
}

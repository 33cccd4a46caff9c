/** The hierarchies of control groups of this machine (cgroups(7)): v1, v2, or both together. */
import { mountPoints } from './mounts.ts';

export interface Hierarchy {
  mount: string;
  version: 1 | 2;
}

let known: readonly Hierarchy[] | undefined;

/** Read once: hierarchies do not come and go while the daemon runs. */
export function hierarchies(): readonly Hierarchy[] {
  known ??= mountPoints()
    .filter(({ type }) => type === 'cgroup' || type === 'cgroup2')
    .map(({ target, type }) => ({ mount: target, version: type === 'cgroup2' ? 2 : 1 }));
  return known;
}

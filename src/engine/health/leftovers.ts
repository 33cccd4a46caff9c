/** Probes that a berthd began which was killed since: nobody waits for their answer. */
import { endHelpers } from '../helpers.ts';
import type { Paths } from '../paths.ts';
import { PROBE_FILE, killProbe } from './probe.ts';

/** The runtime waits for the process: while it is there, the number in its file is that process's. */
export function endProbes(paths: Paths): void {
  endHelpers(paths, (words) => {
    const file = words.find((word) => word.startsWith(`${paths.execs}/`) && word.endsWith(`/${PROBE_FILE}`));
    if (file === undefined) return false;
    killProbe(file.slice(0, -PROBE_FILE.length - 1));
    return true;
  });
}

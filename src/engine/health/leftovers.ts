/** Probes that a berthd began which was killed since: nobody waits for their answer. */
import { endHelpers } from '../helpers.ts';
import type { Paths } from '../paths.ts';
import { PROBE_FILE, killProbe } from './probe.ts';

/**
 * The runtime waits for the process: while it is there, the number in its file is that process's. Any process may call itself what it
 * likes, one of a container, too: only a file directly in a directory that berthd made is believed.
 */
export function endProbes(paths: Paths): void {
  endHelpers(paths, (words) => {
    const directory = words.map((word) => probeDirectory(paths, word)).find((found) => found !== undefined);
    if (directory === undefined) return false;
    killProbe(directory);
    return true;
  });
}

/** undefined for a word that is no probe's file. Pure. */
export function probeDirectory({ execs }: Pick<Paths, 'execs'>, word: string): string | undefined {
  const [name = '', file, ...more] = word.startsWith(`${execs}/`) ? word.slice(execs.length + 1).split('/') : [];
  return file === PROBE_FILE && more.length === 0 && /^[0-9a-f]+$/.test(name) ? `${execs}/${name}` : undefined;
}

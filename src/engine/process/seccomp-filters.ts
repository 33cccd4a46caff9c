/**
 * Compiled seccomp filters, so that a profile is compiled once and not for every container. libseccomp takes 12–17 ms
 * for the default profile, half of `crun create`.
 *
 * crun leaves the program that it compiled in the container's state directory (seccomp.bpf); given back to it in the
 * annotation run.oci.seccomp_bpf_data (base64; crun(1)) it is loaded as it is. The profile stays in the specification:
 * a crun that does not know the annotation compiles it again, so no container is ever without a filter.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { OciSeccomp } from '../spec/oci.ts';

export const FILTER_ANNOTATION = 'run.oci.seccomp_bpf_data';

/** Profiles differ by the capabilities of a container; few sets are in use at once. A filter has 8–12 kB. */
const MOST = 32;

export class SeccompFilters {
  readonly #filters = new Map<string, string>();

  /** What identifies a profile; undefined without one. */
  keyOf(profile: OciSeccomp | undefined): string | undefined {
    if (profile === undefined) return undefined;
    return createHash('sha256').update(JSON.stringify(profile)).digest('base64');
  }

  /** The filter in base64, when it is known. */
  get(key: string): string | undefined {
    return this.#filters.get(key);
  }

  /** Takes what crun compiled for a container that was just created; without that file nothing is learnt. */
  learn(key: string, stateDirectory: string): void {
    if (this.#filters.has(key)) return;
    let filter: Buffer;
    try {
      filter = readFileSync(`${stateDirectory}/seccomp.bpf`);
    } catch {
      return;
    }
    // A program is a row of struct sock_filter, 8 bytes each (linux/filter.h).
    if (filter.length === 0 || filter.length % 8 !== 0) return;
    const oldest = this.#filters.keys().next();
    if (this.#filters.size >= MOST && !oldest.done) this.#filters.delete(oldest.value);
    this.#filters.set(key, filter.toString('base64'));
  }
}

/** conmon and the runtime on this machine, and what the kernel lets berthd hand on. */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { unavailable } from '../errors.ts';
import type { EngineDeps, Runtime } from './context.ts';
import { findProgram } from './host-facts.ts';

/** Absolute paths of conmon and of the runtime; Unavailable names what to install. */
export function findRuntime(deps: EngineDeps): { conmon: string; runtime: Runtime } {
  const conmon = findProgram('conmon');
  if (conmon === undefined) throw unavailable('missing conmon: install it (Debian: apt-get install conmon)');
  let wanted = deps.settings.runtime;
  if (basename(wanted) === 'crun' && deps.hybridCgroups === 'refused') {
    deps.log.warn(
      'crun does not work beside the cgroup2 mount of this host, and berthd may not leave for a mount namespace without it: runc is used',
    );
    wanted = 'runc';
  }
  const path = findProgram(wanted);
  if (path === undefined) throw unavailable(`missing ${wanted}: install it (Debian: apt-get install ${wanted})`);
  return { conmon, runtime: { path, kind: basename(path) === 'crun' ? 'crun' : 'runc' } };
}

/** CapBnd of /proc/self/status: proc_pid_status(5). */
export function capabilityBounds(): bigint {
  const line = /^CapBnd:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return BigInt(`0x${line ?? '0'}`);
}

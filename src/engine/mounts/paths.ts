/** Where in a container something may be mounted. Pure. */
import { invalidParameter } from '../../errors.ts';

/** Without trailing slash, '.' and '..' taken away; pure text. */
export function cleanPath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}

/** What is wrong with a destination, in dockerd's words; undefined when nothing is. */
export function targetFault(path: string): string | undefined {
  if (path === '') return 'field Target must not be empty';
  if (!path.startsWith('/')) return notAbsolute(path);
  return cleanPath(path) === '/' ? "invalid specification: destination can't be '/'" : undefined;
}

export const notAbsolute = (path: string): string => `invalid mount path: '${path}' mount path must be absolute`;

/** Go's filepath.IsLocal: a relative path that does not lead above where it begins. */
export function isLocal(path: string): boolean {
  if (path === '' || path.startsWith('/')) return false;
  let depth = 0;
  for (const part of path.split('/')) {
    if (part === '..') depth -= 1;
    else if (part !== '' && part !== '.') depth += 1;
    if (depth < 0) return false;
  }
  return true;
}

/** Files of /proc that programs such as lxcfs lay their own over; runc takes the same ones (checkProcMount). */
const PROC_FILES = new Set(
  'cpuinfo diskstats meminfo stat swaps uptime loadavg slabinfo net/dev sys/kernel/ns_last_pid'
    .split(' ')
    .map((name) => `/proc/${name}`),
);

/** A mount over /proc would take the masked paths away. */
export function refuseProc(target: string): void {
  if (target !== '/proc' && !target.startsWith('/proc/')) return;
  if (PROC_FILES.has(target)) return;
  throw invalidParameter(`invalid mount path: ${JSON.stringify(target)} cannot be mounted because it is inside /proc`);
}

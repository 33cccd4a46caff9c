/** RLIMIT_NOFILE of this process. */
import { readFileSync } from 'node:fs';

/** How many descriptors it may have ('Max open files' of /proc/self/limits, proc(5), the soft one). */
export function descriptorLimit(): number {
  const [, soft = ''] = /^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
  return soft === 'unlimited' ? Number.MAX_SAFE_INTEGER : Number(soft);
}

/** What to say, and what to advise, when the daemon cannot be reached. */
import { readFileSync, statSync } from 'node:fs';
import { ConnectError } from '../client.ts';
import type { Address } from './address.ts';

/** Name of the group in the text of /etc/group, the number itself when it has none. */
export function groupName(groups: string, gid: number): string {
  const line = groups.split('\n').find((entry) => entry.split(':')[2] === String(gid));
  return line?.split(':')[0] ?? String(gid);
}

function deniedText(address: Address): string {
  const text = `permission denied while trying to connect to the Berth daemon socket at ${address.text}`;
  if (address.kind !== 'unix') return text;
  try {
    const { gid } = statSync(address.path);
    if (gid === 0) return `${text}: run this as root`;
    const group = groupName(readFileSync('/etc/group', 'utf8'), gid);
    return `${text}: run this as root, or join the group "${group}" (usermod -aG ${group} USER, then log in again)`;
  } catch {
    // Even the directory may be closed to this user.
    return `${text}: run this as root`;
  }
}

export function connectError(address: Address, cause: NodeJS.ErrnoException): ConnectError {
  if (cause.code === 'EACCES' || cause.code === 'EPERM') return new ConnectError(deniedText(address), { cause });
  const why = cause.code === 'ENOENT' || cause.code === 'ECONNREFUSED' ? '' : ` (${cause.message})`;
  const advice =
    address.kind === 'unix'
      ? 'Start it as root with "berthd" or "systemctl start berth", or name another socket with -H or BERTH_HOST.'
      : 'Check the address given with -H, BERTH_HOST or DOCKER_HOST.';
  return new ConnectError(
    `Cannot connect to the Berth daemon at ${address.text}. Is berthd running?${why}\n${advice}`,
    {
      cause,
    },
  );
}

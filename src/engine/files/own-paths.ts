/** Places in a container's root where Berth and the runtime make files to mount something on: no change of the container's. Pure. */
import { byteString } from '../../tar/header.ts';
import { mountsOf } from '../spec/mounts.ts';
import type { ContainerRecord } from '../record.ts';

/** Made by the runtime beside the mount points of the specification. */
const RUNTIME = ['/dev/console', '/.dockerenv', '/run/.containerenv'];

export function ownPaths({ hostConfig: host, mounts }: ContainerRecord): string[] {
  const none = '';
  const all = mountsOf({
    privileged: host.Privileged,
    readonlyRootfs: host.ReadonlyRootfs,
    shm: { size: 0 },
    hostIpc: false,
    files: { hostname: none, hosts: none, resolvConf: none },
    init: none,
    mounts,
    tmpfs: host.Tmpfs ?? {},
  });
  return [...new Set([...all.map(({ destination }) => destination), ...RUNTIME])].map(byteString);
}

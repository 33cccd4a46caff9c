/** From all that a container asks to have mounted to its MountRecords. Pure but for its environment. */
import { invalidParameter } from '../../errors.ts';
import type { ContainerConfig, HostConfig } from '../../model/container.ts';
import type { MountRecord } from '../record.ts';
import type { VolumeWish } from '../volumes/record.ts';
import { parseBind } from './bind-text.ts';
import { type MountEnvironment, type Planned, planVolume } from './environment.ts';
import { planMount } from './mount-config.ts';
import { cleanPath, notAbsolute, refuseProc } from './paths.ts';
import { mountsFrom } from './volumes-from.ts';

export interface MountPlan {
  mounts: MountRecord[];
  /** Directories of the host that binds name and nobody made yet. */
  create: string[];
  /** What there has to be before. */
  volumes: VolumeWish[];
}

/** Throws InvalidParameter, and NotFound for a container that is not there. */
export function mountPoints(config: ContainerConfig, host: HostConfig, environment: MountEnvironment): MountPlan {
  const tmpfs = new Set(Object.keys(host.Tmpfs ?? {}).map(tmpfsTarget));
  const named = new Map<string, Planned>();
  const add = (planned: Planned): void => {
    const { Destination } = planned.mount;
    refuseProc(Destination);
    if (named.has(Destination) || tmpfs.has(Destination)) {
      throw invalidParameter(`Duplicate mount point: ${Destination}`);
    }
    named.set(Destination, planned);
  };
  for (const text of host.Binds ?? []) add(parseBind(text, environment, host.VolumeDriver));
  for (const mount of host.Mounts ?? []) add(planMount(mount, environment, host.VolumeDriver));
  // What is named takes the place of what comes from another container, and both that of the image's own volumes.
  const all = new Map<string, Planned>();
  for (const mount of (host.VolumesFrom ?? []).flatMap((text) => mountsFrom(text, environment))) {
    if (!tmpfs.has(mount.Destination)) all.set(mount.Destination, { mount });
  }
  for (const [destination, planned] of named) all.set(destination, planned);
  for (const destination of Object.keys(config.Volumes ?? {})) {
    const target = imageTarget(destination);
    if (all.has(target) || tmpfs.has(target)) continue;
    refuseProc(target);
    const driver = host.VolumeDriver;
    all.set(target, planVolume(environment, { name: '', destination: target, mode: '', rw: true, driver }));
  }
  const mounts = [...all.values()].map(({ mount }) => mount);
  return {
    mounts,
    create: mounts.flatMap(({ Type, Source }) => (Type === 'bind' && !environment.exists(Source) ? [Source] : [])),
    volumes: [...all.values()].flatMap(({ volume }) => volume ?? []),
  };
}

function tmpfsTarget(destination: string): string {
  if (!destination.startsWith('/')) throw invalidParameter(notAbsolute(destination));
  const target = cleanPath(destination);
  if (target === '/') throw invalidParameter("invalid specification: destination can't be '/'");
  refuseProc(target);
  return target;
}

function imageTarget(destination: string): string {
  if (!destination.startsWith('/')) throw invalidParameter(`invalid volume specification: '${destination}'`);
  const target = cleanPath(destination);
  if (target === '/') throw invalidParameter("invalid volume specification: destination can't be '/'");
  return target;
}

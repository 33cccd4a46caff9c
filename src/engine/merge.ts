/** What a container inherits from its image, by Docker's rules. Pure. */
import { invalidParameter } from '../errors.ts';
import type { ContainerConfig } from '../model/container.ts';
import type { ImageDefaults } from './images/port.ts';

const keyOf = (entry: string): string => entry.split('=', 1)[0] ?? '';

/** The image's variables first; those that `own` sets, or unsets by a name without '=', are not taken over. */
export function mergeEnv(image: readonly string[], own: readonly string[]): string[] {
  const set = new Set(own.map(keyOf));
  return [...own, ...image.filter((entry) => !set.has(keyOf(entry)))];
}

export function mergeConfig(own: ContainerConfig, image: ImageDefaults): ContainerConfig {
  const merged: ContainerConfig = {
    ...own,
    User: own.User || (image.User ?? ''),
    Env: mergeEnv(image.Env ?? [], own.Env),
    WorkingDir: own.WorkingDir || (image.WorkingDir ?? ''),
    Labels: { ...image.Labels, ...own.Labels },
  };
  const ports = { ...image.ExposedPorts, ...own.ExposedPorts };
  if (Object.keys(ports).length > 0) merged.ExposedPorts = ports;
  const volumes = { ...image.Volumes, ...own.Volumes };
  merged.Volumes = Object.keys(volumes).length > 0 ? volumes : null;
  const stopSignal = own.StopSignal || image.StopSignal;
  if (stopSignal) merged.StopSignal = stopSignal;
  if (own.Shell === undefined && image.Shell !== undefined) merged.Shell = image.Shell;
  if (own.Healthcheck === undefined && image.Healthcheck !== undefined) merged.Healthcheck = image.Healthcheck;
  // An entry point of the container's own ends what the image would pass to the image's.
  if (own.Entrypoint === null || own.Entrypoint.length === 0) {
    if (own.Cmd === null || own.Cmd.length === 0) merged.Cmd = image.Cmd ?? null;
    if (own.Entrypoint === null) merged.Entrypoint = image.Entrypoint ?? null;
  }
  // The client's `--entrypoint ""` arrives as [""]: no entry point at all.
  if (merged.Entrypoint?.length === 1 && merged.Entrypoint[0] === '') merged.Entrypoint = null;
  return merged;
}

/** Program and arguments. */
export function commandOf(config: ContainerConfig): [path: string, ...args: string[]] {
  const [path, ...args] = [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])];
  if (path === undefined) throw invalidParameter('no command specified');
  return [path, ...args];
}

/** What a container inherits from its image, by Docker's rules. Pure. */
import { invalidParameter } from '../errors.ts';
import type { ContainerConfig, EndpointSettings, Healthcheck, NetworkingConfig } from '../model/container.ts';
import type { ImageDefaults } from './images/port.ts';

const keyOf = (entry: string): string => entry.split('=', 1)[0] ?? '';

/** The image's variables first; those that `own` sets, or unsets by a name without '=', are not taken over. */
export function mergeEnv(image: readonly string[], own: readonly string[]): string[] {
  const set = new Set(own.map(keyOf));
  return [...own, ...image.filter((entry) => !set.has(keyOf(entry)))];
}

/** What is not set, each by itself, is the image's: 0 and an empty test stand for 'not set'. */
function mergeHealthcheck(own: Healthcheck | undefined, image: Healthcheck | undefined): Healthcheck | undefined {
  if (own === undefined || image === undefined) return own ?? image;
  const set = Object.entries(own).filter(([, value]) => value !== 0 && !(Array.isArray(value) && value.length === 0));
  return { ...image, ...Object.fromEntries(set) };
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
  const health = mergeHealthcheck(own.Healthcheck, image.Healthcheck);
  if (health !== undefined) merged.Healthcheck = health;
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

/**
 * The container-wide MAC address, deprecated by the API, is that of the endpoint on the network of NetworkMode.
 * InvalidParameter when that endpoint has another one.
 */
export function mergeMacAddress(
  { MacAddress = '' }: ContainerConfig,
  networkMode: string,
  networking: NetworkingConfig,
): NetworkingConfig {
  if (MacAddress === '' || networkMode.startsWith('container:')) return networking;
  const { EndpointsConfig } = networking;
  const names = ['', 'default', 'bridge'].includes(networkMode) ? ['bridge', 'default'] : [networkMode];
  const name = names.find((candidate) => Object.hasOwn(EndpointsConfig, candidate)) ?? names[0] ?? '';
  const endpoint: EndpointSettings | undefined = EndpointsConfig[name];
  if (endpoint !== undefined && endpoint.MacAddress !== '' && endpoint.MacAddress !== MacAddress) {
    throw invalidParameter(
      'the container-wide MAC address must match the endpoint-specific MAC address for the main network, or be left empty',
    );
  }
  const nothing = { IPAMConfig: null, Links: null, Aliases: null, DriverOpts: null, GwPriority: 0 };
  return { EndpointsConfig: { ...EndpointsConfig, [name]: { ...nothing, ...endpoint, MacAddress } } };
}

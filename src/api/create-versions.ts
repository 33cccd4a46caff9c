/** What a create request means, by the version of the API that the client speaks. */
import { invalidParameter } from '../errors.ts';
import type { EndpointSettings } from '../model/container.ts';
import { endpointFor } from './shapes.ts';
import type { CreateParts } from './validate.ts';

const OLD_MAC =
  'The container-wide MacAddress field is now deprecated. It should be specified in EndpointsConfig instead.';

/** 'default' is Docker's word for the default bridge of Linux; it is resolved first. */
function resolveDefault({ hostConfig, networking, ...rest }: CreateParts): CreateParts {
  if (hostConfig.NetworkMode !== 'default' && hostConfig.NetworkMode !== '') return { hostConfig, networking, ...rest };
  const { default: settings, ...others } = networking.EndpointsConfig;
  const EndpointsConfig = settings === undefined ? others : { ...others, bridge: settings };
  return { ...rest, hostConfig: { ...hostConfig, NetworkMode: 'bridge' }, networking: { EndpointsConfig } };
}

/** Warnings are for clients whose words still count but should be others. */
export function byVersion(asked: CreateParts, version: number): { parts: CreateParts; warnings: string[] } {
  const { config, hostConfig, networking } = resolveDefault(asked);
  const wide = config.MacAddress ?? '';
  // Until 1.43 the address was the container's: that of an endpoint meant nothing.
  const before44 = (settings: EndpointSettings): EndpointSettings =>
    version < 44 ? { ...settings, MacAddress: '' } : settings;
  if (wide !== '' && version < 44 && ['host', 'none'].includes(hostConfig.NetworkMode)) {
    throw invalidParameter('conflicting options: mac-address and the network mode');
  }
  const EndpointsConfig = Object.fromEntries(
    Object.entries(networking.EndpointsConfig).map(([name, settings]) => [
      name,
      before44(endpointFor(settings, version)),
    ]),
  );
  if (version < 44) {
    delete config.Healthcheck?.StartInterval;
    // Until then a read-only mount was that alone; those of '-v' are not told apart.
    for (const mount of hostConfig.Mounts ?? []) {
      if (mount.Type === 'bind' && mount.ReadOnly) {
        mount.BindOptions = { ...mount.BindOptions, ReadOnlyNonRecursive: true };
      }
    }
  }
  return {
    parts: { config, hostConfig, networking: { EndpointsConfig } },
    warnings: wide !== '' && version >= 44 ? [OLD_MAC] : [],
  };
}

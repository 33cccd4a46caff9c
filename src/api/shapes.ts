/** What answers look like to older clients. */
import type { EndpointSettings } from '../model/container.ts';
import type { Json } from '../model/json.ts';

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Fields of the default bridge's endpoint that NetworkSettings repeats; gone from dockerd's answers since 1.52. */
const NO_ENDPOINT = {
  EndpointID: '',
  Gateway: '',
  GlobalIPv6Address: '',
  GlobalIPv6PrefixLen: 0,
  IPAddress: '',
  IPPrefixLen: 0,
  IPv6Gateway: '',
  MacAddress: '',
};
const OLD_SETTINGS = {
  Bridge: '',
  HairpinMode: false,
  LinkLocalIPv6Address: '',
  LinkLocalIPv6PrefixLen: 0,
  SecondaryIPAddresses: null,
  SecondaryIPv6Addresses: null,
};

/** The one endpoint that templates like {{.NetworkSettings.IPAddress}} mean. */
function defaultEndpoint(networks: unknown): Json {
  const bridge = isObject(networks) ? networks['bridge'] : undefined;
  if (!isObject(bridge)) return NO_ENDPOINT;
  return Object.fromEntries(Object.keys(NO_ENDPOINT).map((name) => [name, bridge[name]]));
}

/** Until 1.44 the short ID and the host name stood among the aliases; now they are among DNSNames. */
function withOldAliases({ Id, Config }: Json, networks: unknown): unknown {
  if (!isObject(networks)) return networks;
  const hostname = isObject(Config) ? Config['Hostname'] : undefined;
  const own = [Id, hostname].filter((text) => typeof text === 'string' && text !== '');
  return Object.fromEntries(
    Object.entries(networks).map(([name, network]) => {
      if (['bridge', 'host', 'none'].includes(name) || !isObject(network)) return [name, network];
      const aliases: unknown[] = Array.isArray(network['Aliases']) ? network['Aliases'] : [];
      const [id, ...others] = own;
      const short = typeof id === 'string' ? [id.slice(0, 12)] : [];
      return [name, { ...network, Aliases: [...new Set([...aliases, ...short, ...others])] }];
    }),
  );
}

export function inspectShape(container: Json, version: number): Json {
  const settings = container['NetworkSettings'];
  if (version >= 52 || !isObject(settings)) return container;
  const endpoint = defaultEndpoint(settings['Networks']);
  const Networks = version < 45 ? withOldAliases(container, settings['Networks']) : settings['Networks'];
  const shaped: Json = {
    ...container,
    NetworkSettings: { ...OLD_SETTINGS, ...endpoint, ...settings, Networks },
  };
  const config = container['Config'];
  // Since 1.44 the address belongs to each endpoint.
  const { MacAddress } = endpoint;
  if (version < 44 && isObject(config) && MacAddress !== '') shaped['Config'] = { MacAddress, ...config };
  return shaped;
}

/** Priorities of gateways came with 1.48; in an older client's request the field means nothing. */
export const endpointFor = (settings: EndpointSettings, version: number): EndpointSettings =>
  version >= 48 ? settings : { ...settings, GwPriority: 0 };

/** Fields of containers that images showed until 1.49. */
const OLD_IMAGE_CONFIG = {
  Hostname: '',
  Domainname: '',
  AttachStdin: false,
  AttachStdout: false,
  AttachStderr: false,
  Tty: false,
  OpenStdin: false,
  StdinOnce: false,
  Image: '',
};

/** `Container` and `ContainerConfig` left the API with 1.45. */
export function imageInspectShape(image: Json, version: number): Json {
  const shaped = imageShape(image, version);
  const { Config } = shaped;
  if (version >= 50 || !isObject(Config)) return shaped;
  const old = { ...OLD_IMAGE_CONFIG, ...Config };
  return { ...shaped, Config: old, ...(version < 45 ? { Container: '', ContainerConfig: old } : {}) };
}

/** VirtualSize was a second name of Size until 1.44. */
export function imageShape(image: Json, version: number): Json {
  return version < 44 && image['Size'] !== undefined ? { VirtualSize: image['Size'], ...image } : image;
}

/** One of a list; what a healthcheck found is there since 1.52. */
export function containerShape(container: Json, version: number): Json {
  if (version >= 52) return container;
  const { Health: _, ...older } = container;
  return older;
}

/** How full a network's pools are: new in 1.52. */
export function networkShape(network: Json, version: number): Json {
  if (version >= 52) return network;
  const { Status: _, ...older } = network;
  return older;
}

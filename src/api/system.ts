/** What the daemon says of itself: _ping, version, info, auth, system/df. */
import type { Images } from '../engine/images/port.ts';
import type { Containers } from '../engine/port.ts';
import { registryAuth } from './decode/registry.ts';
import type { Exchange } from './exchange.ts';
import { loginToRegistry } from './registry-login.ts';
import type { Route } from './router.ts';
import { diskUsage } from './shapes.ts';
import { API_VERSION, MIN_API_VERSION, type SystemInfo, type VersionInfo } from './system-port.ts';

/** Builder-Version 1 keeps `docker build` on the endpoint that answers it with Berth's own text. */
const PING = {
  'Builder-Version': '1',
  Swarm: 'inactive',
  'Cache-Control': 'no-cache, no-store, must-revalidate',
  Pragma: 'no-cache',
};

const SWARM = {
  NodeID: '',
  NodeAddr: '',
  LocalNodeState: 'inactive',
  ControlAvailable: false,
  Error: '',
  RemoteManagers: null,
};

/** `docker version` reads the details of the component named Engine, older clients the fields beside it. */
function versionShape({ Components, Platform, ...own }: VersionInfo): object {
  const spoken = { ApiVersion: API_VERSION, MinAPIVersion: MIN_API_VERSION };
  const { Version: _, ...details } = { ...own, ...spoken, Experimental: 'false' };
  const components = Components.map((part) =>
    part.Name === 'Engine' ? { ...part, Details: { ...details, ...part.Details } } : part,
  );
  return { Platform, Components: components, ...own, ...spoken };
}

export function systemRoutes(system: SystemInfo, containers: Containers, images: Images): Route[] {
  const ping = (x: Exchange): void => x.text('OK', PING);
  return [
    { method: 'GET', path: '/_ping', handle: ping },
    { method: 'HEAD', path: '/_ping', handle: ping },
    {
      method: 'GET',
      path: '/version',
      async handle(x) {
        x.json(200, versionShape(await system.versionInfo()));
      },
    },
    {
      method: 'GET',
      path: '/info',
      async handle(x) {
        x.json(200, { ...(await system.info()), Swarm: SWARM });
      },
    },
    {
      method: 'POST',
      path: '/auth',
      async handle(x) {
        const auth = await x.body(registryAuth, 'AuthConfig');
        const { RegistryConfig } = await system.info();
        x.json(200, await loginToRegistry(auth, RegistryConfig, x.signal));
      },
    },
    {
      method: 'GET',
      path: '/system/df',
      async handle(x) {
        const all = { all: true, filters: new Map<string, string[]>() };
        const [imageList, containerList] = await Promise.all([
          images.list({ ...all, digests: false }),
          containers.list({ ...all, limit: 0, size: true }),
        ]);
        x.json(200, diskUsage(imageList, containerList, new Set(x.query.strings('type')), x.version));
      },
    },
  ];
}

/** What the daemon says of itself: _ping, version, info, auth, system/df. */
import type { Images } from '../engine/images/port.ts';
import type { Containers } from '../engine/port.ts';
import type { Json } from '../model/json.ts';
import type { Volumes } from '../engine/volumes/port.ts';
import { registryAuth } from './decode/registry.ts';
import { type DiskParts, detailOf, diskUsage, kindsOf, usersOf } from './disk-usage.ts';
import type { Exchange } from './exchange.ts';
import { loginToRegistry } from './registry-login.ts';
import type { Route } from './router.ts';
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

/** Gone since 1.50; where they are missing, clients of then warn that bridges were not filtered. */
const OLD_INFO = { BridgeNfIptables: true, BridgeNfIp6tables: true };

/** `docker version` reads the details of the component named Engine, older clients the fields beside it. */
function versionShape({ Components, Platform, ...own }: VersionInfo): object {
  const spoken = { ApiVersion: API_VERSION, MinAPIVersion: MIN_API_VERSION };
  const { Version: _, ...details } = { ...own, ...spoken, Experimental: 'false' };
  const components = Components.map((part) =>
    part.Name === 'Engine' ? { ...part, Details: { ...details, ...part.Details } } : part,
  );
  return { Platform, Components: components, ...own, ...spoken };
}

interface Keepers {
  containers: Pick<Containers, 'list'>;
  images: Pick<Images, 'usage'>;
  volumes: Pick<Volumes, 'usage'>;
}

/** Only what was asked for is measured. */
async function sendDiskUsage(x: Exchange, { containers, images, volumes }: Keepers): Promise<void> {
  const kinds = kindsOf(x.query.strings('type'), x.version);
  const detail = detailOf(x.query.string('verbose'), x.version);
  const list = async (size: boolean): Promise<Json[]> =>
    containers.list({ all: true, limit: 0, size, filters: new Map() });
  const parts: DiskParts = {
    ...(kinds.has('image') ? { images: await images.usage() } : {}),
    ...(kinds.has('container') ? { containers: await list(true) } : {}),
    ...(kinds.has('volume') ? { volumes: await volumes.usage() } : {}),
    ...(kinds.has('build-cache') ? { buildCache: [] } : {}),
  };
  const users = usersOf(parts.containers ?? (kinds.has('image') ? await list(false) : []));
  x.json(200, diskUsage(parts, users, detail, x.version));
}

export function systemRoutes(system: SystemInfo, keepers: Keepers): Route[] {
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
        const old = x.version < 50 ? OLD_INFO : {};
        x.json(200, { ...(await system.info()), ...old, Swarm: SWARM });
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
      handle: (x) => sendDiskUsage(x, keepers),
    },
  ];
}

/**
 * The endpoints of parts that Berth does not have, answered as an engine without them does, so that clients that ask
 * on their way (`docker info`, `docker system prune`, `docker inspect`) go on.
 */
import { notFound, notImplemented, unavailable } from '../errors.ts';
import type { Exchange } from './exchange.ts';
import type { Route } from './router.ts';

type Method = Route['method'];

export const NO_SWARM =
  'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.';
const NO_SWARM_MODE =
  "berth has no swarm mode; networks that span hosts come with 'berth cluster init' and 'docker network create -d overlay'";
const NO_BUILD = 'berth does not build images; use Buildah: buildah bud -t NAME . - the image is then seen by berth';

const NO_CHECKPOINTS = 'berth does not make checkpoints of containers';
function refuse(methods: readonly Method[], path: string, error: (x: Exchange) => Error): Route[] {
  return methods.map((method) => ({
    method,
    path,
    handle(x) {
      throw error(x);
    },
  }));
}

const answer = (method: Method, path: string, body: object): Route => ({
  method,
  path,
  handle: (x) => x.json(200, body),
});

const ALL: readonly Method[] = ['GET', 'POST', 'DELETE'];

function swarmRoutes(): Route[] {
  const managers = ['/swarm', '/swarm/unlockkey', '/swarm/unlock', '/swarm/update'];
  const nouns = ['nodes', 'services', 'tasks', 'secrets', 'configs'].flatMap((noun) => [
    `/${noun}`,
    `/${noun}/{rest*}`,
  ]);
  return [
    ...refuse(['POST'], '/swarm/leave', () => unavailable('This node is not part of a swarm')),
    ...[...managers, ...nouns].flatMap((path) => refuse(ALL, path, () => unavailable(NO_SWARM))),
    ...['/swarm/init', '/swarm/join'].flatMap((path) => refuse(['POST'], path, () => notImplemented(NO_SWARM_MODE))),
  ];
}

function pluginRoutes(): Route[] {
  const missing = (x: Exchange): Error => notFound(`plugin ${JSON.stringify(x.param('name'))} not found`);
  const none = (): Error => notImplemented('berth has no plugins');
  return [
    answer('GET', '/plugins', []),
    ...refuse(['GET'], '/plugins/privileges', none),
    ...refuse(['GET'], '/plugins/{name*}/json', missing),
    ...refuse(['DELETE'], '/plugins/{name*}', missing),
    ...refuse(['POST'], '/plugins/{rest*}', none),
  ];
}

function containerRoutes(): Route[] {
  return [
    ...refuse(['GET', 'POST'], '/containers/{id}/checkpoints', () => notImplemented(NO_CHECKPOINTS)),
    ...refuse(['GET'], '/containers/{id}/attach/ws', () =>
      notImplemented('berth does not attach over websockets: use POST /containers/{id}/attach with Upgrade: tcp'),
    ),
    ...refuse(['DELETE'], '/containers/{id}/checkpoints/{name}', () => notImplemented(NO_CHECKPOINTS)),
  ];
}

export function absentRoutes(): Route[] {
  return [
    ...swarmRoutes(),
    ...pluginRoutes(),
    ...containerRoutes(),
    // BuildKit's clients speak to the builder over the last two.
    ...['/build', '/build/cancel', '/session', '/grpc'].flatMap((path) =>
      refuse(['POST'], path, () => notImplemented(NO_BUILD)),
    ),
    answer('POST', '/build/prune', { CachesDeleted: null, SpaceReclaimed: 0 }),
  ];
}

/**
 * Every endpoint of Docker's Engine API 1.52, in the order of its reference (https://docs.docker.com/reference/api/engine/version/v1.52/), with
 * a call of it that is as it should be; and those that the reference leaves out and its clients know.
 */

/** What `{id}` and `{name}` stand for; each is made for the one call. */
export type Thing =
  | 'created' // a container of busybox that prints a word and waits
  | 'running'
  | 'same' // the container that was started last
  | 'paused'
  | 'exited'
  | 'exec' // a command in a running container, not yet started
  | 'running exec'
  | 'network' // without containers
  | 'connected' // a network that the running container is on
  | 'volume'
  | 'image' // another name of busybox
  | 'pushed'; // a name of busybox at a registry beside the daemon

export interface Endpoint {
  /** 'GET /containers/{id}/json' as in the reference. */
  what: string;
  of?: Thing;
  /** THING and OTHER in it, and in the values of `body`, are the name or ID of what `of` and `other` say; REGISTRY is the registry's address. */
  query?: string;
  other?: Thing;
  body?: Readonly<Record<string, unknown>>;
  /** Instead of a body in JSON: an archive of one file, or one of an image. */
  archive?: 'file' | 'image';
  /** The connection is taken over, as attach and exec do; what is sent over it is this and its end. */
  hijack?: string;
}

const CONTAINERS: readonly Endpoint[] = [
  { what: 'GET /containers/json', query: 'all=1' },
  { what: 'POST /containers/create', query: 'name=made', body: { Image: 'busybox', Cmd: ['true'] } },
  { what: 'GET /containers/{id}/json', of: 'running' },
  { what: 'GET /containers/{id}/top', of: 'running' },
  { what: 'GET /containers/{id}/logs', of: 'exited', query: 'stdout=1' },
  { what: 'GET /containers/{id}/changes', of: 'exited' },
  { what: 'GET /containers/{id}/export', of: 'exited' },
  { what: 'GET /containers/{id}/stats', of: 'running', query: 'stream=0' },
  { what: 'POST /containers/{id}/resize', of: 'running', query: 'h=24&w=80' },
  { what: 'POST /containers/{id}/start', of: 'created' },
  { what: 'POST /containers/{id}/stop', of: 'running', query: 't=0' },
  { what: 'POST /containers/{id}/restart', of: 'running', query: 't=0' },
  { what: 'POST /containers/{id}/kill', of: 'running' },
  { what: 'POST /containers/{id}/update', of: 'running', body: { CpuShares: 512 } },
  { what: 'POST /containers/{id}/rename', of: 'created', query: 'name=renamed' },
  { what: 'POST /containers/{id}/pause', of: 'running' },
  { what: 'POST /containers/{id}/unpause', of: 'paused' },
  { what: 'POST /containers/{id}/attach', of: 'running', query: 'stream=1&stdin=1&stdout=1', hijack: 'end\n' },
  { what: 'GET /containers/{id}/attach/ws', of: 'running', query: 'stream=1' },
  { what: 'POST /containers/{id}/wait', of: 'exited' },
  { what: 'DELETE /containers/{id}', of: 'exited' },
  { what: 'HEAD /containers/{id}/archive', of: 'running', query: 'path=/etc/passwd' },
  { what: 'GET /containers/{id}/archive', of: 'running', query: 'path=/etc/passwd' },
  { what: 'PUT /containers/{id}/archive', of: 'running', query: 'path=/tmp', archive: 'file' },
  { what: 'POST /containers/prune', other: 'exited' },
];

const IMAGES: readonly Endpoint[] = [
  { what: 'GET /images/json' },
  { what: 'POST /build', query: 't=built', archive: 'file' },
  { what: 'POST /build/prune' },
  { what: 'POST /images/create', other: 'pushed', query: 'fromImage=OTHER' },
  { what: 'GET /images/{name}/json', of: 'image' },
  { what: 'GET /images/{name}/history', of: 'image' },
  { what: 'POST /images/{name}/push', of: 'pushed' },
  { what: 'POST /images/{name}/tag', of: 'image', query: 'repo=tagged' },
  { what: 'DELETE /images/{name}', of: 'image' },
  { what: 'GET /images/search', query: 'term=busybox' },
  { what: 'POST /images/prune' },
  { what: 'POST /auth', body: { username: 'u', password: 'secret', serveraddress: 'http://REGISTRY' } },
  { what: 'POST /commit', other: 'exited', query: 'container=OTHER&repo=committed' },
  { what: 'GET /images/{name}/get', of: 'image' },
  { what: 'GET /images/get', other: 'image', query: 'names=OTHER' },
  { what: 'POST /images/load', archive: 'image' },
];

const SYSTEM: readonly Endpoint[] = [
  { what: 'GET /info' },
  { what: 'GET /version' },
  { what: 'GET /_ping' },
  { what: 'HEAD /_ping' },
  { what: 'GET /events', query: 'since=0&until=1' },
  { what: 'GET /system/df' },
];

const EXEC: readonly Endpoint[] = [
  { what: 'POST /containers/{id}/exec', of: 'running', body: { Cmd: ['true'] } },
  { what: 'POST /exec/{id}/start', of: 'exec', body: {}, hijack: '' },
  { what: 'POST /exec/{id}/resize', of: 'running exec', query: 'h=24&w=80' },
  { what: 'GET /exec/{id}/json', of: 'exec' },
];

const VOLUMES: readonly Endpoint[] = [
  { what: 'GET /volumes' },
  { what: 'POST /volumes/create', body: { Name: 'made' } },
  { what: 'GET /volumes/{name}', of: 'volume' },
  { what: 'PUT /volumes/{name}', of: 'volume', query: 'version=1', body: {} },
  { what: 'DELETE /volumes/{name}', of: 'volume' },
  { what: 'POST /volumes/prune' },
];

const NETWORKS: readonly Endpoint[] = [
  { what: 'GET /networks' },
  { what: 'GET /networks/{id}', of: 'network' },
  { what: 'DELETE /networks/{id}', of: 'network' },
  { what: 'POST /networks/create', body: { Name: 'made' } },
  { what: 'POST /networks/{id}/connect', of: 'network', other: 'running', body: { Container: 'OTHER' } },
  { what: 'POST /networks/{id}/disconnect', of: 'connected', other: 'same', body: { Container: 'OTHER' } },
  { what: 'POST /networks/prune' },
];

/** Of nouns that Berth does not have: nothing is made for them. */
const bare = (...lines: string[]): Endpoint[] => lines.map((what) => ({ what, query: 'version=1&remote=x' }));

/** The reference's headings. */
export const ENDPOINTS: Readonly<Record<string, readonly Endpoint[]>> = {
  Containers: CONTAINERS,
  Images: IMAGES,
  System: SYSTEM,
  Exec: EXEC,
  Volumes: VOLUMES,
  Networks: NETWORKS,
  Swarm: bare(
    'GET /swarm',
    'POST /swarm/init',
    'POST /swarm/join',
    'POST /swarm/leave',
    'POST /swarm/update',
    'GET /swarm/unlockkey',
    'POST /swarm/unlock',
  ),
  Nodes: bare('GET /nodes', 'GET /nodes/{id}', 'DELETE /nodes/{id}', 'POST /nodes/{id}/update'),
  Services: bare(
    'GET /services',
    'POST /services/create',
    'GET /services/{id}',
    'DELETE /services/{id}',
    'POST /services/{id}/update',
    'GET /services/{id}/logs',
  ),
  Tasks: bare('GET /tasks', 'GET /tasks/{id}', 'GET /tasks/{id}/logs'),
  Secrets: bare(
    'GET /secrets',
    'POST /secrets/create',
    'GET /secrets/{id}',
    'DELETE /secrets/{id}',
    'POST /secrets/{id}/update',
  ),
  Configs: bare(
    'GET /configs',
    'POST /configs/create',
    'GET /configs/{id}',
    'DELETE /configs/{id}',
    'POST /configs/{id}/update',
  ),
  Plugins: bare(
    'GET /plugins',
    'GET /plugins/privileges',
    'POST /plugins/pull',
    'GET /plugins/{name}/json',
    'DELETE /plugins/{name}',
    'POST /plugins/{name}/enable',
    'POST /plugins/{name}/disable',
    'POST /plugins/{name}/upgrade',
    'POST /plugins/create',
    'POST /plugins/{name}/push',
    'POST /plugins/{name}/set',
  ),
  Distribution: [{ what: 'GET /distribution/{name}/json', of: 'pushed' }],
  Session: bare('POST /session'),
  'Not in the reference': [
    { what: 'GET /containers/{id}/checkpoints', of: 'running' },
    { what: 'POST /containers/{id}/checkpoints', of: 'running', body: { CheckpointID: 'c' } },
    { what: 'DELETE /containers/{id}/checkpoints/c', of: 'running' },
    { what: 'POST /build/cancel', query: 'id=x' },
    { what: 'POST /grpc' },
    { what: 'OPTIONS /containers/json' },
  ],
};

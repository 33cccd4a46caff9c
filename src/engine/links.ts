/** Links of the default bridge (`--link`): which containers they mean, and the variables that tell of them. */
import { BerthError, invalidParameter, notFound, system } from '../errors.ts';
import type { SandboxView } from '../network/port.ts';
import { type ContainerLink, isJoined, isUserDefined } from './attachments.ts';
import { type Context, save } from './context.ts';
import type { ContainerRecord, LinkRecord } from './record.ts';
import type { Container, Registry } from './registry.ts';

/** 'name', 'name:alias', and Docker's own '/name:/parent/alias'. */
export function parseLink(text: string): { name: string; alias: string } {
  if (text === '') throw invalidParameter('empty string specified for links');
  const [name = '', alias = name, ...more] = text.split(':');
  if (more.length > 0) throw invalidParameter(`bad format for links: ${text}`);
  const [last = ''] = alias.split('/').slice(-1);
  return { name, alias: last };
}

function find(registry: Registry, ref: string): Container {
  try {
    return registry.find(ref);
  } catch (error) {
    if (!(error instanceof BerthError)) throw error;
    throw new BerthError('InvalidParameter', `could not get container for ${ref}: ${error.message}`, { cause: error });
  }
}

/** What a create request's links mean. On user-defined networks links are names there, which the client sends apart. */
export function resolveLinks(registry: Registry, mode: string, links: readonly string[]): LinkRecord[] {
  if (isUserDefined(mode)) return [];
  return links.map((text) => {
    const { name, alias } = parseLink(text);
    if (/[\s\p{Cc}]/u.test(alias) || alias === '') throw invalidParameter(`bad format for links: ${text}`);
    let other = find(registry, name);
    while (isJoined(other.record.hostConfig.NetworkMode)) {
      other = find(registry, other.record.hostConfig.NetworkMode.slice('container:'.length));
    }
    if (other.record.hostConfig.NetworkMode === 'host') {
      throw invalidParameter(
        "conflicting options: host type networking can't be used with links. This would result in undefined behavior",
      );
    }
    return { containerId: other.id, alias };
  });
}

/** The linked containers that are still there. */
export const linkedBy = (registry: Registry, { links = [] }: ContainerRecord): (ContainerLink & { to: Container })[] =>
  links.flatMap(({ containerId, alias }) => {
    const to = registry.get(containerId);
    return to === undefined ? [] : [{ containerId, alias, name: to.record.name, to }];
  });

/** `docker rm --link web/db`: 'db' is no name of another container for 'web' any more, from its next start on. */
export async function removeLink(context: Context, path: string): Promise<void> {
  const [parent = '', alias, ...more] = path.replace(/^\//, '').split('/');
  if (alias === undefined || more.length > 0) {
    const { id } = context.registry.find(path);
    throw invalidParameter(`Conflict, cannot remove the default link name of the container ${id}`);
  }
  const container = context.registry.find(parent);
  await container.lock.run(async () => {
    const { record } = container;
    const { links = [] } = record;
    // Also when it was removed while this one waited: nothing of it is written any more.
    if (context.registry.get(container.id) !== container) throw notFound(`No such container: ${path}`);
    const left = links.filter((link) => link.alias !== alias);
    if (left.length === links.length) throw notFound(`No such container: ${path}`);
    record.links = left;
    save(context, container);
    return Promise.resolve();
  });
}

/** Before a start: those linked must run, on the default bridge. */
export function openLinks(
  { registry, sandboxes }: Pick<Context, 'registry' | 'sandboxes'>,
  record: ContainerRecord,
): { links: ContainerLink[]; env: string[] } {
  if (!Object.hasOwn(record.networks, 'bridge')) return { links: [], env: [] };
  const found = linkedBy(registry, record);
  const env = found.flatMap(({ alias, to }) => {
    const path = `/${record.name}/${alias}`;
    if (!to.running) throw system(`Cannot link to a non running container: /${to.record.name} AS ${path}`);
    const bridge = sandboxes.view(to.id)?.Networks['bridge'];
    if (bridge === undefined) throw system(`container ${to.id} not attached to default bridge network`);
    return linkVariables(path, bridge, Object.keys(to.record.config.ExposedPorts ?? {}), to.record.config.Env);
  });
  return { links: found.map(({ containerId, name, alias }) => ({ containerId, name, alias })), env };
}

interface Port {
  number: number;
  protocol: string;
}

/** TCP before the others, then by number. */
const compare = (a: Port, b: Port): number =>
  Number(b.protocol === 'tcp') - Number(a.protocol === 'tcp') ||
  a.number - b.number ||
  (a.protocol < b.protocol ? -1 : Number(a.protocol !== b.protocol));

/** '/web/db' → DB_PORT=tcp://…, DB_PORT_5432_TCP_ADDR=…, DB_NAME=/web/db, DB_ENV_…=…, as dockerd names them. */
export function linkVariables(
  path: string,
  { IPAddress }: Pick<SandboxView['Networks'][string], 'IPAddress'>,
  exposed: readonly string[],
  childEnv: readonly string[],
): string[] {
  const alias = (path.split('/').at(-1) ?? '').toUpperCase().replaceAll('-', '_');
  const ports = exposed
    .map((key): Port => {
      const [number = '', protocol = 'tcp'] = key.split('/');
      return { number: Number(number), protocol };
    })
    .toSorted(compare);
  const url = ({ number, protocol }: Port): string => `${protocol}://${IPAddress}:${number}`;
  const prefix = ({ number, protocol }: Port): string => `${alias}_PORT_${number}_${protocol.toUpperCase()}`;
  const [first] = ports;
  const lines = first === undefined ? [] : [`${alias}_PORT=${url(first)}`];
  let run: Port[] = [];
  const close = (): void => {
    const [start, end] = [run[0], run.at(-1)];
    if (start === undefined || end === undefined || start === end) return;
    lines.push(`${prefix(start)}_START=${url(start)}`, `${prefix(start)}_PORT_START=${start.number}`);
    lines.push(`${prefix(start)}_END=${url(end)}`, `${prefix(start)}_PORT_END=${end.number}`);
  };
  for (const port of ports) {
    const last = run.at(-1);
    if (last !== undefined && (port.number !== last.number + 1 || port.protocol !== last.protocol)) {
      close();
      run = [];
    }
    run.push(port);
    lines.push(
      `${prefix(port)}=${url(port)}`,
      `${prefix(port)}_ADDR=${IPAddress}`,
      `${prefix(port)}_PORT=${port.number}`,
      `${prefix(port)}_PROTO=${port.protocol}`,
    );
  }
  close();
  lines.push(`${alias}_NAME=${path}`);
  for (const entry of childEnv) {
    const equals = entry.indexOf('=');
    const name = entry.slice(0, equals);
    // Those of the image's making say nothing about what runs there.
    if (equals > 0 && name !== 'HOME' && name !== 'PATH') lines.push(`${alias}_ENV_${entry}`);
  }
  return lines;
}

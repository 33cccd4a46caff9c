/** `POST /containers/prune`: the containers that do not run. */
import { invalidParameter } from '../errors.ts';
import type { Filters } from '../model/json.ts';
import type { Context } from './context.ts';
import { diskSize } from './disk.ts';
import { matchesLabels } from './filters.ts';
import type { Container } from './registry.ts';
import { removeContainer } from './stop.ts';

/** `removed` is called for each; one that cannot be removed is logged and left. */
export async function pruneContainers(
  context: Context,
  filters: Filters,
  removed: (container: Container) => void,
): Promise<{ ContainersDeleted: string[]; SpaceReclaimed: number }> {
  const { registry, paths, log } = context;
  const until = filters.get('until');
  const before = until === undefined ? Infinity : Math.min(...until.map(pruneTime));
  const ContainersDeleted: string[] = [];
  let SpaceReclaimed = 0;
  for (const container of registry.all()) {
    const { record } = container;
    if (container.running || record.state.Restarting || container.removing) continue;
    if (Date.parse(record.created) > before) continue;
    if (!matchesLabels(record.config.Labels, filters.get('label') ?? [])) continue;
    const not = filters.get('label!') ?? [];
    if (not.length > 0 && matchesLabels(record.config.Labels, not)) continue;
    const size = await diskSize(paths.upper(container.id));
    try {
      await removeContainer(context, container, { force: false, volumes: false });
      removed(container);
    } catch (error) {
      log.warn('prune left a container', { container: container.id, error: String(error) });
      continue;
    }
    ContainersDeleted.push(container.id);
    SpaceReclaimed += size;
  }
  context.publish('container', 'prune', '', { reclaimed: String(SpaceReclaimed) });
  return { ContainersDeleted, SpaceReclaimed };
}

/** Milliseconds since 1970 of a time, a Unix time, or a span before now ('10m', '1h30m'). */
function pruneTime(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  const span = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/.exec(text);
  if (span !== null && text !== '') {
    const [, hours = 0, minutes = 0, seconds = 0] = span;
    return Date.now() - (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1000;
  }
  const time = Date.parse(text);
  if (Number.isNaN(time))
    throw invalidParameter(`invalid filter 'until=${text}': failed to parse value as time or duration`);
  return time;
}

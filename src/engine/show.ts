/** `GET /containers/json` and `GET /containers/{id}/json`: what is known, in the API's shapes. */
import type { Filters, Json } from '../model/json.ts';
import { networkIdOf } from './attachments.ts';
import type { Context } from './context.ts';
import { diskSize } from './disk.ts';
import { applyFilters, checkFilters, showsStopped } from './filters.ts';
import { linkedBy } from './links.ts';
import type { Container } from './registry.ts';
import { type IdOf, inspectView } from './views/inspect.ts';
import { listView } from './views/list.ts';

export async function listContainers(
  context: Context,
  options: { all: boolean; limit: number; size: boolean; filters: Filters },
): Promise<Json[]> {
  const { registry, sandboxes, images } = context;
  checkFilters(options.filters);
  const ancestors = new Set<string>();
  for (const ref of options.filters.get('ancestor') ?? []) {
    const image = await images.resolve(ref).catch(() => undefined);
    if (image !== undefined) ancestors.add(image.id);
  }
  const idOf = networkIds(sandboxes);
  const linkNames = namesByLinks(registry);
  const hidden = !options.all && options.limit === 0 && !showsStopped(options.filters);
  const candidates = registry
    .all()
    .filter(({ running, record }) => !hidden || running || record.state.Restarting)
    .map((container) => ({ record: container.record, sandbox: sandboxes.view(container.id) }))
    .toSorted((a, b) => (a.record.created < b.record.created ? 1 : -1));
  const found = applyFilters(candidates, options.filters, {
    createdOf: (ref) => registry.find(ref).record.created,
    ancestors,
    networkId: idOf,
  });
  const shown = options.limit > 0 ? found.slice(0, options.limit) : found;
  const sizes = new Map<string, Awaited<ReturnType<typeof sizeOf>>>();
  // One after the other: all at once would take a descriptor or two for each, and every thread of the pool.
  if (options.size) for (const { record } of shown) sizes.set(record.id, await sizeOf(context, record));
  const now = Date.now();
  return shown.map(({ record, sandbox }) =>
    listView({ record, sandbox, idOf, linkNames: linkNames.get(record.id) ?? [], size: sizes.get(record.id), now }),
  );
}

export async function inspectContainer(
  context: Context,
  { record, id }: Container,
  execIds: string[],
  options: { size: boolean },
): Promise<Json> {
  const { paths, registry, sandboxes } = context;
  return inspectView({
    record,
    sandbox: sandboxes.view(id),
    idOf: networkIds(sandboxes),
    links: linkedBy(registry, record).map(({ name, alias }) => `/${name}:/${record.name}/${alias}`),
    execIds,
    paths: {
      log: paths.log(id),
      files: paths.netFiles(id),
      upper: paths.upper(id),
      work: paths.work(id),
      merged: paths.rootfs(id),
    },
    size: options.size ? await sizeOf(context, record) : undefined,
  });
}

/** Each network is looked up once. */
function networkIds(sandboxes: Context['sandboxes']): IdOf {
  const found = new Map<string, string | undefined>();
  return (name) => {
    if (!found.has(name)) found.set(name, networkIdOf(sandboxes, name));
    return found.get(name);
  };
}

/** Container → what others that link to it call it. */
function namesByLinks(registry: Context['registry']): Map<string, string[]> {
  const names = new Map<string, string[]>();
  for (const { record } of registry.all()) {
    for (const { containerId, alias } of record.links ?? []) {
      names.set(containerId, [...(names.get(containerId) ?? []), `/${record.name}/${alias}`]);
    }
  }
  return names;
}

/** A layer never changes: it is measured once. */
const layerSizes = new Map<string, Promise<number>>();

async function layerSize(directory: string): Promise<number> {
  const known = layerSizes.get(directory) ?? diskSize(directory);
  layerSizes.set(directory, known);
  return known;
}

/** Bytes: what the container wrote, and that together with its image. */
async function sizeOf(
  { paths }: Context,
  { id, lowerDirs }: Container['record'],
): Promise<{ rw: number; rootFs: number }> {
  const rw = await diskSize(paths.upper(id));
  let rootFs = rw;
  for (const directory of lowerDirs) rootFs += await layerSize(directory);
  return { rw, rootFs };
}
